"""use_prompt(): which version of a stored prompt the calls in a block are made with.

The prompts in use are a value of the OpenTelemetry context, so they follow it into tasks,
coroutines and threads. A span processor writes them on each span at its start.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any

from opentelemetry import context
from opentelemetry.sdk.trace import SpanProcessor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span

    from infinium_otel.taskdata import PromptContent

logger = logging.getLogger(__name__)

KEY = "infinium-otel-prompts"
MAX_PROMPTS = 8
"""Blocks in each other whose prompts are written on a span; the innermost count."""
MAX_LENGTH = 200
MAX_VARIABLES = 50


PromptInUse = dict[str, "str | int"]
"""The attributes of the spans inside a block of `use_prompt`; nobody changes them."""


class _Usage:
    """Whether any prompt was ever used, and whether one too many was.

    Until the first a span costs nothing more.
    """

    began = False
    exceeded = False


usage = _Usage()


@contextmanager
def use_prompt(
    prompt: PromptContent, variables: Mapping[str, Any] | None = None
) -> Iterator[PromptContent]:
    """Make the calls in a `with` block with *prompt*.

    Every span that starts inside gets the prompt's id, name and version, from
    `InfiniumSpanProcessor`, and so from `register()`, or from `PromptSpanProcessor`; the
    task lists it under `prompt_studio`. In a block inside a block both prompts are in use.
    Outside of this function nothing changes, and no span needs to be current.

    Args:
        prompt: from `get_prompt`, of this package's client or of the vendor's.
        variables: values for `{{name}}` placeholders; None keeps what `get_prompt` has
            filled in. Their names are recorded, their values are not.

    Raises:
        TypeError: *prompt* is no prompt, as None is, or *variables* is no mapping.

    Yields:
        The prompt, whose `rendered_content` is the text to send to the model.
    """
    rendered = _render(prompt, variables)
    used = (*get_prompts(), _to_prompt_in_use(rendered))
    if len(used) > MAX_PROMPTS:
        _report_excess()
        used = used[-MAX_PROMPTS:]
    usage.began = True
    mark = _entered.set(used)
    token = context.attach(context.set_value(KEY, used))
    try:
        yield rendered
    finally:
        # A generator that is closed late ends in another context, or in a copy of its own,
        # where there is nothing to undo, and OpenTelemetry would log an error.
        # Source: open-telemetry/opentelemetry-python#2606.
        if _is_here(mark) and context.get_value(KEY) is used:
            context.detach(token)


_entered: ContextVar[object] = ContextVar("infinium_otel_prompts", default=None)
"""Only to find out whether a block ends in the context in which it began."""


def _is_here(mark: Token[object]) -> bool:
    """Whether the current context is that in which *mark* was made."""
    try:
        _entered.reset(mark)
    except ValueError:
        return False
    return True


def _report_excess() -> None:
    if not usage.exceeded:
        usage.exceeded = True
        logger.warning(
            "More than %d blocks of use_prompt are in each other: spans get the "
            "innermost %d. Leave the block of a prompt that is no longer used",
            MAX_PROMPTS,
            MAX_PROMPTS,
        )


def get_prompts(parent: Context | None = None) -> tuple[PromptInUse, ...]:
    """The prompts in use in a context, None for the current; the outermost first."""
    found = context.get_value(KEY, parent)
    return found if isinstance(found, tuple) else ()


def write_prompts(span: Span, parent: Context | None) -> None:
    """Write the prompts in use on a span that starts in the context *parent*."""
    prompts = get_prompts(parent)
    if len(prompts) == 1:
        span.set_attributes(prompts[0])
    elif prompts:
        span.set_attributes({k: [each[k] for each in prompts] for k in prompts[0]})


class PromptSpanProcessor(SpanProcessor):
    """Writes the prompts in use on each span, and does nothing else.

    For applications without `InfiniumSpanProcessor`: those that export to an OpenTelemetry
    Collector or to our gateway, or with `InfiniumSpanExporter`.
    """

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Write the prompts in use on *span*."""
        if usage.began:
            write_prompts(span, parent_context)


def _render(
    prompt: PromptContent, variables: Mapping[str, Any] | None
) -> PromptContent:
    """A copy with its text rendered; it can be used again, as *prompt* can."""
    # Imported here and below: few programs use a prompt, and the types take time.
    from infinium_otel.taskdata.rendering import (  # noqa: PLC0415
        FETCHED_AT,
        VARIABLES,
        render,
    )

    if (
        not is_dataclass(prompt)
        or isinstance(prompt, type)
        or not hasattr(prompt, "content")
    ):
        raise TypeError(f"use_prompt needs a prompt of get_prompt, not {prompt!r:.100}")
    if variables is not None and not isinstance(variables, Mapping):
        raise TypeError("use_prompt needs variables as a mapping of names to values")
    text = prompt.content if variables is None else render(prompt.content, variables)
    if variables is None and prompt.rendered_content is not None:
        text = prompt.rendered_content
    names = getattr(prompt, VARIABLES, ()) if variables is None else tuple(variables)
    rendered = replace(prompt, rendered_content=text)
    setattr(rendered, FETCHED_AT, getattr(prompt, FETCHED_AT, None))
    setattr(rendered, VARIABLES, names)
    return rendered


def _to_prompt_in_use(prompt: PromptContent) -> PromptInUse:
    from infinium_otel.taskdata.rendering import (  # noqa: PLC0415 - as above
        FETCHED_AT,
        VARIABLES,
    )

    names = list(getattr(prompt, VARIABLES, ()))[:MAX_VARIABLES]
    return {
        "infinium.prompt.id": _shorten(prompt.prompt_id),
        "infinium.prompt.name": _shorten(prompt.name),
        "infinium.prompt.version": _to_version(prompt.version),
        "infinium.prompt.variables": ",".join(map(_shorten, names)),
        "infinium.prompt.fetched_at": _shorten(getattr(prompt, FETCHED_AT, None) or ""),
    }


def _shorten(value: Any) -> str:
    return str(value)[:MAX_LENGTH]


def _to_version(value: Any) -> int:
    """A version as an attribute can hold it; 0 for none, which no version is."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value < 2**53 else 0
