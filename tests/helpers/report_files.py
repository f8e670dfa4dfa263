"""Runs, documents and comparisons as reports read them."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

from disent_plugins.contracts import Value
from disent_plugins.measuring.kept import KeptRun
from disent_plugins.studies.comparison import Cell, Column, Comparison, Row

OF = {"checkpoint": "last", "epoch": 2, "step": 0, "weights": "sha256:aa", "data": "sha256:77"}
SETTINGS = {"model": "gmvae", "data": "digits", "seed": 0, "epochs": 2, "options": {"k": 1.0}}


def point(**changes: Any) -> dict[str, Any]:
    """Reference points of a value of 0.8 between 0.1 and 1."""
    known = {"unit": "accuracy", "floor": 0.1, "ceiling": 1.0, "low": 0.7, "high": 0.9, "n": 300, "better": "up"}
    return {**known, **changes}


def document(value: float = 0.8, name: str = "content", **changes: Any) -> dict[str, Any]:
    """A document of one value; ``reference`` changes its points, everything else the document."""
    reference = point(**changes.pop("reference", {}))
    made = {"metric": "probe", "subject": "s", "of": OF, "group": "leakage", "values": {name: value}}
    return {**made, "reference": {name: reference}, "settings": {"seed": 0}, "artifacts": {}, "notes": [], **changes}


def epochs(count: int = 2, **more: float) -> list[dict[str, Any]]:
    return [
        {"epoch": epoch, "total": 100.0 / epoch, "validation/total": 110.0 / epoch, "seconds": 1.5, **more}
        for epoch in range(1, count + 1)
    ]


def run(path: Path = Path("runs/a"), *, count: int = 2, **changes: Any) -> KeptRun:
    """A run that is measured and of which nothing is to be said; ``settings`` are those that differ."""
    settings = {**SETTINGS, **changes.pop("settings", {})}
    known = {"data": {"content_hash": "77"}, "environment": {}, "documents": {"probe": document()}}
    return KeptRun(path, settings, **{**known, "epochs": epochs(count), **changes})


def write_run(folder: Path, made: KeptRun | None = None) -> Path:
    """A run as a folder."""
    made = made or run()
    folder.mkdir(parents=True)
    for name, content in (
        ("config.json", made.settings),
        ("data.json", made.data),
        ("environment.json", made.environment),
        ("results.json", made.documents),
    ):
        (folder / name).write_text(json.dumps(content))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in made.epochs))
    return folder


def comparison(*rows: Row, columns: tuple[Column, ...] = (), **changes: Any) -> Comparison:
    """A table of one column, or of ``columns``."""
    one = Column("probe", "content", "probe content", "accuracy", "up", 0.1, 1.0, 0.05, "intervals")
    return replace(Comparison("digits", columns or (one,), rows, ("Read this.",)), **changes)


def row(model: str, mean: float, *singles: float, **changes: Any) -> Row:
    """A model with one value; ``changes`` are those of its cell, ``points`` those of the value."""
    known = {"floor": 0.1, "ceiling": 1.0, "low": mean - 0.05, "high": mean + 0.05}
    value = Value(mean, "accuracy", **{**known, **changes.pop("points", {})})
    each = {str(seed): single for seed, single in enumerate(singles or (mean,))}
    return Row(model, model, tuple(range(len(each))), 2, 3.0, (Cell(value, each, **changes),))


_VOID = {"meta", "img", "br", "path", "rect", "line"}
_LOADS = ("src", "href", "srcset", "action", "data", "poster", "xlink:href")


class Page(HTMLParser):
    """A page as a browser reads it: elements with their attributes, and the text.

    Attributes:
        elements: (name, attributes), in their order.
        text: All that is shown, and the titles.
        unclosed: Elements that were closed in another order than they were opened, or not at all.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.unclosed: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.unclosed += self._open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.unclosed.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def headings(self) -> list[int]:
        """Levels of the headings, in their order."""
        return [int(name[1]) for name, _ in self.elements if name in ("h1", "h2", "h3", "h4", "h5", "h6")]

    def check(self) -> None:
        """Check what holds of every page of ours: nothing is loaded or run, and everything has a name."""
        assert self.unclosed == []
        names = {name for name, _ in self.elements}
        assert not names & {"script", "link", "iframe", "object", "embed", "base", "form", "audio", "video"}
        for name, attributes in self.elements:
            assert not [key for key in attributes if key.startswith("on")], (name, attributes)
            loaded = [attributes[key] or "" for key in _LOADS if key in attributes]
            assert all(value.startswith(("#", "data:image/webp;base64,")) for value in loaded), loaded
        assert all(image.get("alt") for image in self.all("img"))
        assert all(cell.get("scope") in ("col", "row") for cell in self.all("th"))
        assert len(self.all("caption")) == len(self.all("table"))
        drawings = [drawing for drawing in self.all("svg") if "aria-hidden" not in drawing]
        assert all(drawing.get("role") == "img" and drawing.get("aria-label") for drawing in drawings)
        levels = self.headings
        assert all(after - before <= 1 for before, after in pairwise(levels)), levels
        ids = [attributes["id"] for _, attributes in self.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        assert {link["href"][1:] for link in self.all("a")} <= set(ids)
