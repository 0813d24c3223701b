"""An OTLP protobuf request to records."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from infinium_otel.errors import DecodingError, MissingExtraError
from infinium_otel.otlp import _wire
from infinium_otel.otlp._decoded import Decoded
from infinium_otel.otlp._protobuf_records import Values, add_log, add_span
from infinium_otel.records.bounds import ITEMS_PER_RECORD, Budget, check_record_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


SMALL_BYTES = 64 * 1024
"""Bytes of a message that is parsed unchecked: whatever it holds, it is not much."""


BATCH = 10_000
"""Records of a file's request in one result."""

UNLIMITED = 1 << 62


def from_protobuf(body: bytes, signal: str = "traces") -> Decoded:
    """The records of a binary OTLP export request.

    Args:
        body: the message, decompressed.
        signal: "traces" or "logs": the bytes do not identify the request.

    Raises:
        DecodingError: the bytes are not such a request, were cut, or hold too much
            (413).
        MissingExtraError: the `otlp` extra is not installed.
    """
    if len(body) <= SMALL_BYTES:
        whole = _parse_whole(body, signal)
        if whole is not None:
            return whole
    decoded = Decoded()
    try:
        for add in _Request(body, signal, decoded.budget).iter_records():
            add(decoded)
    except DecodingError as error:
        if error.message != _wire.CUT:
            raise
        raise DecodingError(f"{error} for {signal}") from None
    return decoded


def _parse_whole(body: bytes, signal: str) -> Decoded | None:
    """As `from_protobuf`, for a small request: parsed at once, which is far quicker.

    Returns:
        None if it must be split into its records to find out what is wrong with it.
    """
    types = _load_types(signal)
    try:
        request = types["Request"].FromString(body)
    except types["DecodeError"]:
        return None
    decoded = Decoded()
    if signal == "logs":
        for group in request.resource_logs:
            resource = Values(decoded.budget).read_pairs(group.resource.attributes)
            for part in group.scope_logs:
                _add_all(add_log, part.log_records, resource, part.scope, decoded)
    else:
        for group in request.resource_spans:
            resource = Values(decoded.budget).read_pairs(group.resource.attributes)
            for part in group.scope_spans:
                _add_all(add_span, part.spans, resource, part.scope, decoded)
    return decoded


def _add_all(
    add: Callable[..., None],
    records: Iterable[Any],
    resource: dict[str, Any],
    scope: Any,
    decoded: Decoded,
) -> None:
    name, version = scope.name, scope.version
    for wire in records:
        decoded.budget.spend(ITEMS_PER_RECORD)
        add(wire, resource, name, version, decoded)


def iter_protobuf(body: bytes, signal: str) -> Iterator[Decoded]:
    """As `from_protobuf`, for a request of any length: its records in batches.

    Yields:
        one result at least.
    """
    decoded = Decoded()
    request = _Request(body, signal, Budget(UNLIMITED))
    for add in request.iter_records():
        add(decoded)
        if len(decoded.records) >= BATCH:
            yield decoded
            decoded = Decoded()
    yield decoded


class _Request:
    """A request that is split into its records, which are parsed one by one.

    Args:
        body: the message.
        signal: "traces" or "logs".
        budget: for what surrounds the records.
    """

    def __init__(self, body: bytes, signal: str, budget: Budget) -> None:
        self._types = _load_types(signal)
        self._body = body
        self._budget = budget
        is_logs = signal == "logs"
        self._fields = _wire.LOG if is_logs else _wire.SPAN
        self._add: Callable[..., None] = add_log if is_logs else add_span

    def iter_records(self) -> Iterator[Callable[[Decoded], None]]:
        """A function for each record that adds it to a result."""
        for _, start, end in self._iter_list(0, len(self._body), _wire.FIRST):
            resource_wire = self._read_common(start, end, "Resource", _wire.RESOURCE)
            resource = Values(self._budget).read_pairs(resource_wire.attributes)
            for _, first, last in self._iter_list(start, end, _wire.SECOND):
                scope = self._read_common(
                    first, last, "InstrumentationScope", _wire.SCOPE
                )
                names = (scope.name, scope.version)
                for _, at, stop in self._iter_list(first, last, _wire.SECOND):
                    yield self._make_adder(at, stop, resource, names)

    def _make_adder(
        self, start: int, end: int, resource: dict[str, Any], scope: tuple[str, str]
    ) -> Callable[[Decoded], None]:
        def add(decoded: Decoded) -> None:
            decoded.budget.spend(ITEMS_PER_RECORD)
            wire = self._parse(start, end, "Record", self._fields, decoded.budget)
            self._add(wire, resource, *scope, decoded)

        return add

    def _iter_list(
        self, start: int, end: int, number: int
    ) -> Iterator[tuple[int, int, int]]:
        """The messages of one field, each of which counts as a record."""
        for found in _wire.iter_messages(self._body, start, end, self._budget):
            if found[0] == number:
                yield found

    def _read_common(self, start: int, end: int, name: str, fields: Any) -> Any:
        """The resource or scope of a group, which may follow its list.

        Source: protobuf.dev, "Last One Wins": parts of a message are merged, as if they
        were one text.
        """
        self._budget.spend(ITEMS_PER_RECORD)
        found = [*self._iter_list(start, end, _wire.FIRST)]
        if len(found) == 1:
            return self._parse(*found[0][1:], name, fields, self._budget)
        parts = b"".join(self._body[at:stop] for _, at, stop in found)
        check_record_size(len(parts))
        return self._parse_bytes(parts, name, fields, self._budget)

    def _parse(
        self, start: int, end: int, name: str, fields: Any, budget: Budget
    ) -> Any:
        check_record_size(end - start)
        return self._parse_bytes(self._body[start:end], name, fields, budget)

    def _parse_bytes(self, data: bytes, name: str, fields: Any, budget: Budget) -> Any:
        if len(data) > SMALL_BYTES:
            _wire.check_message(data, 0, len(data), fields, budget.items)
        try:
            return self._types[name].FromString(data)
        except self._types["DecodeError"]:
            raise DecodingError(_wire.CUT) from None


@lru_cache(maxsize=2)
def _load_types(signal: str) -> dict[str, Any]:
    # imported here: protobuf is an extra, and slow to import
    try:
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - an extra
        from opentelemetry.proto.common.v1.common_pb2 import (  # noqa: PLC0415 - an extra
            InstrumentationScope,
        )
        from opentelemetry.proto.logs.v1.logs_pb2 import (  # noqa: PLC0415 - an extra
            LogRecord,
            LogsData,
        )
        from opentelemetry.proto.resource.v1.resource_pb2 import (  # noqa: PLC0415 - an extra
            Resource,
        )
        from opentelemetry.proto.trace.v1.trace_pb2 import (  # noqa: PLC0415 - an extra
            Span,
            TracesData,
        )
    except ImportError:
        raise MissingExtraError("Reading OTLP protobuf", "otlp") from None
    return {
        # protobuf's parser in Python raises the second one for a text that is not UTF-8
        "DecodeError": (DecodeError, UnicodeDecodeError),
        "InstrumentationScope": InstrumentationScope,
        "Request": LogsData if signal == "logs" else TracesData,
        "Record": LogRecord if signal == "logs" else Span,
        "Resource": Resource,
    }
