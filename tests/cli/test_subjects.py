"""Results of different subjects never share a place: last and best, files of one name, runs in one named folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from helpers.training_files import change_checkpoint, other_run


def results(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


def test_the_best_checkpoint_is_another_subject_than_the_last(trained, disent):
    change_checkpoint(trained / "checkpoints" / "best.pt", weight=1.0, epoch=2)
    last = disent("metrics", "samples", trained, "--json").json
    before, picture = results(trained), (trained / "figures" / "samples.png").read_bytes()
    best = disent("metrics", "samples", trained, "--checkpoint", "best", "--json").json
    assert results(trained) == before
    assert (trained / "figures" / "samples.png").read_bytes() == picture
    assert results(trained / "best") == {"samples": best}
    assert best["artifacts"]["samples"] == "runs/tiny/best/figures/samples.png"
    assert [(of["checkpoint"], of["epoch"]) for of in (last["of"], best["of"])] == [("last", 2), ("best", 1)]
    assert last["of"]["weights"] != best["of"]["weights"]
    assert last["of"]["data"] == best["of"]["data"]
    content_hash = json.loads((trained / "data.json").read_text())["content_hash"]
    assert last["of"]["data"] == f"sha256:{content_hash}"
    assert "checkpoint best, epoch 1" in disent("metrics", "samples", trained, "--checkpoint", "best").err


def test_pictures_of_files_of_one_name_never_share_a_place(disent, tmp_path):
    """Nor do those of one file whose columns were named otherwise."""
    places = set()
    for folder, content in (("a", "0:2"), ("b", "0:2"), ("b", "0:3")):
        (tmp_path / folder).mkdir(exist_ok=True)
        generator = np.random.default_rng(ord(folder))
        codes = generator.normal(size=(120, 5))
        np.savez(tmp_path / folder / "codes.npz", codes=codes, labels=np.arange(120) % 2)
        given = ("--codes", f"{folder}/codes.npz", "--content", content, "--style", f"{content[2:]}:5")
        found = disent("metrics", "leakage", *given, "--json")
        assert found.code == 0, found.err
        place = {Path(path).parent for path in found.json["artifacts"].values()}
        assert len(place) == 1
        places |= place
        of = found.json["of"]
        assert of["blocks"] == [content, f"{content[2:]}:5"]
        assert of["codes"].removeprefix("sha256:")[:8] in str(place)
    assert len(places) == 3
    assert {place.parent for place in places} == {Path("figures")}


def test_several_runs_in_a_named_folder_have_places_of_their_own_there(trained, disent, tmp_path):
    other = other_run(trained, tmp_path / "runs" / "other", seed=5)
    before = results(trained)
    found = disent("metrics", "all", trained, other, "--groups", "pictures,quality", "--out", "study", "--json")
    assert found.code == 0, found.err
    assert results(tmp_path / "study") == found.json["metrics"]
    places = sorted(path for path in (tmp_path / "study").iterdir() if path.is_dir())
    assert [path.name.split("-")[0] for path in places] == ["other", "tiny"]
    for path in places:
        pictures = [Path(file) for document in results(path).values() for file in document["artifacts"].values()]
        assert {picture.parent.resolve() for picture in pictures} == {path, path / "items"}
        assert all(picture.is_file() for picture in pictures)
    assert results(trained) == before


def test_a_named_folder_shows_one_subject_at_a_time_and_loses_none(disent, tmp_path):
    labels = np.arange(400) % 4
    for number in range(2):
        codes = np.random.default_rng(number).normal(size=(400, 4))
        np.savez(tmp_path / "mine.npz", content=codes, style=codes[::-1], labels=labels)
        group = ("blocks", "leakage")[number]
        found = disent("metrics", "all", "--codes", "mine.npz", "--groups", group, "--out", "out", "--json")
        assert found.code == 0, found.err
        assert results(tmp_path / "out") == found.json["metrics"]
        if not number:
            first = found.json["metrics"]
    (aside,) = (tmp_path / "out" / "superseded").iterdir()
    kept = results(aside)
    assert {name: document["values"] for name, document in kept.items()} == {
        name: document["values"] for name, document in first.items()
    }
    pictures = [tmp_path / file for document in kept.values() for file in document["artifacts"].values()]
    assert pictures
    assert all(picture.is_file() and picture.is_relative_to(aside) for picture in pictures)


def test_results_of_files_of_one_name_never_share_a_place(disent, tmp_path):
    labels, found = np.arange(400) % 4, []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        codes = np.random.default_rng(ord(folder)).normal(size=(400, 4))
        np.savez(tmp_path / folder / "mine.npz", codes=codes, labels=labels)
        given = ("--codes", f"{folder}/mine.npz", "--groups", "factors", "--as", "dlib")
        found.append(disent("metrics", "all", *given, "--json").json["metrics"])
    places = list((tmp_path / "figures").iterdir())
    assert sorted(results(path)["mig@dlib"]["of"]["codes"] for path in places) == sorted(
        documents["mig@dlib"]["of"]["codes"] for documents in found
    )
    assert len(places) == 2
