"""A figure of the paper: the pictures of its runs side by side on one sheet that says where they came from."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from disent_plugins.files import replacing
from disent_plugins.studies.paper import Item

EDGE, GAP, TITLE, TEXT = 24, 36, 24, 15
INK, MUTED = "#222222", "#666666"


def draw(
    item: Item, documents: Mapping[str, Sequence[Mapping[str, Any]]], captions: Mapping[str, str], out: Path
) -> Path | None:
    """Put the panels of an item side by side, each with its run, and write ``<item>.png``.

    Args:
        item: The item.
        documents: Run name to the documents of its seeds, the first with the pictures; runs without data are absent.
        captions: Run name to the line that says which run it is.
        out: Folder.

    Returns:
        The file; None if no panel could be drawn.
    """
    panels = []
    for name, drawn in item.panels:
        if name in documents and drawn in documents[name][0]:
            path = documents[name][0][drawn]["artifacts"][drawn]
            with Image.open(path) as found:
                panels.append((captions[name], found.convert("RGB")))
    if not panels:
        return None
    title, small = ImageFont.load_default(TITLE), ImageFont.load_default(TEXT)
    lines = [textwrap.wrap(words, max(20, int(picture.width / (TEXT * 0.56)))) for words, picture in panels]
    width = 2 * EDGE + sum(picture.width for _, picture in panels) + GAP * (len(panels) - 1)
    heads = textwrap.wrap(item.title, max(20, int(width / (TITLE * 0.56))))
    top = EDGE + len(heads) * TITLE * 3 // 2
    under = top + max(map(len, lines)) * TEXT * 3 // 2
    sheet = Image.new("RGB", (width, under + max(picture.height for _, picture in panels) + EDGE), "white")
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(heads):
        pen.text((EDGE, EDGE // 2 + number * TITLE * 3 // 2), line, fill=INK, font=title)
    left = EDGE
    for (_, picture), words in zip(panels, lines, strict=True):
        for number, line in enumerate(words):
            pen.text((left, top + number * TEXT * 3 // 2), line, fill=MUTED, font=small)
        sheet.paste(picture, (left, under))
        left += picture.width + GAP
    path = out / f"{item.name}.png"
    with replacing(path) as temporary:
        sheet.save(temporary, format="png")
    return path
