"""The page: what stands in it, that it needs nothing else, and that names of others do nothing to it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from helpers.report_files import Page, comparison, document, epochs, row, run, write_run
from PIL import Image

from disent_plugins.measuring.kept import read_run
from disent_plugins.reports import page
from disent_plugins.reports.page import report

EVIL = (
    "</style></title></svg><script>alert(1)</script><img src=x onerror=alert(2)>\"'><b>\n&amp;{{ 7*7 }}\x1b[31m\u202e"
)


def picture(folder: Path, name: str = "swap-grid", size: tuple[int, int] = (60, 40), seed: int | None = None) -> dict:
    """A document of a picture that lies in the folder."""
    noise = np.random.default_rng(seed).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise if seed is not None else noise * 0).save(folder / f"{name}.png")
    return document(metric=name, group="pictures", values={}, reference={}, artifacts={name: f"{name}.png"})


def read(*runs, comparisons=()) -> Page:
    html = report(runs, comparisons)
    assert len(html.encode()) <= page.MOST
    assert "url(" not in html
    assert "@import" not in html
    found = Page(html)
    found.check()
    (root,) = found.all("html")
    assert root["lang"] == "en"
    return found


def test_a_run(tmp_path):
    made = run(
        tmp_path,
        documents={"probe": document(notes=["Read this."]), "swap-grid": picture(tmp_path) | {"notes": ["Look."]}},
    )
    found = read(made)
    for words in ("gmvae on digits, seed 0", "2 epochs", "3.0 s", "probe content", "0.800", "0.700 to 0.900", "0.100",
                  "300", "accuracy", "Read this.", "Look.", "options.k", "No check found anything"):  # fmt: skip
        assert words in found.text
    (bar,) = [drawing for drawing in found.all("svg") if drawing.get("class") == "bar"]
    assert bar["aria-label"] == "78 % of the way from chance to ceiling, interval 67 to 89 %"
    (image,) = found.all("img")
    assert "content of the test image above it" in image["alt"]
    assert len([drawing for drawing in found.all("svg") if drawing.get("class") == "chart"]) == 1
    assert found.headings == [1, 2, 2, 3, 2, 2, 2]


def test_a_run_that_has_nothing_is_a_page_as_well(tmp_path):
    found = read(run(tmp_path, settings={"seed": None, "epochs": None}, data={}, epochs=[], documents={}))
    assert "The training is not finished" in found.text
    assert "Nothing was measured" in found.text
    assert found.all("img") == found.all("svg") == []


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"values": {"a": math.nan}, "reference": {"a": {}}},
        {"values": {"a": 0.5}},
        {"values": {"a": 0.5}, "reference": {"a": {"floor": math.nan, "ceiling": "x", "n": [], "better": 5}}},
        {"values": {"a": 0.5}, "group": 5, "notes": 5, "artifacts": 5, "settings": 5, "of": 5},
        {"artifacts": {"a": "\0.png"}, "notes": [5, None], "settings": {"budgets": {"paper": 5}}},
        None,
    ],
)
def test_documents_that_lack_keys_leave_gaps(tmp_path, found):
    assert "Values" in read(run(tmp_path, documents={"odd": found, "probe": document()})).text


def test_numbers_that_are_none_are_left_out_of_curves(tmp_path):
    lines = [{"epoch": 1, "total": math.nan}, {"epoch": 2, "total": None}, {"epoch": 3, "total": 1.0, "x": "text"}]
    lines += [{"epoch": 4, "seconds": math.nan}, {"epoch": 5, "seconds": "long", "total": 2.0}]
    found = read(run(tmp_path, epochs=lines, environment={"gpu": 5, "cpus": None, "libraries": []}))
    assert "The loss is no number" in found.text
    assert "nan" not in found.text


def test_what_others_name_is_text(tmp_path):
    folder = tmp_path / EVIL.replace("/", "|")
    made = run(
        write_run(folder),
        settings={"model": EVIL, "data": EVIL, "options": {EVIL: EVIL}, "data_options": {EVIL: [EVIL]}},
        environment={"gpu": EVIL, "platform": EVIL, EVIL: {EVIL: EVIL}, "libraries": {"torch": EVIL}},
        data={"training": {"images": 5, "groups": EVIL, "image": {"height": EVIL}}, "content_hash": EVIL},
        epochs=epochs(**{EVIL: 3.0}) + epochs(**{EVIL: 2.0}),
        documents={
            EVIL: document(name=EVIL, group=EVIL, notes=[EVIL], reference={"unit": EVIL, "estimator": EVIL}),
            "swap-grid": picture(folder) | {"artifacts": {EVIL: "swap-grid.png", "lost": EVIL + ".png"}},
        },
        faults=(EVIL,),
    )
    for found in (read(made), read(made, made)):
        assert "alert(1)" in found.text
        assert "{{ 7*7 }}" in found.text
        assert "\x1b" not in found.text + str(found.elements)
        assert not found.all("b")
        assert [image["src"][:11] for image in found.all("img")] == ["data:image/"] * len(found.all("img"))


def test_the_page_allows_itself_nothing(tmp_path):
    (policy,) = [meta for meta in read(run(tmp_path)).all("meta") if "http-equiv" in meta]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"] == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_what_a_machine_is_called_inside_is_not_told(tmp_path):
    environment = {"command": ["/home/me/secret/disent", "run"], "cpus": 2}
    found = read(run(tmp_path, environment=environment, data={"cache": "/home/me/cache.h5"}))
    assert "/home/me" not in found.text
    assert "2 CPU cores" in found.text


def test_both_themes_print_and_narrow_screens_have_their_rules(tmp_path):
    html = report([run(tmp_path)])
    for rule in ("prefers-color-scheme: dark", "@media print", "max-width: 40rem", ":focus-visible"):
        assert rule in html


def test_large_pictures_make_no_large_page(tmp_path):
    names = ("swap-grid", "interpolation", "samples", "swap", "leakage", "kl")
    documents = {name: picture(tmp_path, name, (480, 3000), seed=number) for number, name in enumerate(names)}
    found = read(run(tmp_path, documents=documents))
    assert 0 < len(found.all("img")) < len(names)
    assert "was left out to keep this file small" in found.text


def test_a_very_long_comparison_takes_the_room_of_single_runs(tmp_path):
    table = comparison(*(row(f"model-{number}", 0.5) for number in range(2600)))
    found = read(*several(tmp_path, count=8, values=100), comparisons=[table])
    assert "model-2599" in found.text
    assert "runs were left out to keep this file small" in found.text


def several(folder: Path, count: int = 20, values: int = 60) -> list:
    """Runs with many values, a swap grid each, and 100 epochs."""
    runs = []
    for number in range(count):
        place = folder / f"run-{number}"
        place.mkdir()
        reference = {f"value/{n}": document()["reference"]["content"] for n in range(values)}
        full = document(values=dict.fromkeys(reference, 0.5), reference={}) | {"reference": reference}
        documents = {"probe": full, "swap-grid": picture(place, seed=number, size=(700, 500))}
        settings = {"model": f"model-{number % 10}", "seed": number // 10, "epochs": 100}
        runs.append(run(place, count=100, settings=settings, documents=documents))
    return runs


def test_many_runs_fit_as_well(tmp_path):
    found = read(*several(tmp_path))
    assert "20 runs of 10 models on digits" in found.text
    assert len(found.all("summary")) >= 20
    assert found.all("img")


def test_very_many_runs_name_those_without_a_table(tmp_path):
    made = several(tmp_path, count=2, values=4) * 300
    found = read(*made)
    assert "runs were left out to keep this file small" in found.text
    assert "disent report RUN" in found.text


def test_the_comparison_comes_first(tmp_path):
    table = comparison(row("gmvae", 0.9, 0.6, 0.95, best=True), row("vae", 0.5))
    found = read(run(tmp_path / "a"), run(tmp_path / "b"), comparisons=[table])
    assert found.text.index("0.900 ★") < found.text.index("On digits seeds scatter")
    assert [link["href"] for link in found.all("a")] == ["#content", "#comparison", "#quality", "#curves", "#runs"]


def test_the_serious_findings_of_single_runs_stand_before_the_warnings_of_all(tmp_path):
    scattered = comparison(row("a", 0.8, 0.65, 0.95))
    html = report([run(tmp_path / "a"), run(tmp_path / "b", epochs=epochs(1), settings={"epochs": 9})], [scattered])
    assert html.index("The training is not finished") < html.index("On digits seeds scatter")


def test_grids_of_one_seed_stand_side_by_side(tmp_path):
    runs = []
    for number, seed in enumerate((1, 0, 1, 0)):
        place = tmp_path / f"r{number}"
        place.mkdir()
        grid = picture(place) | {"settings": {"seed": seed}}
        runs.append(run(place, settings={"seed": seed}, documents={"swap-grid": grid}))
    found = read(*runs)
    assert "only grids of the same data set and seed" in found.text
    captions = [found.text.index(f"(r{number})") for number in (1, 3, 0, 2)]
    assert captions == sorted(captions)
    other = tmp_path / "elsewhere" / "r0"  # a folder of the same name
    other.mkdir(parents=True)
    grids = [runs[0], run(other, settings={"model": "vae"}, documents={"swap-grid": picture(other)})]
    twins = read(*grids).text
    assert "gmvae on digits, seed 1 (r0)" in twins
    assert "vae on digits, seed 0 (r0)" in twins
    same = read(*(one for one in runs if one.seed == 0))
    assert "All grids are of the same test images." in same.text


def test_a_real_run(trained):
    found = read(read_run(trained))
    assert "probe content/mean/strong" in found.text
    assert len(found.all("img")) >= 3
    assert "cannot be read" not in found.text
    assert "is not in the run's folder" not in found.text


def test_the_same_run_gives_the_same_page(tmp_path):
    assert report([run(tmp_path)]) == report([run(tmp_path)])
