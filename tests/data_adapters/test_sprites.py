"""The rendered sprites: every factor does what it says, and nothing else."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest

from disent_plugins.data_adapters.sprites import BACKGROUNDS, CENTRES, HUES, RADII, SHAPES, Sprites, masks, render

NAMES = ("shape", "hue", "x", "y", "scale", "orientation", "background")
SIZES = (5, 6, 4, 4, 3, 4, 3)


@pytest.fixture(scope="module")
def table():
    return Sprites().read(None)


@pytest.fixture(scope="module")
def hearts() -> np.ndarray:
    """The first of the thirty slabs, the red hearts, as [x, y, scale, orientation, background, 64, 64, 3]."""
    return next(render()).reshape(*SIZES[2:], 64, 64, 3)


@pytest.fixture(scope="module")
def coverage() -> np.ndarray:
    """[shape, x, y, scale, orientation, 64, 64] in 0..64."""
    return np.stack([masks(inside) for inside in SHAPES]).reshape(5, 4, 4, 3, 4, 64, 64)


def test_the_table_is_the_full_grid_in_the_order_of_the_factors(table):
    assert tuple(factor.name for factor in Sprites.info.factors) == NAMES
    assert tuple(factor.size for factor in Sprites.info.factors) == SIZES
    assert table.factors.tolist() == [list(row) for row in itertools.product(*map(range, SIZES))]
    assert table.factors.dtype == np.int64


def test_every_content_is_split_alike_and_as_published(table):
    content = table.factors[:, 0] * 6 + table.factors[:, 1]
    for part, each in ((0, 403), (1, 58), (2, 115)):
        assert np.bincount(content[table.split == part]).tolist() == [each] * 30
    assert hashlib.sha256(table.split.tobytes()).hexdigest()[:16] == "6d7a8b93f9e19f37"


def test_the_images_are_the_published_ones():
    digest, count = hashlib.sha256(), 0
    for slab in Sprites().read(None).slabs:
        assert (slab.shape, slab.dtype) == ((576, 64, 64, 3), np.uint8)
        digest.update(slab)
        count += len(slab)
    assert count == 17_280
    assert digest.hexdigest()[:16] == "71a23d20e16b97f2"


def test_no_two_images_are_the_same(hearts, coverage):
    """All images of one content; all outlines of all shapes. The hues and the backgrounds differ."""
    assert len({image.tobytes() for image in hearts.reshape(-1, 64 * 64 * 3)}) == 576
    assert len({mask.tobytes() for mask in coverage.reshape(-1, 64 * 64)}) == 960


def test_shapes_differ_clearly_in_every_orientation(coverage):
    """Of the smallest sprites at one place, any two differ in the area of at least a quarter of the smaller one."""
    small = coverage[:, 1, 1, 0].reshape(20, -1).astype(np.int64)
    for one, other in itertools.combinations(small, 2):
        assert np.abs(one - other).sum() > min(one.sum(), other.sum()) / 4


def test_a_sprite_is_whole_and_where_the_factors_say(coverage):
    assert not coverage[..., [0, -1], :].any()
    assert not coverage[..., [0, -1]].any()
    for x, y in itertools.product(range(4), range(4)):
        moved = np.roll(coverage[:, 0, 0], (CENTRES[y] - CENTRES[0], CENTRES[x] - CENTRES[0]), axis=(-2, -1))
        np.testing.assert_array_equal(coverage[:, x, y], moved)


def test_the_area_grows_with_the_square_of_the_radius_and_not_by_turning(coverage):
    area = coverage[:, 0, 0].sum(axis=(-2, -1)) / 64
    assert (area == area[..., :1]).all()
    np.testing.assert_allclose(area[:, 0, 0] / area[:, 2, 0], (RADII[0] / RADII[2]) ** 2, rtol=0.03)


def test_an_arrow_points_up_then_left_then_down_then_right(coverage):
    """Its head is the wide half: most of the covered area lies on the side to which it points."""
    arrows = coverage[1, 0, 0, 2]
    rows, columns = np.indices((64, 64)) + 0.5 - CENTRES[0]
    ahead = [-rows, -columns, rows, columns]
    assert all((arrow * side).sum() > 0 for arrow, side in zip(arrows, ahead, strict=True))


def test_edges_are_smooth_and_colours_are_pure(hearts, coverage):
    assert len(np.unique(coverage)) > 30  # many shades between outside (0) and inside (64)
    background, full = coverage[0, 0, 0, 2, 0] == 0, coverage[0, 0, 0, 2, 0] == 64
    for value, colour in enumerate(BACKGROUNDS):
        image = hearts[0, 0, 2, 0, value]
        assert (image[background] == colour).all()
        assert (image[full] == HUES[0]).all()


def test_no_background_hides_a_sprite():
    def luminance(colour) -> float:
        """Relative, of sRGB 0..255 (WCAG 2)."""
        c = np.array(colour) / 255
        return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722))

    for hue, background in itertools.product(HUES, BACKGROUNDS):
        assert (luminance(hue) + 0.05) / (luminance(background) + 0.05) > 1.9
        assert np.linalg.norm(np.subtract(hue, background)) > 100
    for one, other in itertools.combinations(HUES, 2):
        assert np.linalg.norm(np.subtract(one, other)) > 80
