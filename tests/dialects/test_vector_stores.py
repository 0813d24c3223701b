"""Searches in vector stores."""

from __future__ import annotations

import pytest

from support.records import (
    agent,
    assert_fields,
    chat,
    event,
    exception_event,
    make_span,
    read_span,
    task_of,
)


@pytest.mark.parametrize(
    ("name", "attributes", "kind"),
    [
        ("chroma.query", {"db.system": "chroma", "db.operation": "query"}, "retrieval"),
        ("qdrant.query_points", {"db.system": "Qdrant"}, "retrieval"),
        ("lancedb.search", {"db.system": "lancedb"}, "retrieval"),
        ("pinecone.query", {"db.system": "Pinecone"}, "retrieval"),
        ("search", {"db.system": "x", "db.vector.query.top_k": 4}, "retrieval"),
        (
            "pg_vector query",
            {"db.system": "pg_vector", "db.operation.name": "query"},
            "retrieval",
        ),
        ("chroma.add", {"db.system": "chroma", "db.operation": "add"}, "db"),
        ("qdrant.upsert", {"db.system": "Qdrant"}, "db"),
        ("SELECT", {"db.system": "postgresql", "db.operation": "query"}, "db"),
    ],
)
def test_kinds(name, attributes, kind):
    """A search is a retrieval; what else a store does is transport, as in any database."""
    assert_fields(read_span(attributes, name=name), kind=kind)


def test_query_and_documents():
    """The query is an attribute, the documents are events."""
    found = read_span(
        {"db.system": "chroma", "db.vector.query.content": "Capital?"},
        name="chroma.query",
        events=(
            event("db.query.result", {"db.query.result.document": "Paris is."}),
            event("db.query.result", {"db.query.result.id": "7"}),
        ),
    )
    assert found.input == "Capital?"
    documents = found.extra["gen_ai.retrieval.documents"]
    assert [each["content"] for each in documents] == ["Paris is."]


@pytest.mark.parametrize(
    ("metadata", "contents"),
    [
        ('{"text": "Paris is."}', ["Paris is."]),
        ('{"page_content": "Paris is."}', ["Paris is."]),
        ('{"source": "atlas"}', None),
        ("text", None),
    ],
)
def test_documents_in_metadata(metadata, contents):
    """Pinecone has no documents: the text of what it found is in the metadata."""
    found = read_span(
        {"db.system": "pinecone"},
        name="pinecone.query",
        events=(event("db.query.result", {"db.query.result.metadata": metadata}),),
    )
    documents = found.extra.get("gen_ai.retrieval.documents")
    assert (documents and [each["content"] for each in documents]) == contents


@pytest.mark.parametrize("failed", [False, True])
def test_the_query_of_a_search_by_vector(failed):
    """The text that was embedded before the search is its query, also when it fails."""
    more = {"status": "error", "events": (exception_event(),)} if failed else {}
    task = task_of(
        agent("root"),
        make_span("embed", "root", {
            "gen_ai.operation.name": "embeddings", "gen_ai.request.model": "m",
            "gen_ai.input.messages": '[{"role": "user", "content": "Capital?"}]',
        }),
        make_span("chroma.query", "root", {"db.system": "chroma"}, start=2, end=3, **more),
        chat("c", "root", start=4),
    )  # fmt: skip
    step = task.steps[1]
    assert (step.action, step.input_preview) == ("retrieval", "Capital?")
    assert (step.error is not None) == failed
