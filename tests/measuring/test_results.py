"""What is kept of measurements: of one subject in one folder, and nothing of another one is lost or shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from disent_plugins.errors import UsageError
from disent_plugins.measuring.results import add_results, require_place, set_aside

BEFORE, AFTER = (
    {"checkpoint": "last", "epoch": epoch, "step": 0, "weights": f"sha256:{epoch}bcdef0123", "data": "sha256:0"}
    for epoch in (2, 3)
)


def kept(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def document(of: dict | None, number: float = 1.0, **artifacts: Path) -> dict:
    found = {"values": {"a": number}, "artifacts": {name: str(path) for name, path in artifacts.items()}}
    return found if of is None else {"of": of, **found}


def draw(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """A run with a metric's document and picture, and an older picture that no document names any more."""
    monkeypatch.chdir(tmp_path)
    place = Path("runs/tiny")
    picture = draw(place / "figures" / "deep" / "a.png", "before")
    draw(place / "figures" / "other.png", "before")
    add_results(place, {"probe": document(BEFORE, 1.0), "samples": document(BEFORE, 2.0, picture=picture)})
    return place


def test_results_of_one_subject_are_merged(tmp_path):
    add_results(tmp_path, {"probe": document(BEFORE), "samples": document(BEFORE)})
    add_results(tmp_path, {"probe": document(BEFORE, 2.0)})
    assert kept(tmp_path) == {"probe": document(BEFORE, 2.0), "samples": document(BEFORE)}
    add_results(tmp_path, {})
    assert len(kept(tmp_path)) == 2
    assert not (tmp_path / "superseded").exists()


def test_results_of_other_weights_are_set_aside_with_their_pictures(run):
    set_aside(run, AFTER, run / "figures")
    assert kept(run) == {}
    assert not [path for path in (run / "figures").rglob("*") if path.is_file()]
    aside = run / "superseded" / "last-epoch2-2bcdef01"
    assert kept(aside)["probe"] == document(BEFORE, 1.0)
    assert kept(aside)["samples"]["artifacts"] == {"picture": str(aside / "figures" / "deep" / "a.png")}
    assert {path.name: path.read_text() for path in aside.rglob("*.png")} == {"a.png": "before", "other.png": "before"}
    assert len((aside / "results.csv").read_text().splitlines()) == 3


def test_nothing_moves_while_the_weights_are_the_same(run):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    set_aside(run, dict(BEFORE), run / "figures")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_results_from_before_weights_were_named_are_set_aside(tmp_path):
    add_results(tmp_path, {"probe": document(None)})
    set_aside(tmp_path, AFTER, tmp_path / "figures")
    assert kept(tmp_path) == {}
    assert kept(tmp_path / "superseded" / "unknown") == {"probe": document(None)}


def test_pictures_are_found_from_another_working_folder_and_after_a_move(run, tmp_path, monkeypatch):
    moved = tmp_path / "elsewhere"
    os.rename(run, moved)
    monkeypatch.chdir("/")
    set_aside(moved, AFTER, moved / "figures")
    aside = moved / "superseded" / "last-epoch2-2bcdef01"
    assert kept(aside)["samples"]["artifacts"] == {"picture": str(aside / "figures" / "deep" / "a.png")}


def test_a_folder_that_a_person_named_keeps_what_is_not_ours(tmp_path):
    picture, theirs = draw(tmp_path / "a.png", "before"), draw(tmp_path / "thesis.png", "theirs")
    deep = draw(tmp_path / "figures" / "b.png", "theirs")
    add_results(tmp_path, {"samples": document(BEFORE, picture=picture)})
    set_aside(tmp_path, AFTER, tmp_path)
    assert theirs.is_file()
    assert deep.is_file()
    assert (tmp_path / "superseded" / "last-epoch2-2bcdef01" / "a.png").read_text() == "before"


def test_setting_aside_goes_on_where_it_was_killed(run, monkeypatch):
    from disent_plugins.measuring import results

    def kill(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(results, "write_results", kill)
        with pytest.raises(KeyboardInterrupt):
            set_aside(run, AFTER, run / "figures")
    set_aside(run, AFTER, run / "figures")
    aside = run / "superseded" / "last-epoch2-2bcdef01"
    (picture,) = kept(aside)["samples"]["artifacts"].values()
    assert Path(picture).read_text() == "before"


def test_who_measures_while_the_run_trains_on_mixes_nothing(run):
    """Two at a time: the results of the newer weights came between opening the older ones and keeping their results."""
    set_aside(run, AFTER, run / "figures")
    new = draw(run / "figures" / "deep" / "a.png", "after")
    add_results(run, {"samples": document(AFTER, 5.0, picture=new)})
    old = draw(run / "figures" / "deep" / "a.png", "before, again")
    add_results(run, {"samples": document(BEFORE, 2.0, picture=old)})
    assert kept(run) == {"samples": document(BEFORE, 2.0, picture=old)}
    assert old.read_text() == "before, again"
    assert kept(run / "superseded" / "last-epoch3-3bcdef01") == {"samples": document(AFTER, 5.0)}
    assert len(list((run / "superseded").iterdir())) == 2


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("{", []),
        ("[]", []),
        ('"a"', []),
        ('{"probe": 1}', []),
        ('{"mine": [1], "samples": {"values": {"a": 2.0}}}', ["samples"]),
        ('{"a": {"of": 3}, "samples": {}}', ["samples"]),
        ('{"a": {"of": {"weights": 3}}}', []),
        ('{"a": {"of": {"codes": "x", "blocks": 3}}}', []),
        ('{"a": {"values": []}}', []),
        ('{"a": {"reference": {"x": 1}}}', []),
        ('{"a": {"artifacts": {"x": 1}}}', []),
        ('{"a": {"settings": "none"}}', []),
    ],
)
def test_results_of_another_shape_lose_nothing(tmp_path, text, left):
    (tmp_path / "results.json").write_text(text)
    set_aside(tmp_path, AFTER, tmp_path / "figures")
    add_results(tmp_path, {"probe": document(AFTER)})
    assert kept(tmp_path) == {"probe": document(AFTER)}
    (foreign,) = (tmp_path / "superseded").glob("foreign-*")
    assert (foreign / "results.json").read_text() == text
    others = [path for path in (tmp_path / "superseded").iterdir() if path != foreign]
    assert [name for path in others for name in kept(path)] == left


def test_a_place_that_cannot_be_written_to_is_told_before_the_work(tmp_path, monkeypatch):
    require_place(tmp_path / "new")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"new cannot be written to\.\n.*\n.*--out FOLDER"):
        require_place(tmp_path / "new")
