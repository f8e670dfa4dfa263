"""Files of pictures and arrays as images for a model."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from disent_plugins.contracts import ImageSpec
from disent_plugins.errors import UsageError
from disent_plugins.measuring.pictures import read_images

GREY, COLOUR = ImageSpec(1, 8, 6), ImageSpec(3, 8, 6)
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 8, 6, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """``cats/0.png``, ``cats/1.png``, ``dogs/deep/2.png``, ``dogs/3.bmp`` and a file of text."""
    places = ["cats/0.png", "cats/1.png", "dogs/3.bmp", "dogs/deep/2.png"]
    for place, pixels in zip(places, PIXELS, strict=True):
        (tmp_path / "animals" / place).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "animals" / place)
    (tmp_path / "animals" / "cats" / "notes.txt").write_text("no picture")
    (tmp_path / "animals" / "cats" / ".0.png").write_text("no picture")
    return tmp_path / "animals"


def test_folders_of_classes_give_labels(folder):
    found = read_images([folder], COLOUR)
    np.testing.assert_array_equal(found.images, PIXELS)
    np.testing.assert_array_equal(found.labels, [0, 0, 1, 1])
    assert (found.classes, found.left_out) == (("cats", "dogs"), 2)
    assert [name[len(str(folder)) + 1 :] for name in found.names] == [
        "cats/0.png", "cats/1.png", "dogs/3.bmp", "dogs/deep/2.png"
    ]  # fmt: skip


def test_files_and_a_folder_without_classes_have_no_labels(folder):
    done = []
    found = read_images([folder / "cats"], COLOUR, report=lambda *now: done.append(now))
    assert (found.labels, found.classes, len(found.images)) == (None, (), 2)
    assert done[-1] == (2, 2, "reading pictures")
    assert read_images([folder / "dogs" / "3.bmp"], COLOUR).labels is None


def test_colour_becomes_grey_and_grey_colour_as_pillow_does_it(folder, tmp_path):
    grey = read_images([folder / "cats"], GREY).images
    np.testing.assert_array_equal(grey[0, :, :, 0], np.asarray(Image.fromarray(PIXELS[0]).convert("L")))
    Image.fromarray(PIXELS[0, :, :, 0]).save(tmp_path / "grey.png")
    found = read_images([tmp_path / "grey.png"], COLOUR).images
    np.testing.assert_array_equal(found[0], np.repeat(PIXELS[0, :, :, :1], 3, axis=2))


def test_a_picture_is_turned_as_its_camera_says(tmp_path):
    turned = Image.fromarray(np.rot90(PIXELS[0]))
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter clockwise
    turned.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_images([tmp_path / "a.png"], COLOUR).images[0], PIXELS[0])


def test_another_size_is_refused_scaled_or_padded(folder):
    large = ImageSpec(3, 11, 6)
    with pytest.raises(UsageError) as caught:
        read_images([folder], large, made="8x6 padded")
    what, why, hint = str(caught.value).splitlines()
    assert what.endswith("cats/0.png has 8x6 pixels (height x width), and the model takes 11x6.")
    assert why == "The images that it was trained on were made so: 8x6 padded."
    assert "--resize" in hint
    assert "--pad" in hint
    padded = read_images([folder], large, fit="pad").images
    np.testing.assert_array_equal(padded[:, 1:9], PIXELS)
    assert not padded[:, [0, 9, 10]].any()
    scaled = read_images([folder], large, fit="resize").images
    np.testing.assert_array_equal(scaled[0], np.asarray(Image.fromarray(PIXELS[0]).resize((6, 11), Image.LANCZOS)))
    with pytest.raises(UsageError, match="has 8x6 pixels"):
        read_images([folder], ImageSpec(3, 6, 6), fit="pad")


def write(path, kind):
    if kind == "damaged":
        path.write_bytes(b"\x89PNG\r\n\x1a\n no")
    elif kind == "cut off":
        Image.fromarray(np.zeros((64, 64, 3), np.uint8) + np.arange(64, dtype=np.uint8)[:, None]).save(path)
        path.write_bytes(path.read_bytes()[:90])
    elif kind == "16 bits":
        Image.fromarray(np.full((8, 6), 40_000, np.uint16)).save(path)
    elif kind == "a pipe":
        os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("damaged", "cannot be read as a picture.\nUnidentifiedImageError"),
        ("cut off", "cannot be read as a picture.\n"),
        ("16 bits", "has more than 8 bits a channel.\nIts mode is I"),
        ("a pipe", "cannot be read as a picture.\nOSError: .*a named pipe"),
    ],
)
def test_a_picture_that_cannot_be_used_is_named(tmp_path, kind, words):
    with pytest.raises(UsageError, match=rf"a\.png {words}"):
        read_images([write(tmp_path / "a.png", kind)], COLOUR)


def test_a_picture_beside_folders_of_classes_is_refused(folder):
    Image.fromarray(PIXELS[0]).save(folder / "loose.png")
    with pytest.raises(UsageError, match=r"loose\.png lies in no folder of a class.\nOthers do: cats, dogs"):
        read_images([folder], COLOUR)


def test_places_without_pictures_are_told(tmp_path):
    with pytest.raises(UsageError, match=r"There is no .*nothing"):
        read_images([tmp_path / "nothing"], COLOUR)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UsageError, match=r"There is no picture in .*\nFiles there: 1"):
        read_images([tmp_path], COLOUR)


def test_pictures_have_one_channel_or_three(folder):
    with pytest.raises(UsageError, match="The model takes 2 channels"):
        read_images([folder], ImageSpec(2, 8, 6))


def test_an_array_is_taken_as_it_is(tmp_path):
    np.save(tmp_path / "a.npy", PIXELS)
    np.savez(tmp_path / "a.npz", images=PIXELS / 255.0, labels=np.arange(4) % 2)
    np.testing.assert_array_equal(read_images([tmp_path / "a.npy"], COLOUR).images, PIXELS)
    found = read_images([tmp_path / "a.npz"], COLOUR)
    np.testing.assert_allclose(found.images, PIXELS / 255.0, atol=1e-6)
    np.testing.assert_array_equal(found.labels, [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"pictures": PIXELS}, "has no array 'images'.\nIt holds: pictures"),
        ({}, "has no array 'images'.\nIt holds: nothing"),
        ({"images": PIXELS, "labels": np.arange(3)}, "has 4 images and other labels"),
        ({"images": PIXELS * 1.0}, r"a\.npz has images in 0\.\.255"),
        ({"images": PIXELS[:, 1:]}, r"a\.npz has images of shape \(7, 6, 3\)"),
        ({"images": np.array([{}])}, "cannot be read.\nValueError"),
    ],
)
def test_an_array_that_cannot_be_used_is_told(tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UsageError, match=words):
        read_images([tmp_path / "a.npz"], COLOUR)


def test_a_damaged_array_several_and_one_to_fit_are_told(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(UsageError, match=r"a\.npy cannot be read"):
        read_images([tmp_path / "a.npy"], COLOUR)
    with pytest.raises(UsageError, match=r"There is no file .*b\.npy"):
        read_images([tmp_path / "b.npy"], COLOUR)
    with pytest.raises(UsageError, match="was given among others"):
        read_images([tmp_path / "a.npy", tmp_path], COLOUR)
    with pytest.raises(UsageError, match="--pad goes with files of pictures"):
        read_images([tmp_path / "a.npy"], COLOUR, fit="pad")
