"""Sentences of the pages with a promising word that promise nothing, and why.

A sentence is known by words of it. Sentences that do promise something about data or
bounds are in the table of the threat model's page, with their test.
"""

from __future__ import annotations

EXPLANATION = "docs/explanation/"

NO_PROMISES = {
    "an instruction, a question's short answer, or the beginning of a list": {
        "README.md": (
            "No account?",
            "No line of code at all",
            "with `opentelemetry-distro` installed, run",
        ),
        f"{EXPLANATION}faq.md": (
            "No.",
            "one line where the program starts is enough",
            "What no span can know",
            "Every one whose spans are in one of",
            "lists every case",
            "is listed",
            "No instrumentation reported it.",
            "Nothing is guessed:",
            "It judges nothing:",
        ),
        f"{EXPLANATION}what-data-is-sent.md": ("This page lists every text",),
        f"{EXPLANATION}what-may-be-lost.md": ("This page lists everything",),
        f"{EXPLANATION}from-span-to-wire.md": (
            "Everything up to `TaskData` computes:",
        ),
        f"{EXPLANATION}comparison.md": ("This program sends one run to a server",),
    },
    "about this project, not about data": {
        "SECURITY.md": ("You get a reply", "everything before 1.0"),
    },
    "about other software, measured or read in the version that is named": {
        "README.md": ("| keeps runs on disk |",),
        f"{EXPLANATION}comparison.md": (
            "| frameworks | every one with an instrumentation",
            "Choose the vendor's SDK",
            "so no OTLP exporter sends to it",
            "| `opentelemetry-exporter-otlp-proto-http` 1.45.1 | batches of up to 512",
            "| `langfuse` 5.0.4, `arize-phoenix-otel` 0.17.2 | as above",
            "| `logfire` 5.4.0 | as above",
            "| `mlflow-tracing` 3.17.2 |",
        ),
        f"{EXPLANATION}fitting.md": ("The service accepts bodies of at most",),
        f"{EXPLANATION}scale.md": ("Kafka had acknowledged is Kafka's to keep",),
        f"{EXPLANATION}what-data-is-sent.md": (
            "Content can be sent only if the instrumentation recorded it",
        ),
    },
    "a rule of the mapping, with its test below `tests/mapping`": {
        f"{EXPLANATION}how-spans-become-a-task.md": (
            "A framework's span that ended well is not proof",
            "an `error` beside nothing else",
            "An exception on a span that looks fine was not handled",
        ),
    },
    "describes what the package is for, or does not do": {
        "README.md": (
            "This package gives it every run of an agent",
            "a call that no library reports is not in any task",
        ),
        f"{EXPLANATION}what-data-is-sent.md": ("redacts nothing",),
        f"{EXPLANATION}what-serve-is-not.md": ("and trusts none of it",),
    },
    "measured by the command beside it, or by `tox run -e corpus`": {
        "README.md": ("at least 99.5 % of the facts in the first 465",),
        f"{EXPLANATION}what-it-costs.md": (
            "C code that no mapping in Python can avoid",
        ),
    },
    "checked by import-linter in every run of the tests": {
        f"{EXPLANATION}from-span-to-wire.md": (
            "Everything after it acts",
            "`import-linter` checks this",
        ),
    },
    "the reason of a promise that is beside it": {
        "SECURITY.md": ("anyone who can reach it can read and write everything",),
        f"{EXPLANATION}from-span-to-wire.md": ("the processor sees every span start",),
    },
}
