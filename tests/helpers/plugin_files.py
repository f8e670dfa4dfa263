"""Third-party plugins as they lie in a site-packages folder: a module and its distribution's entry point."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

from disent_plugins.registry.host import GROUP

MODEL = """
from disent_plugins import ModelSpec, hookimpl

@hookimpl
def disent_models():
    return [ModelSpec(name="{name}", summary="A model.", target="{target}")]
"""


def write_plugin(
    folder: Path, name: str, source: str, *, version: str = "1.0", entry: str = "", metadata: str | None = None
) -> None:
    """Write distribution ``name`` with module ``name_plugin`` and the entry point ``name``."""
    module = f"{name.replace('-', '_')}_plugin"
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" if metadata is None else metadata
    (info / "METADATA").write_text(text, encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {entry or module}\n", encoding="utf-8")


def entry_points_in(folder: Path) -> Iterator[EntryPoint]:
    """The plugin entry points of the distributions in a folder."""
    for distribution in distributions(path=[str(folder)]):
        yield from (point for point in distribution.entry_points if point.group == GROUP)
