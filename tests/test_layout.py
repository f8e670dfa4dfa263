"""The rules of the house that a program can check: who imports whom, absolute names, short files, links at the root."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import disent_plugins

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "disent_plugins"
LINKS = ("registry", "data_adapters", "metrics")
LONGEST = 320

FOUNDATION = {
    "about", "content", "contracts", "errors", "files", "hdf5", "interrupts", "notebook", "npz", "options",
    "out_of_memory", "printable", "together", "version", "whole_batch",
}  # fmt: skip
PARTS = {"data_adapters", "models", "metrics"}
MAY_IMPORT = {
    **dict.fromkeys(FOUNDATION, FOUNDATION),
    "registry": FOUNDATION | {"registry"},
    **{part: FOUNDATION | {"registry", part} for part in PARTS},
    "training": FOUNDATION | {"registry", "data_adapters", "training"},
    "measuring": FOUNDATION | {"registry", "data_adapters", "metrics", "training", "measuring"},
    "studies": FOUNDATION | {"registry", "data_adapters", "training", "measuring", "studies"},
    "reports": FOUNDATION | {"measuring", "studies", "reports"},
    "loggers": {"files", "registry", "loggers"},
    "testing": FOUNDATION | PARTS | {"registry", "training", "testing"},
    "cli": FOUNDATION | PARTS | {"registry", "training", "measuring", "studies", "reports", "cli"},
    "__main__": {"cli"},
    "__init__": FOUNDATION | {"registry", "data_adapters", "measuring"},  # re-exports, by name
}
SOURCES = sorted(PACKAGE.rglob("*.py"))
CODE = ("disent_plugins", "tests", "benchmarks", "examples")
ALL = sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part_of(path: Path) -> str:
    """The folder or module of the package that a file belongs to."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names that a file imports anywhere, inside functions too, with the level of relative ones."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.level) for alias in node.names)


def test_every_part_has_a_rule():
    assert {part_of(path) for path in SOURCES} == set(MAY_IMPORT)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_who_may_import_whom(path):
    parts = {part_of(other) for other in SOURCES} - {"__init__"}
    used = {name.split(".")[1] for name, _ in imports(path) if name.startswith("disent_plugins.")} & parts
    assert used <= MAY_IMPORT[part_of(path)]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_inside_imports_the_face_of_the_package(path):
    faces = set(disent_plugins.__all__)
    used = {name for name, _ in imports(path)}
    assert not used & ({"disent_plugins"} | {f"disent_plugins.{name}" for name in faces})


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_imports_are_absolute_and_by_the_full_name(path):
    for name, level in imports(path):
        assert level == 0, f"relative import of {name}"
        assert name.split(".")[0] not in (*LINKS, "click"), name


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_holds_one_idea_and_says_which(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(source))


@pytest.mark.parametrize("name", LINKS)
def test_the_working_parts_stand_at_the_root(name):
    """As links, or as the text files that a checkout without symbolic links makes of them: nothing needs them."""
    link = ROOT / name
    assert (os.readlink(link) if link.is_symlink() else link.read_text()) == f"disent_plugins/{name}"


def test_tests_lie_in_the_folders_of_what_they_hold():
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    assert [folder for folder in sorted(folders) if not (PACKAGE / folder).is_dir()] == []
