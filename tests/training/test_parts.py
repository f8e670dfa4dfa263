"""Models and data that do not go together."""

from __future__ import annotations

import pytest
from helpers.training_files import Squares, begin

from disent_plugins.errors import DisentError


def test_a_model_that_needs_more_than_the_data_promises_is_refused(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    monkeypatch.setattr(Squares, "info", Squares.info.__class__(**vars(Squares.info) | {"groups_are_distinct": False}))
    with pytest.raises(DisentError, match=r"needs distinct_groups, which data set 'squares' does not promise"):
        begin(tmp_path / "a")
    begin(tmp_path / "b", options={"assume_distinct": "true"})
    begin(tmp_path / "c", model="mlvae")


@pytest.mark.parametrize(
    ("model", "flags", "words"),
    [
        ("ada-gvae", {"sampler": "random"}, r"needs pairs, and the sampler is 'random'.*\n.*\n.*--sampler pairs"),
        (
            "lord-lite",
            {"visible": 0.5},
            r"needs every image's group, and only 0\.5 of them.*\n.*\n.*--visible",
        ),
    ],
)
def test_a_model_that_needs_what_a_flag_takes_away_is_refused(tmp_path, cache, monkeypatch, model, flags, words):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    with pytest.raises(DisentError, match=words):
        begin(tmp_path / "a", model=model, **flags)


def test_a_model_that_needs_pairs_gets_their_sampler(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    assert begin(tmp_path / "a", model="ada-gvae").run.settings.sampler == "pairs"
    assert begin(tmp_path / "b", model="vae").run.settings.sampler == "random"
