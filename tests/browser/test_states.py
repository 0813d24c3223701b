"""Every state of the page as a picture, compared with the one that was approved.

Texts are drawn in a font of boxes (`tests/data/make_box_font.py`): what a picture shows is
where everything is, in which size and colour, not the fonts of a machine. Pictures are
compared by cells of 8 by 8 pixels, so that the smoothing of an edge does not count.
`--update-golden` takes new pictures.
"""

from __future__ import annotations

import copy
from base64 import b64encode
from pathlib import Path

import pytest

from infinium_otel import otlp
from support.records import chat, tool
from support.runs import long_run, research, run, some

expect = pytest.importorskip("playwright.sync_api").expect

PICTURES = Path(__file__).parent / "states"
FONT = PICTURES / "boxes.ttf"
MAX_DIFFERENT_CELLS = 8
WINDOWS = {
    "wide": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
STILL = {"bypass_csp": True, "timezone_id": "UTC", "reduced_motion": "reduce"}
COMPARE = """async ([first, second]) => {
  const cell = 8, visible = 24;
  const read = async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  };
  const [a, b] = [await read(first), await read(second)];
  if (a.width !== b.width || a.height !== b.height) return Infinity;
  let different = 0;
  for (let top = 0; top < a.height; top += cell) for (let left = 0; left < a.width; left += cell) {
    const sums = [0, 0, 0];
    let pixels = 0;
    for (let y = top; y < Math.min(top + cell, a.height); y += 1)
      for (let x = left; x < Math.min(left + cell, a.width); x += 1, pixels += 1)
        for (let c = 0; c < 3; c += 1) sums[c] += a.data[(y * a.width + x) * 4 + c] - b.data[(y * b.width + x) * 4 + c];
    if (sums.some((sum) => Math.abs(sum) / pixels > visible)) different += 1;
  }
  return different;
}"""


def show_empty(served):
    return "/"


def show_one(served):
    served.keep(run("Answer a question", input_summary="Why?", output_summary="So."))
    return "/"


def show_many(served):
    for number in range(20):
        served.keep(some(number))
    return "/?sort=cost"


def show_error(served):
    return f"/tasks/{served.keep(research())}?step=5&find=timed"


def show_long(served):
    return f"/tasks/{served.keep(long_run(2_000))}"


def show_live(served):
    served.keep(run("Earlier"))
    records = [chat("a", "root"), tool("b", "root", tool="weather", start=1)]
    served.http.post("/v1/traces", json=otlp.to_otlp(records)).raise_for_status()
    return "/"


def show_compare(served):
    second = copy.deepcopy(research())
    second["duration"] *= 2
    second["output_summary"] = "A ground-source unit instead."
    del second["steps"][-1]
    return f"/compare?a={served.keep(research())}&b={served.keep(second)}"


STATES = {
    "empty": (show_empty, ".way"),
    "one": (show_one, ".row .name"),
    "many": (show_many, ".row .name"),
    "error": (show_error, ".step.hit"),
    "long": (show_long, ".step .bar"),
    "live": (show_live, ".row.open"),
    "compare": (show_compare, ".step-pair"),
}


def take_picture(window, path: str, ready: str) -> bytes:
    """A picture of the page at *path* once *ready* is there, in the font of boxes."""
    page = window.open(path)
    expect(page.locator(ready).first).to_be_visible()
    expect(page.locator("#live")).to_have_text("live")
    font = b64encode(FONT.read_bytes()).decode()
    page.add_style_tag(
        content=f"@font-face {{ font-family: Boxes; src: url(data:font/ttf;base64,{font}); }}"
        "* { font-family: Boxes !important; }"
    )
    page.evaluate("document.fonts.load('12px Boxes')")
    page.wait_for_load_state("networkidle")
    return page.screenshot(animations="disabled")


@pytest.mark.parametrize("name", [f"{s}-{size}" for s in STATES for size in WINDOWS])
def test_a_state_looks_as_approved(served, watch, request, tmp_path, name):
    """Wide and light, and on a phone and dark."""
    state, size = name.split("-")
    show, ready = STATES[state]
    window = watch(**WINDOWS[size], **STILL)
    taken = take_picture(window, show(served), ready)
    approved = PICTURES / f"{name}.png"
    if request.config.getoption("--update-golden"):
        approved.write_bytes(taken)
        pytest.fail(f"took {approved}: look at it, then run again without")
    pictures = [b64encode(data).decode() for data in (approved.read_bytes(), taken)]
    blank = window.page.context.new_page()
    different = blank.evaluate(COMPARE, pictures)
    (tmp_path / approved.name).write_bytes(taken)
    assert different <= MAX_DIFFERENT_CELLS, f"see {tmp_path / approved.name}"
