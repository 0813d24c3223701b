"""Whether texts may pass: the one gate for all recorded content."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """Lets texts pass, or only their lengths (`Config.capture_content`)."""

    captured: bool = True

    def text(self, text: str | None) -> str | None:
        """*text* if content may pass."""
        return text if self.captured else None

    def error(self, message: str) -> str:
        """A message that must not be missing: its length stands for it."""
        return message if self.captured else f"[{len(message)} characters]"
