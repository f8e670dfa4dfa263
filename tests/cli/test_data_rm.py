"""``disent data rm``, and what ``list`` and ``show`` say of what is prepared."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import typer

from disent_plugins.data_adapters.cache import cache_path, checked_path
from disent_plugins.data_adapters.digits import Digits


@pytest.fixture
def prepared(disent, tmp_path: Path, monkeypatch) -> Path:
    """The cache of the digits in a folder of its own, beside an old one and files that are none."""
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    assert disent("data", "prepare", "digits").code == 0
    for name in ("digits-0123456789.h5", "more-digits-0123456789.h5", "digits-notes.h5"):
        (tmp_path / "cache" / name).write_bytes(bytes(10))
    (tmp_path / "cache" / "raw" / "digits").mkdir(parents=True)
    (tmp_path / "cache" / "digits-aaaaaaaaaa.h5").mkdir()
    (tmp_path / "cache" / "digits-bbbbbbbbbb.h5").symlink_to("nowhere")
    return cache_path(Digits.info)


def left(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir() if file.suffix != ".lock"}


OTHERS = {"raw", "more-digits-0123456789.h5", "digits-notes.h5", "digits-aaaaaaaaaa.h5", "digits-bbbbbbbbbb.h5"}


def test_what_is_prepared_is_listed_with_its_size(prepared, disent):
    entries = {entry["name"]: entry for entry in disent("data", "list", "--json").json}
    sizes = {Path(size["path"]).name: (size["images"], size["bytes"]) for size in entries["digits"]["prepared"]}
    assert sizes == {prepared.name: (1797, prepared.stat().st_size), "digits-0123456789.h5": (None, 10)}
    assert entries["mnist"]["prepared"] == []
    assert "1,797 images, 1.9 MB" in disent("data", "list").out
    found = disent("data", "show", "digits", "--json").json
    assert (found["images"], found["bytes"]) == (1797, prepared.stat().st_size)
    assert disent("data", "show", "mnist", "--json").json["images"] is None


def test_caches_are_removed_and_nothing_else(prepared, disent):
    found = disent("data", "rm", "digits", "--yes", "--json")
    assert (found.code, found.err) == (0, "")
    assert {Path(size["path"]).name for size in found.json["removed"]} == {prepared.name, "digits-0123456789.h5"}
    assert left(prepared) == OTHERS
    again = disent("data", "rm", "digits", "--yes")
    assert (again.code, "digits is not cached" in again.err) == (3, True)
    assert disent("data", "prepare", "digits").code == 0


def test_of_a_data_set_that_is_gone_the_caches_can_be_removed(prepared, disent):
    found = disent("data", "rm", "more-digits", "--yes")
    assert (found.code, "removed" in found.out) == (0, True)


def test_it_asks_first(prepared, disent, monkeypatch):
    before = left(prepared)
    found = disent("data", "rm", "digits")
    assert (found.code, found.out, left(prepared)) == (2, "", before)
    assert "Say: --yes" in found.err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda text, **_: False)
    found = disent("data", "rm", "digits")
    assert (found.code, left(prepared)) == (0, before)
    assert "Nothing was removed." in found.err
    monkeypatch.setattr(typer, "confirm", lambda text, **_: True)
    found = disent("data", "rm", "digits")
    assert found.code == 0
    assert f"The raw files stay in {prepared.parent}/raw/digits." in found.err
    assert (left(prepared), checked_path(prepared).exists()) == (OTHERS, False)


@pytest.mark.parametrize("name", ["nothing", "../digits", "digits*", "digit?"])
def test_names_that_are_none_remove_nothing(prepared, disent, name):
    before = left(prepared)
    found = disent("data", "rm", name, "--yes")
    assert (found.code, left(prepared)) == (2, before)
    assert f"There is no data set '{name}'" in found.err
