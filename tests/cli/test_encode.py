"""``disent encode``: your own pictures with a trained model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(trained) -> Path:
    """Sixty grey pictures of 32x32, of two classes."""
    generator = np.random.default_rng(0)
    for number in range(60):
        place = Path("mine") / "ab"[number % 2] / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 100, (32, 32), dtype=np.uint8) + np.uint8(100 * (number % 2))
        Image.fromarray(pixels).save(place)
    return Path("mine")


def test_folders_of_classes_become_codes_that_are_measured(folder, disent):
    found = disent("encode", "tiny", folder, "--out", "mine.npz")
    assert found.code == 0, found.err
    assert found.out.startswith("mine.npz: content [60, ")
    assert "next: disent metrics all --codes mine.npz" in found.err
    with np.load("mine.npz") as arrays:
        assert arrays["content"].shape[0] == 60
        np.testing.assert_array_equal(arrays["labels"], np.arange(60) // 30)
        assert arrays["classes"].tolist() == ["a", "b"]
        assert arrays["files"][0] == "mine/a/0.png"
    measured = disent("metrics", "dependence", "--codes", "mine.npz", "--set", "permutations=5", "--json")
    assert measured.code == 0, measured.err


def test_an_exported_model_gives_the_same_codes_for_an_array(folder, disent):
    assert disent("runs", "export", "tiny").code == 0
    files = sorted(folder.rglob("*.png"))
    np.savez("mine.npz", images=np.stack([np.asarray(Image.open(file)) for file in files]))
    assert disent("encode", "tiny", folder, "--out", "a.npz").code == 0
    found = disent("encode", "exports/tiny", "mine.npz", "--out", "b.npz", "--json")
    assert found.code == 0, found.err
    assert set(found.json["arrays"]) == {"content", "style", "content_logvar", "style_logvar"}
    with np.load("a.npz") as one, np.load("b.npz") as other:
        np.testing.assert_array_equal(one["content"], other["content"])
    assert "There are no labels" in disent("encode", "exports/tiny", "mine.npz", "--out", "b.npz").err


def test_codes_in_one_piece_are_written_as_such(tmp_path):
    from disent_plugins.measuring.codes_out import write_npz
    from disent_plugins.measuring.pictures import Found
    from disent_plugins.metrics.codes.file import read_codes

    codes = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    found = Found(np.zeros((40, 2, 2, 1), np.uint8), labels=np.arange(40) % 2)
    write_npz(tmp_path / "a.npz", {"content": codes, "style": codes[:, :0]}, found)
    np.testing.assert_array_equal(read_codes(tmp_path / "a.npz").content, codes)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("tiny nothing", "There is no nothing."),
        ("nothing mine", "nothing is not a run."),
        ("tiny small.png", "small.png has 28x28 pixels (height x width), and the model takes 32x32."),
        ("tiny small.npy", "small.npy has images of shape (28, 28), and the model takes 32x32 pixels of 1 channel."),
        ("tiny bright.npy", "bright.npy has images in 0..255."),
        ("tiny mine --out codes.h5", "--out codes.h5 is no .npz file."),
        ("tiny mine --resize --pad", "--resize and --pad were both given."),
        ("tiny mine --checkpoint first", "There is no checkpoint 'first'."),
        ("tiny mine --device cuda:99", "The device 'cuda:99'"),
        ("tiny small.npy --pad", "--pad goes with files of pictures."),
        ("tiny mine --out /dev/null/codes.npz", "Cannot write /dev/null/codes.npz."),
    ],
)
def test_a_wrong_request_is_refused(folder, disent, arguments, text):
    Image.fromarray(np.zeros((28, 28), np.uint8)).save("small.png")
    np.save("small.npy", np.zeros((2, 28, 28), np.uint8))
    np.save("bright.npy", np.linspace(0, 255, 1024).reshape(1, 32, 32))
    found = disent("encode", *arguments.split())
    assert (found.code, found.out) == (2, "")
    assert f"error: {text}" in found.err
    assert not list(Path().glob("codes.*"))


def test_a_small_picture_is_padded_or_scaled(trained, disent):
    Image.fromarray(np.full((28, 28, 3), 200, np.uint8)).save("small.png")
    codes = []
    for flag in ("--pad", "--resize"):
        assert disent("encode", "tiny", "small.png", flag).code == 0
        with np.load("codes.npz") as arrays:
            codes.append(arrays["content"])
    assert not np.array_equal(*codes)
