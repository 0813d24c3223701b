"""`infinium-otel doctor`: what is configured, reachable and installed, and what is wrong.

Looks only; changes nothing. Exits 1 if something keeps runs from arriving.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from infinium_otel.apps.doctor.findings import Finding

WELL, WRONG = 0, 1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the doctor looks.

    Args:
        environ: the environment.
        packages: versions of the installed distributions, by name.
        exporters: the SDK's trace exporters, by name.
        dialects: what other distributions add to ours, by name.
    """

    environ: Mapping[str, str]
    packages: Mapping[str, str]
    exporters: Mapping[str, str]
    dialects: Mapping[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="findings as a JSON object")
    parser.add_argument(
        "--offline", action="store_true", help="do not try to reach the endpoint"
    )


def run(args: argparse.Namespace) -> int:
    """Look at everything, and write what was found to stdout."""
    from infinium_otel.apps.doctor.findings import (  # noqa: PLC0415 - not for --help
        as_json,
        as_lines,
        counted,
    )

    around = Surroundings(
        os.environ,
        installed(),
        entry_points("opentelemetry_traces_exporter"),
        entry_points("infinium_otel.dialects"),
    )
    found = examine(around, time.time, offline=args.offline)
    if args.json:
        sys.stdout.write(json.dumps(as_json(found), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in as_lines(found))
    return WRONG if counted(found)["error"] else WELL


def installed() -> dict[str, str]:
    """Versions of the distributions in this environment, by name."""
    return {
        str(each.metadata["Name"]).lower().replace("_", "-"): each.version
        for each in metadata.distributions()
        if each.metadata["Name"]
    }


def entry_points(group: str) -> dict[str, str]:
    """What installed distributions offer in a group, by name."""
    return {each.name: each.value for each in metadata.entry_points(group=group)}


def examine(
    around: Surroundings, now: Callable[[], float], *, offline: bool = False
) -> list[Finding]:
    """Everything there is to find.

    Args:
        around: what is looked at.
        now: the time, in seconds since the epoch.
        offline: do not try to reach the endpoint.
    """
    from infinium_otel.apps.doctor import (  # noqa: PLC0415 - not for --help
        endpoint,
        instrumentations,
        sdk,
        settings,
        spool,
    )

    environ, packages = around.environ, around.packages
    config, findings = settings.configuration(environ)
    if config is not None:
        findings += spool.spool(config.spool)
        findings += [] if offline else endpoint.endpoint(config, now)
    findings += instrumentations.instrumentations(packages, environ)
    findings += sdk.entry_points(packages, around.exporters, environ)
    findings += sdk.dialects(around.dialects)
    findings += sdk.limits(packages, environ)
    findings += sdk.logs_bridge(packages, environ)
    return findings
