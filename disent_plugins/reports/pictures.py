"""Pictures of result documents as data URIs, made small enough that the page can be sent."""

from __future__ import annotations

import base64
import io
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from disent_plugins.measuring.kept import KeptRun
from disent_plugins.reports.facts import name_of, title_of
from disent_plugins.reports.rows import table

WIDTHS = (1200, 900, 640, 480)
"""Widths in pixels to which pictures are reduced, the first at which all of them fit."""

QUALITY = 80
MOST_PIXELS = 50_000_000
"""Larger pictures are left out: they are none of ours, and take seconds to read."""

_WORDS = {
    "swap-grid": "Decoded images, each with the content of the test image above it and the style of the one beside it.",
    "interpolation": "Rows of decoded images on the way from one test image to another.",
    "samples": "Images decoded from random codes.",
    "swap": "Matrix: the content that a classifier sees in swapped images, by the content they should have.",
    "leakage": "Matrix: how well each factor is read from each block. The table of values has its numbers.",
    "blocks": "Matrix: how well each factor is read from each block. The table of values has its numbers.",
    "kl": "Matrix: the divergence of every dimension of both blocks from the prior.",
    "dci": "Matrix: how important each dimension is for each factor.",
    "mig": "Matrix: what each dimension tells of each factor, in nats.",
}


@dataclass(frozen=True)
class Picture:
    """A picture that a document names, still on the disk.

    Attributes:
        run: The run's title and the name of its folder.
        metric: The name that its document is kept by.
        name: The artifact's name.
        file: Where it is.
    """

    run: str
    metric: str
    name: str
    file: Path

    @property
    def title(self) -> str:
        return self.metric if self.name in (self.metric, "matrix") else f"{self.metric}: {self.name}"

    @property
    def words(self) -> str:
        """What it shows, for those who do not see it."""
        return _WORDS.get(base_of(self.metric), f"Picture '{self.name}' of metric '{self.metric}'.")


@dataclass(frozen=True)
class Embedded:
    """A picture with its bytes in the page."""

    picture: Picture
    uri: str
    width: int
    height: int


def pictures_of(run: KeptRun, metrics: Container[str] | None = None) -> tuple[list[Picture], list[str]]:
    """The pictures that the documents of a run name, as far as they are there, and what is missing, in words.

    Args:
        run: Nothing outside its folder is read.
        metrics: Only of these; all if None.
    """
    found, missing = [], []
    for metric, document in run.documents.items():
        if metrics is not None and base_of(metric) not in metrics:
            continue
        for name, path in table(document, "artifacts").items():
            if not isinstance(path, str) or not path.lower().endswith(".png"):
                continue
            file = run.file(path)
            if file is None:
                missing.append(f"{name_of(run)}, {metric}: {Path(path).name} is not in the run's folder.")
            else:
                found.append(Picture(f"{title_of(run)} ({name_of(run)})", metric, str(name), file))
    return found, missing


def base_of(metric: str) -> str:
    """The metric's name without its preset's."""
    return metric.partition("@")[0]


def embed(pictures: Sequence[Picture], room: int) -> tuple[list[Embedded], list[str]]:
    """Pictures as data URIs that take ``room`` bytes at most, in their order, and what was left out, in words.

    All are reduced to the first of ``WIDTHS`` at which they fit. If they do not at the last, the largest are left out.
    """
    sizes, left_out = _sizes(pictures)
    made: list[Embedded] = []
    for width in WIDTHS:
        least = sum(_LEAST * w * h * min(1, width / w) ** 2 for w, h in sizes.values())
        if least > room and width != WIDTHS[-1]:
            continue  # not worth trying
        made, unread = [], {}
        for picture in sizes:
            try:
                made.append(_embedded(picture, width))
            except Exception as error:  # Pillow raises errors of many kinds at a damaged file
                unread[picture] = _unread(picture, error)
        sizes = {picture: size for picture, size in sizes.items() if picture not in unread}
        left_out += unread.values()
        if sum(len(one.uri) for one in made) <= room:
            return made, left_out
    while made and sum(len(one.uri) for one in made) > room:
        largest = max(made, key=lambda one: len(one.uri))
        made.remove(largest)
        words = f"{_name(largest.picture)} was left out to keep this file small: see {largest.picture.file.name}."
        left_out.append(words)
    return made, left_out


_LEAST = 0.05
"""Bytes of the page for a pixel of a picture that is easily compressed."""


def _sizes(pictures: Iterable[Picture]) -> tuple[dict[Picture, tuple[int, int]], list[str]]:
    """Width and height of those that are pictures; of the others, what is wrong."""
    from PIL import Image

    sizes, unread = {}, []
    for picture in pictures:
        try:
            with Image.open(picture.file, formats=["PNG"]) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise ValueError(f"it has {opened.width} x {opened.height} pixels")
                sizes[picture] = opened.size
        except Exception as error:
            unread.append(_unread(picture, error))
    return sizes, unread


def _unread(picture: Picture, error: Exception) -> str:
    return f"{_name(picture)} cannot be read: {type(error).__name__}."


def _name(picture: Picture) -> str:
    return f"{picture.title} of {picture.run}"


def _embedded(picture: Picture, width: int) -> Embedded:
    from PIL import Image

    with Image.open(picture.file, formats=["PNG"]) as opened:
        image = opened.convert("RGB")
    if image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
    held = io.BytesIO()
    image.save(held, "WEBP", quality=QUALITY, method=2)
    uri = "data:image/webp;base64," + base64.b64encode(held.getvalue()).decode()
    return Embedded(picture, uri, image.width, image.height)
