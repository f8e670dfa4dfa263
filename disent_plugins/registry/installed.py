"""The installed entry points, and whose they are: ours are modules of this package, whatever a distribution says."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint, distributions, entry_points

GROUP = "disent"
OURS = "disent-plugins"
CLAIMED = f"(a claim to be {OURS})"
UNKNOWN = "(unknown)"


def installed() -> list[EntryPoint]:
    """Every plugin's entry point, each once; ours also where another distribution of our name lies before them."""
    try:
        found = list(entry_points(group=GROUP))
    except Exception:  # a package's list of them that cannot be read, such as one that is not UTF-8
        found = list({(point.name, point.value): point for point in _one_by_one()}.values())
    if not any(_is_ours(point) for point in found):
        ours = [point for dist in distributions(name=OURS) for point in dist.entry_points.select(group=GROUP)]
        found += {(point.name, point.value): point for point in ours if _is_ours(point)}.values()
    return found


def _one_by_one() -> Iterator[EntryPoint]:
    """The entry points of every distribution whose own can be read."""
    for distribution in distributions():
        with contextlib.suppress(Exception):
            yield from distribution.entry_points.select(group=GROUP)


def origin(point: EntryPoint) -> tuple[str, str]:
    """Name and version of an entry point's distribution, each in one line.

    One that has our name and is not ours is not named so: our name stands for trust, and for what goes first.
    """
    if point.dist is None:
        return UNKNOWN, ""
    try:
        # A removal may leave half of the metadata behind: what is missing must not be asked for by index.
        metadata = point.dist.metadata
        found = (metadata[key] if key in metadata else "" for key in ("Name", "Version"))  # noqa: SIM401
        name, version = (" ".join(str(text).split()) for text in found)
    except Exception:  # metadata that cannot be read, such as text that is not UTF-8
        return UNKNOWN, ""
    if _plain(name) == OURS:
        name = OURS if _is_ours(point) else CLAIMED
    return name or UNKNOWN, version


def _is_ours(point: EntryPoint) -> bool:
    return re.split("[.:]", point.value, maxsplit=1)[0].strip() == "disent_plugins"


def _plain(name: str) -> str:
    """A name as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", name).lower()
