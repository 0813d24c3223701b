"""Records that are no part of a run."""

from __future__ import annotations

from dataclasses import fields

from infinium_otel.models import xpander


def test_settings_have_the_references_defaults():
    """Settings are read with the reference's defaults."""
    settings = xpander.agno_settings_of(
        {"tool_calls_compression": {"enabled": True}, "num_history_runs": 5}
    )
    assert settings.tool_calls_compression.threshold == 3
    assert (settings.num_history_runs, settings.session_storage) == (5, True)
    assert (
        xpander.agno_settings_of({"tool_calls_compression": 3}).tool_calls_compression
        is None
    )


def test_records_have_the_references_fields():
    """The records have all the fields of the reference."""
    expected = {
        xpander.KnowledgeBaseDocumentItem: {"id", "document_url", "added_at"},
        xpander.KnowledgeBaseSearchResult: {"content", "score"},
        xpander.AgnoToolCallsCompressionSettings: {
            "enabled",
            "threshold",
            "instructions",
        },
    }
    for kind, names in expected.items():
        assert {f.name for f in fields(kind)} - {"other"} == names
