"""Examples in docstrings are true."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "disent_plugins").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8") and path.stem != "__init__"
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_documentation(name: str):
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
