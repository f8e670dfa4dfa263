"""Scenes and their painters are what they say, and metrics of decoders are held to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from helpers import oracle_files as scores

from disent_plugins.about import Expect
from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.cycle import Cycle
from disent_plugins.metrics.content_style.exact_swap import ExactSwap
from disent_plugins.metrics.content_style.swap import Swap
from disent_plugins.metrics.oracles.cases import CASES
from disent_plugins.metrics.oracles.check import check_metric_on_oracles
from disent_plugins.metrics.oracles.scenes import PAINTERS, SHAPES, VALUES, draw_scenes, mean_scene, paint, see
from disent_plugins.metrics.quality.kl import Information
from disent_plugins.metrics.quality.reconstruction import Reconstruction

ALL = np.stack(np.unravel_index(np.arange(960), VALUES), axis=1)
MODEL = ("codes", "decoder", "encoder", "images")


def held(metric, *expects, needs=MODEL, **how):
    return check_metric_on_oracles(metric, expects, needs, **how)


def decibels(images, others):
    return float((-10 * np.log10(np.square(images - others.astype(np.float64)).mean(axis=(1, 2, 3)))).mean())


def random_pairs(n):
    """Factors [M, 4] of scenes that differ in shape and in pose, twice."""
    i, j = np.random.default_rng(0).integers(960, size=(2, n))
    apart = (ALL[i, 0] != ALL[j, 0]) & (ALL[i, 1:] != ALL[j, 1:]).any(axis=1)
    return ALL[i[apart]], ALL[j[apart]]


# Scenes


def test_every_scene_is_another_and_can_be_read():
    images = paint(ALL)
    assert images.shape == (960, 16, 16, 1)
    assert images.dtype == np.float32
    assert images.min() == 0
    assert images.max() == pytest.approx(0.9)
    assert len(np.unique(images.reshape(960, -1), axis=0)) == 960
    np.testing.assert_array_equal(see(images), ALL)
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, images.shape)
    np.testing.assert_array_equal(see(images + noise)[:, :3], ALL[:, :3])


def test_a_scene_is_its_shape_in_its_place():
    image = paint(np.array([[4, 1, 3, 0]]))[0, :, :, 0]
    bright = np.argwhere(image > 0)
    assert bright.min(axis=0).tolist() == [2, 6]
    assert bright.max(axis=0).tolist() == [11, 15]
    np.testing.assert_array_equal(image[2:12:2, 6:16:2] > 0, SHAPES[4])
    assert np.unique(image[image > 0]) == pytest.approx(0.4)


def test_shapes_fill_their_box():
    """Otherwise one shape in one place could be another in another."""
    assert SHAPES.any(axis=1).any(axis=0).all()
    for edge in (SHAPES[:, 0], SHAPES[:, -1], SHAPES[:, :, 0], SHAPES[:, :, -1]):
        assert edge.any(axis=1).all()


def test_no_scene_comes_twice_before_all_have_come():
    drawn = draw_scenes(1000, np.random.default_rng(0))
    assert len(np.unique(drawn[:960], axis=0)) == 960
    np.testing.assert_array_equal(drawn[960:], drawn[:40])


# Painters


@pytest.mark.parametrize("painter", PAINTERS, ids=lambda one: one.name)
def test_the_encoder_gives_the_codes_of_an_image(painter):
    oracle = CASES[painter.name].oracle(3, 200)
    codes, model = oracle.codes, oracle.model
    content, style = model.encode(model.images(np.arange(200)))
    np.testing.assert_array_equal(content, codes.content)
    np.testing.assert_array_equal(style, codes.style)
    assert np.allclose(np.exp(codes.content_logvar), painter.deviation**2)
    again = model.decode(content, style)
    assert again.dtype == np.float32
    wanted = {"bright-painter": paint(codes.factors) + np.float32(0.1), "collapsed": [mean_scene()] * 200}
    np.testing.assert_array_equal(again, wanted.get(painter.name, paint(codes.factors)))
    assert again.max() <= 1


@pytest.mark.parametrize(
    ("name", "shape", "pose"), [("painter", 0, 1), ("style-painter", 1, 1), ("content-painter", 0, 0)]
)
def test_whose_shape_and_pose_a_swap_shows(name, shape, pose):
    oracle = CASES[name].oracle(0)
    codes, donors = oracle.codes, np.stack([np.arange(960), np.roll(np.arange(960), 7)])
    swapped = see(oracle.model.decode(codes.content[donors[0]], codes.style[donors[1]]))
    np.testing.assert_array_equal(swapped[:, 0], codes.factors[donors[shape], 0])
    np.testing.assert_array_equal(swapped[:, 1:], codes.factors[donors[pose], 1:])


def test_only_cases_with_a_painter_have_a_model():
    for name, case in CASES.items():
        model = case.oracle(0, 30).model
        there = [part is not None for part in (model.decode, model.encode, model.images)]
        assert there == [name in {one.name for one in PAINTERS}] * 3


# What is expected of our metrics


def test_the_decibels_that_are_expected_of_exact_swaps():
    i, j = random_pairs(20_000)
    target = paint(np.column_stack([i[:, 0], j[:, 1:]]))
    assert decibels(target, paint(j)) == pytest.approx(11.6, abs=0.1)
    assert decibels(target, paint(i)) == pytest.approx(9.8, abs=0.1)
    assert decibels(paint(ALL), mean_scene()) == pytest.approx(12.2, abs=0.05)


@pytest.mark.parametrize("metric", [ExactSwap, Cycle, Reconstruction, Information])
def test_metrics_hold_on_their_oracles(metric):
    findings = held(metric, *metric.about.expects, needs=("codes",), seed=7)
    assert [one for one in findings if not one.ok] == []
    assert {one.case for one in findings} >= {"painter", "collapsed"}


def test_swap_holds_where_the_shape_comes_from_the_style():
    some = [one for one in Swap.about.expects if one.case == "style-painter"]
    assert len(some) == 2
    assert all(one.ok for one in held(Swap, *some, seed=7))


# Metrics of anybody


@dataclass(frozen=True)
class NoOptions:
    pass


class Redrawn:
    """Right: how much of what varies the reconstructions show."""

    Config = NoOptions

    def __init__(self, config: NoOptions) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        codes, rows = subject.codes, subject.codes.rows("test")
        images = subject.images(rows)
        error = np.square(images - self.answer(subject, codes.content[rows], codes.style[rows])).sum()
        varies = np.square(images - images.mean(axis=0)).sum()
        return Result("redrawn", {"share": Value(float(1 - error / varies), "", 0.0, 1.0, better="up")}, {})

    def answer(self, subject: Subject, content: np.ndarray, style: np.ndarray) -> np.ndarray:
        return subject.decode(content, style)


class FirstCodeFirst(Redrawn):
    """Broken: it leaves out the style code that stands first."""

    def answer(self, subject, content, style):
        return subject.decode(content, style * (np.arange(style.shape[1]) > 0))


class RealImages(Redrawn):
    """Broken: it compares the images with themselves, whatever the decoder."""

    def answer(self, subject, content, style):
        return subject.images(subject.codes.rows("test"))


class TwiceEncoded(Redrawn):
    """Right, by way of the encoder."""

    def answer(self, subject, content, style):
        return subject.decode(*subject.encode(subject.decode(content, style)))


class Silent(scores.Gap):
    """A picture, say."""

    def measure(self, subject: Subject) -> Result:
        return Result("silent", {}, {})


@pytest.mark.parametrize(
    ("metric", "found"),
    [
        (Redrawn, set()),
        (TwiceEncoded, set()),
        (RealImages, {"collapsed"}),
        (FirstCodeFirst, {"painter", "painter, reordered"}),
    ],
)
def test_what_holds_for_any_metric_of_a_decoder(metric, found):
    findings = held(metric)
    assert {one.case for one in findings} == {"painter", "collapsed", "painter, again", "painter, reordered"}
    assert {one.case for one in findings if not one.ok} == found


def test_a_metric_of_a_decoder_does_not_pass_on_codes_alone():
    """Even if it takes no notice of what is missing."""
    kind = Expect("identity", "gap", 0.0, 1.0, "x")
    (finding,) = held(scores.Gap, kind, needs=("codes", "decoder", "images"), rows=60)
    assert (finding.ok, finding.found) == (False, None)
    assert finding.error == "LookupError: oracle 'identity' has no decoder and no images"
    (finding,) = held(scores.Gap, kind, needs=("codes",), rows=60)
    assert finding.ok
    (finding,) = held(Redrawn, Expect("painter", "share", 1.0, 1.0, "exact"), rows=60)
    assert finding.ok


def test_a_metric_without_values_and_expectations_cannot_be_checked():
    with pytest.raises(UsageError, match="cannot be checked on oracles"):
        held(Silent, rows=60)
