"""Send a HUD run through the running pipeline, and write its spans as HUD's files.

pip install infinium-otel
python examples/hud_live.py

HUD itself is not needed: its records are JSON. `hud trace get` shows these files.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from infinium_otel import register
from infinium_otel.exporter.replay import replay
from infinium_otel.models import hud

RUN = {
    "trace": {
        "trace_id": "5e1a7b0c-9d2f-4c3b-8a6e-0f1e2d3c4b5a",
        "status": "completed",
        "content": "The cheapest room is 7.",
        "steps": [
            {
                "source": "agent",
                "model": "claude-sonnet-4-6",
                "tool_calls": [
                    {"id": "call-1", "name": "rooms", "arguments": {"sort": "price"}}
                ],
                "usage": {"prompt_tokens": 120, "completion_tokens": 18},
                "started_at": "2026-11-20T10:00:00.000000Z",
                "ended_at": "2026-11-20T10:00:02.000000Z",
            },
            {
                "source": "tool",
                "call": {"id": "call-1", "name": "rooms"},
                "result": {"content": [{"type": "text", "text": "7: 40, 9: 55"}]},
                "started_at": "2026-11-20T10:00:02.000000Z",
                "ended_at": "2026-11-20T10:00:02.500000Z",
            },
            {
                "source": "agent",
                "model": "claude-sonnet-4-6",
                "content": "The cheapest room is 7.",
                "usage": {"prompt_tokens": 160, "completion_tokens": 9},
                "started_at": "2026-11-20T10:00:02.500000Z",
                "ended_at": "2026-11-20T10:00:03.000000Z",
            },
        ],
    },
    "grade": {"reward": 1.0},
}
"""The JSON of a HUD 0.6 run."""


def main() -> None:
    """Send the run as spans, then write it as files for HUD's own command."""
    provider = register()
    spans = hud.to_spans(hud.load(RUN), agent_type="claude")
    print(replay(spans, provider), "spans")
    with tempfile.TemporaryDirectory() as folder:
        for name, text in hud.to_hud_spans(spans).items():
            path = Path(folder) / name
            path.write_text(text, "utf-8")
            print(path.name, "has", len(text.splitlines()), "steps")
    print("delivered" if provider.force_flush() else "not delivered")


if __name__ == "__main__":
    main()
