"""Whether `opentelemetry-instrument` can send runs without a change to the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infinium_otel.apps.doctor.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

TOPIC = "OpenTelemetry SDK"
TRACES = "OTEL_TRACES_EXPORTER"
OTHERS = {"OTEL_LOGS_EXPORTER": "infinium", "OTEL_METRICS_EXPORTER": "none"}
"""The exporters of the other signals, whose default is `otlp`."""

PROTOCOLS = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
"""The exporter that `otlp` means, by protocol. Source: opentelemetry-sdk 1.45,
`_configuration`, as are the names of the variables."""

INSTALL = "pip install opentelemetry-distro"


def has_infinium(variable: str, environ: Mapping[str, str]) -> bool:
    """Whether a variable with the names of exporters includes ours."""
    return "infinium" in _list_names(environ.get(variable, ""))


def suggest(*, is_installed: bool, environ: Mapping[str, str]) -> str:
    """The command after which `opentelemetry-instrument` sends runs.

    Args:
        is_installed: a package that sets the exporters up is installed.
        environ: its variables keep their values; ours is added to the trace exporters.
    """
    present = [each for each in _list_names(environ.get(TRACES, "")) if each != "none"]
    parts = [f"{TRACES}={','.join([*present, 'infinium'])}"]
    parts += [
        f"{name}={value}" for name, value in OTHERS.items() if name not in environ
    ]
    command = f"export {' '.join(parts)}"
    return command if is_installed else f"{INSTALL} && {command}"


def check_launcher(
    configurators: Collection[str],
    exporters: Mapping[str, Collection[str]],
    environ: Mapping[str, str],
) -> Iterator[Finding]:
    """Check whether the selected exporters can be set up, if ours is one of them.

    Args:
        configurators: the installed packages that do so, by entry point.
        exporters: the names of the installed exporters, by the variable for them.
        environ: the environment.
    """
    if not has_infinium(TRACES, environ):
        return
    if not configurators:
        message = (
            f"no installed package reads {TRACES}, so no run is sent unless code calls "
            "register()"
        )
        yield Finding(TOPIC, "warning", message, INSTALL)
    for variable, value in OTHERS.items():
        name = _get_otlp_exporter(variable, environ)
        if variable not in environ and name not in exporters.get(variable, ()):
            message = (
                f"{variable} is not set, which means otlp; {name} is not installed, and "
                "without it opentelemetry-instrument sets no exporter up"
            )
            level = "error" if configurators else "warning"
            yield Finding(TOPIC, level, message, f"export {variable}={value}")


def _list_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _get_otlp_exporter(variable: str, environ: Mapping[str, str]) -> str:
    signal = variable.removeprefix("OTEL_").removesuffix("_EXPORTER")
    names = (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = next((environ[name] for name in names if environ.get(name)), "grpc")
    return PROTOCOLS.get(protocol.strip(), protocol)
