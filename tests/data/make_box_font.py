"""Makes the font of the page's pictures: every character is the same box.

    pip install fonttools && python tests/data/make_box_font.py

Texts then have the same places on every machine, whatever fonts it has. All of Unicode maps
to one glyph (a `cmap` of format 13), apart from the spaces.
"""

from __future__ import annotations

from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

FONT = Path(__file__).parents[1] / "browser" / "states" / "boxes.ttf"
UNITS, ADVANCE = 1000, 520
SPACES = (0x20, 0xA0, 0x9, 0xA, 0xD, 0x200B)
LAST = 0x10FFFF


def draw_box() -> object:
    """A box as high as a small letter."""
    pen = TTGlyphPen(None)
    pen.moveTo((60, 0))
    for corner in ((60, 540), (460, 540), (460, 0)):
        pen.lineTo(corner)
    pen.closePath()
    return pen.glyph()


def map_everything() -> CmapSubtable:
    table = CmapSubtable.newSubtable(13)
    table.platformID, table.platEncID, table.language = 3, 10, 0
    table.format, table.reserved, table.length = 13, 0, 0
    table.cmap = {
        code: "space" if code in SPACES else "box" for code in range(1, LAST + 1)
    }
    return table


def main() -> None:
    builder = FontBuilder(UNITS, isTTF=True)
    builder.setupGlyphOrder([".notdef", "space", "box"])
    builder.setupCharacterMap({0x20: "space", 0x61: "box"})
    empty = TTGlyphPen(None).glyph()
    builder.setupGlyf({".notdef": empty, "space": empty, "box": draw_box()})
    widths = dict.fromkeys((".notdef", "space", "box"), (ADVANCE, 0))
    builder.setupHorizontalMetrics(widths)
    builder.setupHorizontalHeader(ascent=900, descent=-250)
    builder.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=900, sTypoDescender=-250, usWinAscent=900)
    builder.setupPost()
    builder.font["cmap"].tables.append(map_everything())
    builder.save(FONT)


if __name__ == "__main__":
    main()
