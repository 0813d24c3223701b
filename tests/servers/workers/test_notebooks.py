"""Notebooks and Streamlit, which run the same code again and again in one process."""

from __future__ import annotations

import pytest
from jupyter_client.manager import KernelManager

from support.programs import environment
from support.workers import QUIET, WAIT_S, names

SETUP = """
import threading
from opentelemetry import trace
from infinium_otel import register
from support.programs import run_agent
provider = register(should_send=lambda task: True)
"""


@pytest.fixture
def kernel(fake, tmp_path):
    """A real kernel whose programs send to *fake*: (manager, client)."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=environment(fake, **QUIET), cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=WAIT_S)
    yield manager, client
    client.stop_channels()
    if manager.is_alive():
        manager.shutdown_kernel(now=True)


def execute(client, cell):
    """Run *cell*; returns what it printed. A failed cell fails the test."""
    printed = []

    def collect(message):
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    reply = client.execute_interactive(cell, timeout=WAIT_S, output_hook=collect)
    assert reply["content"]["status"] == "ok", reply
    return "".join(printed)


def test_jupyter(fake, kernel):
    """A setup cell that runs again neither doubles runs nor adds threads.

    Then the kernel is shut down, as the menu does it: the last run arrives.

    open-telemetry/opentelemetry-python#3743, mlflow/mlflow#25206
    """
    manager, client = kernel
    cell = "run_agent(provider.get_tracer('t'), 'run0')"
    assert execute(client, SETUP + cell) == ""
    assert fake.wait_for_tasks(1, WAIT_S)
    count = "print(sum('infinium' in each.name for each in threading.enumerate()))"
    before = execute(client, count)
    for _ in range(3):
        assert execute(client, SETUP) == ""
    assert int(execute(client, count)) <= int(before)
    execute(client, "await __import__('asyncio').sleep(0)\n" + cell.replace("0", "1"))
    manager.shutdown_kernel()
    assert names(fake) == ["run0", "run1"]


def test_a_restarted_kernel(fake, kernel):
    """Restarting the kernel loses nothing that the first one has recorded."""
    manager, client = kernel
    execute(client, SETUP + "run_agent(provider.get_tracer('t'), 'run0')")
    manager.restart_kernel()
    client.wait_for_ready(timeout=WAIT_S)
    execute(client, SETUP + "run_agent(provider.get_tracer('t'), 'run1')")
    manager.shutdown_kernel()
    assert names(fake) == ["run0", "run1"]


STREAMLIT = """
import streamlit as st
provider = register(should_send=lambda task: True)
number = st.session_state.get("number", 0)
run_agent(provider.get_tracer("t"), f"run{number}")
st.session_state["number"] = number + 1
st.write(f"ran {number}")
"""


def test_streamlit(fake, programs):
    """Each rerun of the script defines its hooks anew: one processor, one thread.

    open-telemetry/opentelemetry-python#3743
    """
    programs.write("app.py", STREAMLIT)
    program = """
    import logging, threading
    logging.disable(logging.INFO)
    from streamlit.testing.v1 import AppTest
    app = AppTest.from_file("app.py", default_timeout=60)
    for number in range(4):
        app.run()
        assert not app.exception, app.exception
        assert app.markdown[0].value == f"ran {number}"
    processors = trace.get_tracer_provider()._active_span_processor._span_processors
    assert len(processors) == 1, processors
    ours = [each.name for each in threading.enumerate() if "infinium" in each.name]
    assert len(ours) <= 2, ours
    """
    code, output = programs.run(programs.write("test_app.py", program))
    assert code == 0, output
    assert names(fake) == ["run0", "run1", "run2", "run3"]
