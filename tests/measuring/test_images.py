"""Anybody's images at the door: what fits is laid out, everything else is one clear error."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
import torch
from PIL import Image

from disent_plugins.contracts import ImageSpec
from disent_plugins.errors import UsageError
from disent_plugins.measuring.images import checked_images, scaled

GREY, COLOUR = ImageSpec(1, 4, 6), ImageSpec(3, 4, 6)
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("image", "given"),
    [
        (COLOUR, PIXELS),
        (COLOUR, np.moveaxis(PIXELS, -1, 1)),
        (COLOUR, torch.from_numpy(PIXELS).permute(0, 3, 1, 2)),
        (COLOUR, [Image.fromarray(one) for one in PIXELS]),
        (COLOUR, list(PIXELS)),
        (GREY, PIXELS[..., 0]),
        (GREY, PIXELS[..., :1]),
        (GREY, PIXELS[:, None, :, :, 0]),
    ],
)
def test_every_layout_that_is_unambiguous_is_taken(image, given):
    found = checked_images(given, image)
    np.testing.assert_array_equal(found, PIXELS[..., : image.channels])
    assert found.dtype == np.uint8


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, torch.bfloat16])
def test_floats_become_32_bit_floats_in_0_to_1(kind):
    pixels = PIXELS / 255.0
    given = torch.tensor(pixels).to(kind) if kind is torch.bfloat16 else pixels.astype(kind)
    found = checked_images(given, COLOUR)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, pixels, atol=4e-3)


def test_bytes_are_scaled_as_in_training():
    np.testing.assert_array_equal(scaled(PIXELS), (torch.from_numpy(PIXELS).float() / 255).numpy())


def test_what_rounding_added_is_taken_away():
    found = checked_images(np.full((1, 4, 6), 1 + 2e-7), GREY)
    assert found.max() == 1


def test_a_square_image_of_as_many_channels_is_taken_as_channels_last():
    given = np.random.default_rng(0).random((2, 3, 3, 3), np.float32)
    np.testing.assert_array_equal(checked_images(given, ImageSpec(3, 3, 3)), given)


SIZES = [
    (GREY, np.zeros((5, 2, 4)), "numpy.pad(images, ((0, 0), (1, 1), (1, 1)))"),
    (GREY, np.zeros((5, 2, 4, 1)), "numpy.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))"),
    (COLOUR, np.zeros((5, 3, 2, 6)), "numpy.pad(images, ((0, 0), (0, 0), (1, 1), (0, 0)))"),
    (GREY, np.zeros((5, 3, 6)), "Resize them first to 4x6"),
    (GREY, np.zeros((5, 8, 8)), "Resize them first to 4x6"),
    (GREY, PIXELS, "They have 3 channels"),
    (COLOUR, PIXELS[..., 0], "They have 1 channels"),
]


@pytest.mark.parametrize(("image", "given", "hint"), SIZES)
def test_another_size_is_told_with_what_the_model_takes_and_how_to_get_it(image, given, hint):
    with pytest.raises(UsageError) as caught:
        checked_images(given, image, made="2x4 padded with zeros")
    what, why, how = str(caught.value).splitlines()
    assert what.startswith(f"The call has images of shape {given.shape[1:]}, and the model takes 4x6 pixels of")
    assert why == "The images that it was trained on were made so: 2x4 padded with zeros."
    assert hint in how


@pytest.mark.parametrize(("image", "given", "hint"), SIZES[:3])
def test_the_padding_that_is_told_fits(image, given, hint):
    with pytest.raises(UsageError) as caught:
        checked_images(given, image)
    scope = {"numpy": np, "images": given}
    exec(str(caught.value).rpartition(": ")[2], scope)
    assert len(checked_images(scope["images"], image)) == 5


FLOATS = np.full((2, 4, 6), 0.5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (FLOATS * 510, r"images in 255\.\.255.*\nFloats have to lie in 0\.\.1\.\nDivide them"),
        (FLOATS * 32, r"images in 16\.\.16"),
        (FLOATS * 2.002, r"images in 1\.001\.\.1\.001"),
        (FLOATS - 1, r"images in -0\.5\.\.-0\.5.*\n.*\n.*\(images \+ 1\) / 2"),
        (FLOATS * np.nan, "images with NaN or infinity"),
        (FLOATS * np.inf, "images with NaN or infinity"),
        ((FLOATS * 400).astype(int), r"images of type int64.*\n.*\nIf they lie in 0\.\.255: images\.astype\('uint8'\)"),
        ((FLOATS * 4000).astype(int), r"images of type int64"),
        (FLOATS > 0, "images of type bool"),
        ((FLOATS > 0).astype(np.uint8), r"whose largest value is 1\.\n.*black.*\n.*astype\('float32'\)"),
        (FLOATS * 1j, "images of type complex128"),
        (FLOATS.astype(str), "images of type <U"),
        (np.array([None]), "images of type object"),
        (FLOATS[0], r"images of shape \(4, 6\).*\n.*\nA single image is given as images\[None\]"),
        (FLOATS[:0], r"images of shape \(0, 4, 6\)"),
        (FLOATS[None, None], r"images of shape \(1, 1, 2, 4, 6\)"),
        ([[1.0], [1.0, 2.0]], r"'images' that cannot be read.*\n.*\nIt takes images \[N, H, W, C\]"),
        (pandas.DataFrame({"a": [1]}), r"images of shape \(1, 1\)"),
        (np.ma.masked_array(FLOATS), "a masked array in 'images'"),
        (None, "images of type object"),
    ],
)
def test_what_is_no_image_in_range_is_refused_and_not_guessed(given, words):
    with pytest.raises(UsageError, match=words):
        checked_images(given, GREY)


def test_dark_pictures_are_pictures():
    assert checked_images(np.zeros((2, 4, 6), np.uint8), GREY).max() == 0
    assert checked_images(np.full((2, 4, 6), 2, np.uint8), GREY).max() == 2
