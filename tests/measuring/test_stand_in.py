"""A block without dimensions: a constant stands in for it, in the codes and on the way to the decoder and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.metric_files import codes as make_codes
from helpers.training_files import begin, with_plugin

from disent_plugins.measuring.measure import measure
from disent_plugins.measuring.stand_in import StandIn
from disent_plugins.measuring.trained import open_run
from disent_plugins.models.pairs import ContentBlock


def emptied(block):
    codes = make_codes()
    return replace(codes, **{block: getattr(codes, block)[:, :0], f"{block}_logvar": np.zeros((len(codes.split), 0))})


@pytest.mark.parametrize(("block", "other"), [("content", "style"), ("style", "content")])
def test_a_constant_stands_in_for_an_empty_block_and_a_note_says_so(block, other):
    codes = emptied(block)
    stand_in = StandIn.of(codes)
    filled = stand_in.codes(codes)
    assert getattr(filled, block).shape == (len(codes.split), 1)
    assert not getattr(filled, block).any()
    assert not getattr(filled, f"{block}_logvar").any()  # its posterior is the prior: KL 0
    assert getattr(filled, other) is getattr(codes, other)
    assert filled.notes[-1].startswith(f"The {block} block has no dimensions, all are {other}.")

    seen = stand_in.decoder(lambda content, style: (content.shape[1], style.shape[1]))(filled.content, filled.style)
    assert seen == (codes.content.shape[1], codes.style.shape[1])
    again = stand_in.encoder(lambda images: (codes.content[:3], codes.style[:3]))(np.zeros((3, 4, 4, 1)))
    assert [part.shape[1] for part in again] == [filled.content.shape[1], filled.style.shape[1]]
    assert stand_in.fusion(len) is (None if block == "content" else len)


def test_points_stay_points_and_whole_blocks_stay_themselves():
    codes = replace(emptied("style"), style_logvar=None)
    assert StandIn.of(codes).codes(codes).style_logvar is None
    whole = make_codes()
    assert StandIn.of(whole).codes(whole) is whole


@pytest.fixture(scope="module")
def ada(tmp_path_factory):
    ready = begin(tmp_path_factory.mktemp("ada") / "run", model="ada-gvae", epochs=1)
    ready.fit()
    return ready.run.folder


@pytest.mark.parametrize(("empty", "bound"), [("style", -1.0), ("content", 2.0)])
@pytest.mark.parametrize("metric", ["probe", "leakage", "swap", "dependence", "cycle", "mig", "reconstruction"])
def test_a_model_that_finds_one_block_empty_is_measured_all_the_same(ada, monkeypatch, empty, bound, metric):
    monkeypatch.setattr(ContentBlock, "content", property(lambda self: self.share > bound))
    subject = open_run(with_plugin(), ada).subject()
    result = measure(with_plugin(), metric, {}, subject)
    assert any(note.startswith(f"The {empty} block has no dimensions") for note in result.notes)
    if metric == "probe":
        value = result.values[f"{empty}/mean/strong"]
        assert value.low <= value.floor + 1e-9
        assert result.values[f"{empty}/kl"].value == 0.0
    (ada.path / "codes.json").unlink()  # the next one finds other blocks in the same weights
