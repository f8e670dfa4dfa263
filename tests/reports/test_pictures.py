"""Pictures in the page: found below the run, made small, left out where they do not fit."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from helpers.report_files import document, run
from PIL import Image

from disent_plugins.reports import pictures
from disent_plugins.reports.pictures import WIDTHS, embed, pictures_of


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "runs" / "a"
    (folder / "figures").mkdir(parents=True)
    return folder


def draw(path, width=40, height=20, seed=None):
    noise = np.random.default_rng(seed).integers(256, size=(height, width, 3), dtype=np.uint8)
    Image.fromarray(noise if seed is not None else noise * 0).save(path)
    return path


def found(place, *names):
    return pictures_of(run(place, documents={f"m{n}": document(artifacts={"a": path}) for n, path in enumerate(names)}))


def test_a_path_is_looked_for_by_its_end(place):
    draw(place / "figures" / "swap.png")
    for name in ("figures/swap.png", "runs/a/figures/swap.png", "/else/where/figures/swap.png"):
        (picture,), missing = found(place, name)
        assert picture.file == place / "figures" / "swap.png"
        assert missing == []


@pytest.mark.parametrize("name", ["../b.png", "figures/../../b.png", "/b.png", "link.png", "absent.png", "a\0.png",
                                  "x" * 5000 + ".png", "figures/.png"])  # fmt: skip
def test_nothing_outside_the_folder_is_shown(place, name):
    draw(place.parent / "b.png")
    (place / "link.png").symlink_to(place.parent / "b.png")
    shown, missing = found(place, name)
    assert shown == []
    assert len(missing) == 1


def test_arrays_and_what_is_no_path_are_no_pictures(place):
    documents = {"a": document(artifacts={"x": "figures/a.npz", "y": 5, "z": None}), "b": document(artifacts=None)}
    assert pictures_of(run(place, documents=documents)) == ([], [])


def test_a_picture_is_embedded_and_no_larger_than_needed(place):
    draw(place / "wide.png", 2400, 100)
    draw(place / "small.png", 30, 10)
    made, left_out = embed(found(place, "wide.png", "small.png")[0], 10**6)
    assert [(one.width, one.height) for one in made] == [(1200, 50), (30, 10)]
    assert left_out == []
    prefix = "data:image/webp;base64,"
    assert made[0].uri.startswith(prefix)
    with Image.open(io.BytesIO(base64.b64decode(made[0].uri.removeprefix(prefix)))) as image:
        assert (image.format, image.size) == ("WEBP", (1200, 50))


def test_all_are_reduced_to_the_width_at_which_they_fit(place):
    draw(place / "noise.png", 1200, 400, seed=0)
    chosen = found(place, "noise.png")[0]
    sizes = {width: len(pictures._embedded(chosen[0], width).uri) for width in WIDTHS}
    assert sorted(sizes.values(), reverse=True) == list(sizes.values())
    for width, size in sizes.items():
        (one,), left_out = embed(chosen, size)
        assert (one.width, len(one.uri), left_out) == (width, size, [])


def test_what_does_not_fit_is_left_out_the_largest_first(place):
    draw(place / "large.png", 400, 300, seed=0)
    draw(place / "small.png", 60, 60, seed=0)
    chosen = found(place, "large.png", "small.png")[0]
    size = len(embed(chosen[1:], 10**6)[0][0].uri)
    made, left_out = embed(chosen, size)
    assert [one.picture.file.name for one in made] == ["small.png"]
    assert left_out == ["m0: a of gmvae on digits, seed 0 (a) was left out to keep this file small: see large.png."]
    made, left_out = embed(chosen, -1)
    assert (made, len(left_out)) == ([], 2)


def test_what_is_no_picture_is_told(place):
    (place / "text.png").write_text("<svg onload='alert(1)'>")
    cut = draw(place / "cut.png", 200, 200, seed=0)
    cut.write_bytes(cut.read_bytes()[:2000])
    Image.new("RGB", (10, 10)).save(place / "jpeg.png", format="JPEG")
    draw(place / "good.png")
    made, left_out = embed(found(place, "text.png", "cut.png", "jpeg.png", "good.png")[0], 10**6)
    assert [one.picture.file.name for one in made] == ["good.png"]
    assert sorted(words.split(":")[0] for words in left_out) == ["m0", "m1", "m2"]
    assert all("cannot be read" in words for words in left_out)


def test_a_picture_of_very_many_pixels_is_not_read(place, monkeypatch):
    draw(place / "large.png", 40, 30)
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1199)
    assert embed(found(place, "large.png")[0], 10**6)[0] == []
