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
