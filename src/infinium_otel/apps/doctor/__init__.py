"""`infinium-otel doctor`: what is configured, reachable and installed, and what is wrong.

Looks only; changes nothing. Exits 1 if something keeps runs from arriving.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from infinium_otel.apps.doctor.findings import Finding

WELL, WRONG = 0, 1


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

    found = examine(
        os.environ, installed(), exporters(), time.time, offline=args.offline
    )
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


def exporters() -> dict[str, str]:
    """What the SDK finds as trace exporters, by name."""
    group = metadata.entry_points(group="opentelemetry_traces_exporter")
    return {each.name: each.value for each in group}


def examine(
    environ: Mapping[str, str],
    packages: Mapping[str, str],
    known_exporters: Mapping[str, str],
    now: Callable[[], float],
    *,
    offline: bool = False,
) -> list[Finding]:
    """Everything there is to find.

    Args:
        environ: the environment.
        packages: as `installed` gives them.
        known_exporters: as `exporters` gives them.
        now: the time, in seconds since the epoch.
        offline: do not try to reach the endpoint.
    """
    from infinium_otel.apps.doctor import (  # noqa: PLC0415 - not for --help
        endpoint,
        instrumentations,
        sdk,
        settings,
    )

    config, findings = settings.configuration(environ)
    if config is not None:
        findings += sdk.spool(config)
        findings += [] if offline else endpoint.endpoint(config, now)
    findings += instrumentations.instrumentations(packages, environ)
    findings += sdk.entry_points(packages, known_exporters, environ)
    findings += sdk.limits(packages, environ)
    findings += sdk.logs_bridge(packages, environ)
    return findings
