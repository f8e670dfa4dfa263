"""Content made of one factor or of several, and what models say of groups of images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.metric_files import codes, subject

from disent_plugins.content import content_columns, content_labels
from disent_plugins.contracts import ImageSpec, TrainingData, Value
from disent_plugins.errors import UsageError
from disent_plugins.measuring.encode import fusion
from disent_plugins.measuring.measure import measure
from disent_plugins.metrics.codes.file import make_codes
from disent_plugins.models.gmvae import GMVAE
from disent_plugins.models.mlvae import MLVAE
from disent_plugins.registry.host import from_environment

NAMES = ("angle", "shape", "hue")
FACTORS = np.array([[0, 1, 2], [1, 1, 2], [0, 0, 2], [0, 1, 0]])


def test_one_factor_is_taken_as_it_is():
    assert content_labels(FACTORS, NAMES, "shape").tolist() == [1, 1, 0, 1]


def test_several_factors_count_as_one():
    assert content_columns(NAMES, "shape+hue") == [1, 2]
    assert content_labels(FACTORS, NAMES, "shape+hue").tolist() == [2, 2, 0, 1]


def test_a_name_that_holds_a_plus_is_a_name():
    assert content_columns(("a+b", "a", "b"), "a+b") == [0]


def test_codes_know_their_style_factors():
    found = make_codes(
        {
            "content": np.arange(8.0).reshape(4, 2),
            "style": np.arange(4.0).reshape(4, 1),
            "factors": FACTORS,
            "factor_names": np.array(NAMES),
            "content_factor": "shape+hue",
            "split": [0, 0, 2, 2],
        }
    )
    assert found.style_factors == ("angle",)
    assert found.labels.tolist() == [2, 2, 0, 1]


def test_an_unknown_part_of_the_content_is_named():
    arrays = {"content": np.eye(4), "style": np.eye(4), "factors": FACTORS, "factor_names": np.array(NAMES)}
    with pytest.raises(UsageError, match="no factor 'hhue'"):
        make_codes({**arrays, "content_factor": "shape+hhue"})


@pytest.mark.parametrize("model_class", [GMVAE, MLVAE])
def test_a_model_fuses_a_group_by_the_product_of_its_gaussians(model_class):
    model = model_class(model_class.Config(width=0.25), TrainingData(ImageSpec(1, 32, 32), 3, 2))
    fuse = fusion(model, torch.device("cpu"))
    mean, logvar = np.array([[0.0], [3.0], [7.0]]), np.log([[1.0], [0.5], [2.0]])
    found = fuse(mean, logvar, np.array([0, 0, 1]))
    prior = getattr(model.config, "include_prior_in_product", False)
    assert found[:, 0] == pytest.approx([6 / (4 if prior else 3), 7 * 0.5 / (1.5 if prior else 0.5)])


def test_a_model_without_a_rule_has_none():
    assert fusion(torch.nn.Linear(1, 1), torch.device("cpu")) is None


def test_values_are_placed_between_floor_and_ceiling():
    assert Value(0.6, "accuracy", floor=0.2, ceiling=1.0).normalised == pytest.approx(0.5)
    assert Value(0.6, "accuracy", floor=0.2).normalised is None
    assert Value(0.6, "accuracy", floor=1.0, ceiling=1.0).normalised is None
    assert Value(1e308, "nats", floor=-1.7e308, ceiling=1.7e308).normalised is None


def test_codes_in_one_piece_are_refused_by_a_metric_of_two_blocks(tmp_path):
    given = codes()
    given.style = given.style[:, :0]
    with pytest.raises(UsageError, match="compares content and style"):
        measure(from_environment({}), "probe", {}, subject(tmp_path, given))


def test_an_unknown_preset_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no preset 'dlib'"):
        measure(from_environment({}), "probe", {}, subject(tmp_path), preset="dlib")
