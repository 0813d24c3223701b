"""Images, sounds and files inside messages."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from infinium_otel.apps.serve.media import MAX_MEDIA, MAX_PREVIEW, find_media

PIXELS = b64encode(b"\x89PNG" + bytes(range(96))).decode()


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(
            {"type": "blob", "mime_type": "image/png", "content": PIXELS}, id="otel"
        ),
        pytest.param(
            {"image_url": {"url": f"data:image/png;base64,{PIXELS}"}}, id="openai"
        ),
        pytest.param(
            {"source": {"type": "base64", "media_type": "image/png", "data": PIXELS}},
            id="anthropic",
        ),
        pytest.param(
            {"inlineData": {"mimeType": "image/png", "data": PIXELS}}, id="gemini"
        ),
    ],
)
@pytest.mark.parametrize("dump", [False, True], ids=["decoded", "json"])
def test_an_image_of_any_provider(part, dump):
    """The type, the size, and a URL that shows it, whoever wrote the message."""
    messages = [{"role": "user", "content": [part]}]
    (found,) = find_media([json.dumps(messages) if dump else messages])
    assert found == {
        "type": "image/png",
        "bytes": 100 + len(PIXELS) % 4 // 2 + 2,
        "url": f"data:image/png;base64,{PIXELS}",
    }


@pytest.mark.parametrize("mime", ["image/svg+xml", "text/html", "audio/wav"])
def test_what_a_browser_could_run_has_no_preview(mime):
    """Only types that are decoded to pixels become a URL."""
    (found,) = find_media([{"mime_type": mime, "data": PIXELS}])
    assert found["type"] == mime
    assert "url" not in found


@pytest.mark.parametrize(
    "value",
    [
        "data:image/png;base64,",
        {"mime_type": "image/png", "data": "https://cdn.example/a.png"},
        {"mime_type": 3, "data": PIXELS},
        {"mime_type": "image/png"},
        None,
        5,
        "data:",
        [[[]]],
    ],
)
def test_what_is_no_embedded_media(value):
    """References, broken parts and other values give no preview and raise nothing."""
    assert not any("url" in found for found in find_media([value]))


def test_a_preview_is_only_base64():
    """Data with anything else in it is described, not put into a URL."""
    broken = PIXELS + "'); alert(1"
    (found,) = find_media([{"mime_type": "image/png", "data": broken}])
    assert "url" not in found


def test_many_and_large():
    """The list is bounded, and so is the size of a preview; the same image is one."""
    many = [{"mime_type": "image/png", "data": f"{n:04d}" + PIXELS} for n in range(99)]
    assert len(find_media(many)) == MAX_MEDIA
    assert len(find_media([many[0], many[0]])) == 1
    (large,) = find_media([{"mime_type": "image/png", "data": "A" * (MAX_PREVIEW + 4)}])
    assert "url" not in large


def test_a_value_without_end():
    """A huge value is visited in part."""
    assert find_media([[[n] for n in range(200_000)]]) == []
