"""`infinium-otel doctor`: what is configured, reachable and installed, and errors.

Changes nothing, unless a test run is to be sent. Exits with 1 if something prevents runs from arriving.
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

HEALTHY, UNHEALTHY = 0, 1


@dataclass(frozen=True, slots=True)
class Environment:
    """What the doctor inspects.

    Args:
        environ: the environment.
        packages: versions of the installed distributions, by name.
        exporters: the SDK's exporters, by name, by the variable that selects them.
        configurators: the packages that set exporters up, by name.
        dialects: the dialects that other distributions add, by name.
    """

    environ: Mapping[str, str]
    packages: Mapping[str, str]
    exporters: Mapping[str, Mapping[str, str]]
    configurators: Mapping[str, str]
    dialects: Mapping[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--json", action="store_true", help="write the findings as a JSON object"
    )
    parser.add_argument("--offline", action="store_true", help="skip the network check")
    parser.add_argument(
        "--send", action="store_true", help="send a test run too, if there is no error"
    )
    parser.add_argument(
        "--brokers",
        metavar="HOST:PORT",
        help="also examine the topic that `consume` reads, at these Kafka brokers",
    )
    parser.add_argument(
        "--topic", default="otlp_spans", help="with --brokers: that topic (%(default)s)"
    )
    parser.add_argument(
        "--group",
        default="infinium-otel",
        help="with --brokers: the group of the consumers (%(default)s)",
    )
    parser.add_argument(
        "--properties",
        metavar="FILE",
        help="with --brokers: more librdkafka properties, one name=value per line",
    )


def run(args: argparse.Namespace) -> int:
    """Run every check, and write the findings to stdout."""
    from infinium_otel.apps.doctor.findings import (  # noqa: PLC0415 - not for --help
        count_levels,
        to_json,
        to_lines,
    )

    environment = Environment(
        os.environ,
        list_packages(),
        {
            f"OTEL_{signal.upper()}_EXPORTER": list_entry_points(
                f"opentelemetry_{signal}_exporter"
            )
            for signal in ("traces", "logs", "metrics")
        },
        list_entry_points("opentelemetry_configurator"),
        list_entry_points("infinium_otel.dialects"),
    )
    findings = examine(environment, time.time, offline=args.offline)
    findings += _examine_kafka(args)
    if args.send and not args.offline and not count_levels(findings)["error"]:
        findings += _send_test_run()
    if args.json:
        sys.stdout.write(json.dumps(to_json(findings), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in to_lines(findings))
    return UNHEALTHY if count_levels(findings)["error"] else HEALTHY


def _send_test_run() -> list[Finding]:
    from infinium_otel.apps.doctor.endpoint import send_test_run  # noqa: PLC0415 - not for --help
    from infinium_otel.config import Config  # noqa: PLC0415 - not for --help

    return send_test_run(Config.from_env(os.environ, sending=True))


def _examine_kafka(args: argparse.Namespace) -> list[Finding]:
    if args.brokers is None or args.offline:
        return []
    from infinium_otel.apps.consume.properties import read_properties  # noqa: PLC0415 - not for --help
    from infinium_otel.apps.doctor.kafka import check_kafka  # noqa: PLC0415 - not for --help

    given = read_properties(args.properties) if args.properties else {}
    properties = {**given, "bootstrap.servers": args.brokers}
    return check_kafka(properties, args.topic, args.group, time.time)


def list_packages() -> dict[str, str]:
    """List the installed distributions: versions by name."""
    return {
        str(each.metadata["Name"]).lower().replace("_", "-"): each.version
        for each in metadata.distributions()
        if each.metadata["Name"]
    }


def list_entry_points(group: str) -> dict[str, str]:
    """List the entry points of a group: values by name."""
    return {each.name: each.value for each in metadata.entry_points(group=group)}


def examine(
    environment: Environment, now: Callable[[], float], *, offline: bool = False
) -> list[Finding]:
    """Run every check.

    Args:
        environment: what to inspect.
        now: the time, in seconds since the epoch.
        offline: skip the network check.
    """
    from infinium_otel.apps.doctor import (  # noqa: PLC0415 - not for --help
        endpoint,
        instrumentations,
        launcher,
        sdk,
        settings,
        spool,
    )

    environ, packages = environment.environ, environment.packages
    config, findings = settings.check_settings(environ)
    if config is not None:
        findings += spool.check_spool(config.spool)
        findings += [] if offline else endpoint.check_endpoint(config, now)
    findings += instrumentations.check_instrumentations(packages, environ)
    findings += instrumentations.check_versions()
    findings += instrumentations.check_flushes(packages)
    exporters, configurators = environment.exporters, environment.configurators
    traces = exporters.get(launcher.TRACES, {})
    findings += sdk.check_entry_points(packages, traces, configurators, environ)
    findings += launcher.check_launcher(configurators, exporters, environ)
    findings += sdk.check_recording(environ)
    findings += sdk.list_dialects(environment.dialects)
    findings += sdk.check_limits(packages, environ)
    findings += sdk.check_log_export(packages, environ)
    return findings
