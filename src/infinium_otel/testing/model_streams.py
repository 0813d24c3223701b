"""Whole responses as the events of a stream, in the order of the vendors' APIs.

Source: openai 3.57, `types.responses.response_stream_event`; anthropic 2.14,
`types.raw_message_stream_event`; both clients put the events together again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Event = dict[str, Any]


def write_events(events: Iterable[Event]) -> list[bytes]:
    """Server-sent events with their names, as both vendors write them."""
    return [
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        for event in events
    ]


def split_text(text: str) -> tuple[str, ...]:
    """A text in two pieces; none if there is no text."""
    middle = len(text) // 2
    return tuple(part for part in (text[:middle], text[middle:]) if part)


# -- OpenAI, responses ---------------------------------------------------------------


def stream_response(response: dict[str, Any]) -> list[bytes]:
    """The events of a response of OpenAI's API."""
    events = _iter_response_events(response)
    return write_events(
        {**event, "sequence_number": number} for number, event in enumerate(events)
    )


def _iter_response_events(response: dict[str, Any]) -> Iterator[Event]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        place = {"item_id": item["id"], "output_index": index}
        started = {**item, "status": "in_progress"}
        if item["type"] == "message":
            started["content"] = []
            inside = _iter_text_events(item["content"], place)
        else:
            started["arguments"] = ""
            inside = _iter_arguments_events(item, place)
        yield {
            "type": "response.output_item.added",
            "output_index": index,
            "item": started,
        }
        yield from inside
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": response}


def _iter_text_events(
    parts: list[dict[str, Any]], place: dict[str, Any]
) -> Iterator[Event]:
    for index, part in enumerate(parts):
        where = {**place, "content_index": index}
        name = "response.output_text"
        yield {
            "type": "response.content_part.added",
            **where,
            "part": {**part, "text": ""},
        }
        for piece in split_text(part["text"]):
            yield {"type": f"{name}.delta", **where, "delta": piece, "logprobs": []}
        yield {"type": f"{name}.done", **where, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **where, "part": part}


def _iter_arguments_events(
    item: dict[str, Any], place: dict[str, Any]
) -> Iterator[Event]:
    name = "response.function_call_arguments"
    for piece in split_text(item["arguments"]):
        yield {"type": f"{name}.delta", **place, "delta": piece}
    yield {
        "type": f"{name}.done",
        **place,
        "name": item["name"],
        "arguments": item["arguments"],
    }


# -- Anthropic, messages -------------------------------------------------------------


def stream_message(message: dict[str, Any]) -> list[bytes]:
    """The events of a message of Anthropic's API."""
    return write_events(_iter_message_events(message))


def _iter_message_events(message: dict[str, Any]) -> Iterator[Event]:
    usage = message["usage"]
    begun = {
        **message,
        "content": [],
        "stop_reason": None,
        "usage": {**usage, "output_tokens": 0},
    }
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(message["content"]):
        started, deltas = _split_block(block)
        yield {"type": "content_block_start", "index": index, "content_block": started}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": usage}
    yield {"type": "message_stop"}


def _split_block(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block without its content, and the pieces of that."""
    if block["type"] == "text":
        pieces = split_text(block["text"])
        return {**block, "text": ""}, [
            {"type": "text_delta", "text": piece} for piece in pieces
        ]
    pieces = split_text(json.dumps(block["input"]))
    return {**block, "input": {}}, [
        {"type": "input_json_delta", "partial_json": piece} for piece in pieces
    ]
