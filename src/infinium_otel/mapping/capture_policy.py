"""Whether recorded texts may be sent: the one check for all content."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CapturePolicy:
    """Allows texts, or only their lengths (`Config.capture_content`)."""

    allows_content: bool = True

    def text_or_none(self, text: str | None) -> str | None:
        """*text*; None if content may not be sent."""
        return text if self.allows_content else None

    def message_or_length(self, message: str) -> str:
        """*message*, which an error requires; its length if content may not be sent."""
        return message if self.allows_content else f"[{len(message)} characters]"
