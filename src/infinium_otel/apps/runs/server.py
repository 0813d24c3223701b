"""The runs of a running `infinium-otel serve`, over HTTP."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from infinium_otel.apps.runs.sources import MAX_PAGE
from infinium_otel.delivery.transport.network import LOOPBACK
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TIMEOUT_S = 30.0
SILENCE_S = 60.0
"""Seconds without a heartbeat after which a stream of events is broken."""
RETRY_S = 1.0
OPEN_TRIES, OPEN_PAUSE_S = 5, 0.2
"""How often the open runs are requested until the server has made the tasks of all."""
MAX_SHOWN = 10_000
"""Open runs that are remembered as shown, so that each is shown once."""


class Server:
    """A server's list and tasks.

    Args:
        url: its address, without a path.

    Raises:
        InfiniumError: *url* is not the address of a web server.
    """

    def __init__(self, url: str) -> None:
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise InfiniumError(f"--url: {error}") from None
        if address.scheme not in ("http", "https") or not address.host:
            shown = address.copy_with(userinfo=None)
            raise InfiniumError(
                f"--url must be like http://127.0.0.1:4318, not {str(shown)!r}"
            )
        # A proxy cannot reach this machine's own addresses.
        is_local = address.host in LOOPBACK
        self._client = httpx.Client(
            base_url=address, timeout=TIMEOUT_S, trust_env=not is_local
        )
        self._shown = str(address.copy_with(userinfo=None)).rstrip("/")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def list_rows(self, params: Mapping[str, str]) -> tuple[list[dict[str, Any]], int]:
        """As `Source.list_rows`."""
        found = self._get("/api/tasks", params)
        return list(found["tasks"]), int(found["total"])

    def list_open(self, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """As `Source.list_open`."""
        page = {**params, "open": "1", "limit": "1"}
        for tried in range(OPEN_TRIES):
            if tried:
                time.sleep(OPEN_PAUSE_S)
            found = self._get("/api/tasks", page)
            if found.get("open_is_current", True):
                break
        return [{**row, "open": True} for row in found.get("open", ())]

    def read_task(self, trace_id: str) -> dict[str, Any]:
        """As `Source.read_task`."""
        with self._naming_errors():
            path = f"/api/tasks/{quote(trace_id, safe='')}"
        return dict(self._get(path, {})["task"])

    def iter_tasks(self, params: Mapping[str, str]) -> Iterator[bytes]:
        """Every task that the parameters of the list's URL select, as JSON."""
        lines = self._request("/api/export", params).content.splitlines()
        return filter(None, map(bytes.strip, lines))

    def read_spans(self, trace_id: str) -> dict[str, Any] | None:
        """Every kept span of a run's trace as OTLP/JSON; None if none is kept."""
        with self._naming_errors():
            path = f"/api/tasks/{quote(trace_id, safe='')}/otlp"
            response = self._client.get(path)
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        found = _parse_object(response) if response.is_success else None
        if found is None:
            raise self._make_error(path, response)
        return found

    def get_last(self) -> int:
        """The number of the newest run; 0 if there is none."""
        return int(self._get("/api/tasks", {"limit": "1"})["last"])

    def follow(self, params: Mapping[str, str], seen: int) -> Iterator[dict[str, Any]]:
        """Rows of runs as they arrive, for ever; those after number *seen*.

        An open run comes once with `open`, and again when it is complete. A lost
        connection is reported once and opened again.
        """
        is_lost = False
        shown: dict[str, None] = {}
        while True:
            try:
                for _ in self._wait_for_news(seen):
                    is_lost = False
                    for row in self._list_newer(params, seen):
                        seen = max(seen, row["seq"])
                        yield row
                    for row in self.list_open(params):
                        if _add(shown, row["otel_trace_id"] or row["trace_id"]):
                            yield row
            except httpx.HTTPError as error:
                if not is_lost:
                    reason = _describe(error)
                    sys.stderr.write(f"{self._shown}: {reason}; trying again\n")
                is_lost = True
            time.sleep(RETRY_S)

    def _wait_for_news(self, seen: int) -> Iterator[None]:
        """Return from each wait once there are runs after those seen before."""
        params = {"after": str(seen)}
        timeout = httpx.Timeout(TIMEOUT_S, read=SILENCE_S)
        with self._client.stream(
            "GET", "/api/live", params=params, timeout=timeout
        ) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if line.startswith("data:"):
                    yield

    def _list_newer(self, params: Mapping[str, str], seen: int) -> list[dict[str, Any]]:
        """All rows after number *seen*, in order of arrival."""
        newer: list[dict[str, Any]] = []
        while True:
            page = {"sort": "newest", "limit": str(MAX_PAGE), "offset": str(len(newer))}
            rows = self._get("/api/tasks", {**params, **page})["tasks"]
            newer += [row for row in rows if row["seq"] > seen]
            if len(rows) < MAX_PAGE or rows[-1]["seq"] <= seen:
                return newer[::-1]

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        response = self._request(path, params)
        found = _parse_object(response)
        if found is None:
            raise self._make_error(path, response)
        return found

    def _request(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        with self._naming_errors():
            response = self._client.get(path, params=dict(params))
        if not response.is_success:
            raise self._make_error(path, response)
        return response

    def _make_error(self, path: str, response: httpx.Response) -> InfiniumError:
        error = (_parse_object(response) or {}).get("error")
        if isinstance(error, str):
            return InfiniumError(f"{self._shown}: {error}")
        return InfiniumError(
            f"{self._shown} is not `infinium-otel serve`: it responds to {path} with "
            f"status {response.status_code}"
        )

    @contextmanager
    def _naming_errors(self) -> Iterator[None]:
        try:
            yield
        except UnicodeEncodeError:  # an argument of the command: it has any bytes
            raise InfiniumError("an argument is not UTF-8: no run has it") from None
        except httpx.HTTPError as error:
            raise InfiniumError(
                f"{self._shown}: {_describe(error)}; is `infinium-otel serve` running? "
                "--url names another address"
            ) from None


def _add(shown: dict[str, None], key: str) -> bool:
    """Whether *key* is new to *shown*, which forgets the oldest."""
    is_new = key not in shown
    shown[key] = None
    if len(shown) > MAX_SHOWN:
        del shown[next(iter(shown))]
    return is_new


def _parse_object(response: httpx.Response) -> dict[str, Any] | None:
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _describe(error: httpx.HTTPError) -> str:
    return str(error) or type(error).__name__
