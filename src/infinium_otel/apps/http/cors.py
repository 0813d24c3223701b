"""`--cors-origin`: which web pages may send spans from a browser.

By default none may: a browser then sends nothing but a preflight request, which is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infinium_otel.apps.http.otlp_paths import find_signal
from infinium_otel.errors import InfiniumError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

ANY = "*"
MAX_AGE_S = 600
"""Seconds for which a browser need not ask again."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--cors-origin`."""
    parser.add_argument(
        "--cors-origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="let web pages of this origin (https://app.example, or *) send spans; "
        "may be repeated",
    )


def parse_origin(text: str) -> str:
    """*text* as browsers write an origin.

    Raises:
        InfiniumError: it is not scheme, host and port, nor `*`.
    """
    if text == ANY:
        return text
    parts = urlsplit(text)
    is_origin = parts.scheme and parts.netloc and parts.path in ("", "/")
    if not is_origin or parts.query or parts.fragment:
        raise InfiniumError(
            f"--cors-origin: {text!r} is not an origin, as https://app.example is"
        )
    return f"{parts.scheme}://{parts.netloc}".lower()


class OtlpCors:
    """ASGI middleware: cross-origin requests to the paths of OTLP, and to no others.

    Args:
        app: the wrapped application.
        origins: as `parse_origin` returns them; not empty.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        from starlette.middleware.cors import (  # noqa: PLC0415 - an extra
            CORSMiddleware,
        )

        self._app = app
        self._with_cors = CORSMiddleware(
            app,
            allow_origins=[*origins],
            allow_methods=["POST"],
            # Exporters add headers of their own, and instrumented pages `traceparent`.
            allow_headers=[ANY],
            max_age=MAX_AGE_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the headers that a browser requires."""
        is_otlp = scope["type"] == "http" and find_signal(scope["path"]) is not None
        await (self._with_cors if is_otlp else self._app)(scope, receive, send)
