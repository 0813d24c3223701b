"""Queries of vector stores: `chroma.query`, `qdrant.query_points`, `pg_vector query`.

Source: OpenLLMetry 0.62.4 (chromadb, qdrant, lancedb, pinecone, milvus, weaviate,
marqo) and Spring AI 1.1 (`spring.ai.kind` = `vector_store`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infinium_otel.dialects._attributes import first, structure, text, word
from infinium_otel.dialects._dialect import Dialect, Facts
from infinium_otel.dialects._facts import put
from infinium_otel.dialects._words import split_words
from infinium_otel.dialects.lenient_json import MAPPING

if TYPE_CHECKING:
    from infinium_otel.records import Attributes, SpanRecord

STORES = frozenset(
    "chroma chromadb qdrant pinecone weaviate milvus lancedb marqo pgvector pg_vector "
    "faiss vectara vespa turbopuffer opensearch_vector azure_vector".split()
)
_SEARCHES = frozenset("query search retrieve recommend similarity hybrid".split())
_CHANGES = frozenset(
    "upsert add insert delete remove update create drop count upload overwrite set "
    "modify peek index".split()
)
MAX_DOCUMENTS = 50
RESULT = "db.query.result"
_TEXTS = ("text", "content", "page_content", "chunk_text")

FIELDS = {
    "input": first(text, "db.vector.query.content", "db.vector.query.text"),
    "documents": first(structure, "db.vector.query.response.documents"),
}


def refine(record: SpanRecord, facts: Facts) -> None:
    """A search is a retrieval, with its documents; whatever else it does is transport."""
    attributes = record.attributes
    if not _is_vector_store(record.name, attributes):
        facts.clear()
        return
    facts["kind"] = "retrieval" if _is_search(record.name, attributes) else "db"
    put(facts, "documents", _list_documents(record))


def _is_vector_store(name: str, attributes: Attributes) -> bool:
    system = word(attributes.get("db.system.name", attributes.get("db.system")))
    if system in STORES or name.partition(".")[0].lower() in STORES:
        return True
    return any(key.startswith("db.vector.") for key in attributes)


def _is_search(name: str, attributes: Attributes) -> bool:
    operation = attributes.get("db.operation.name", attributes.get("db.operation"))
    words = frozenset(split_words(word(operation) or name))
    return not words.isdisjoint(_SEARCHES) and words.isdisjoint(_CHANGES)


def _list_documents(record: SpanRecord) -> list[Any] | None:
    """The documents in the events of the result."""
    found = [
        {
            "content": _find_document(event.attributes),
            "id": event.attributes.get(f"{RESULT}.id"),
            "score": event.attributes.get(f"{RESULT}.score"),
        }
        for event in record.events[:MAX_DOCUMENTS]
        if event.name == RESULT
    ]
    return [entry for entry in found if entry["content"]] or None


def _find_document(attributes: Attributes) -> Any:
    """A document found: Pinecone has its text only in the metadata."""
    document = attributes.get(f"{RESULT}.document")
    if document:
        return document
    metadata = structure(attributes.get(f"{RESULT}.metadata"))
    if not isinstance(metadata, MAPPING):
        return None
    return next((metadata[key] for key in _TEXTS if metadata.get(key)), None)


VECTOR_STORES = Dialect(
    name="vector_store",
    key_segments=(
        "db",
        "qdrant",
        "chroma",
        "pinecone",
        "milvus",
        "weaviate",
        "lancedb",
    ),
    fields=FIELDS,
    refine=refine,
    source="OpenLLMetry 0.62.4, Spring AI 1.1",
    common=True,
)
