"""A model whose codes are in one piece, from training to its last metric; a data set that cannot be measured on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.one_piece import OnePieceVAE
from helpers.plugin_files import write_plugin

from disent_plugins.measuring.after_training import AFTER_TRAINING
from disent_plugins.metrics.codes.file import read_codes
from disent_plugins.testing import check_model

RUN = ("--model", "one-piece", "--data", "squares", "--epochs", "2", "--batch-size", "8", "--lr", "1e-3")


@pytest.fixture
def with_one_piece(disent, tmp_path, monkeypatch):
    """The command, with the plugin of ``helpers.one_piece``."""
    site = tmp_path / "site"
    site.mkdir()
    write_plugin(site, "one-piece", "", entry="helpers.one_piece")
    monkeypatch.syspath_prepend(site)
    return disent


def test_it_keeps_the_contract():
    check_model(OnePieceVAE)


def test_it_trains_and_what_compares_blocks_is_left_out_in_a_line_each(with_one_piece, tmp_path):
    found = with_one_piece("run", *RUN, "--out", "runs/whole", "--json")
    assert found.code == 0, found.err
    assert list(found.json["results"]) == ["reconstruction", "samples"]
    assert found.json["results"]["reconstruction"]["values"]["sse"] > 0
    left_out = [line for line in found.err.splitlines() if line.startswith("left out: ")]
    assert [line.split("'")[1] for line in left_out] == ["probe", "swap-grid", "interpolation"]
    assert all("compares content and style" in line and "in one piece" in line for line in left_out)
    assert {*found.json["results"], "probe", "swap-grid", "interpolation"} == set(AFTER_TRAINING)
    assert (tmp_path / "runs" / "whole" / "figures" / "samples.png").is_file()
    kept = read_codes(tmp_path / "runs" / "whole" / "codes.h5")
    assert (kept.content.shape[1], kept.style.shape[1]) == (4, 0)
    assert kept.content_logvar.shape == kept.content.shape

    again = with_one_piece("run", "--resume", "runs/whole")  # measured from the codes that were kept
    assert again.code == 0, again.err
    assert "encoding" not in again.err

    whole = with_one_piece("metrics", "all", "runs/whole", "--json")
    assert whole.code == 0, whole.err
    reasons = {name: why for name, why in whole.json["left_out"].items() if "in one piece" not in why}
    assert all("rows" in why for why in reasons.values()), reasons  # of so few squares
    assert {"reconstruction", "samples", "mig", "modularity"} <= set(whole.json["metrics"])
    results = json.loads((tmp_path / "runs" / "whole" / "results.json").read_text())
    assert set(whole.json["metrics"]) == set(results)


def test_samples_of_one_piece_under_every_prior(with_one_piece, tmp_path):
    assert with_one_piece("run", *RUN, "--out", "runs/whole").code == 0
    names = {"normal": "samples", "group_mixture": "samples-group-mixture", "fitted": "samples-fitted"}
    for prior, name in names.items():
        found = with_one_piece("metrics", "samples", "runs/whole", "--set", f"prior={prior}")
        assert found.code == 0, found.err
        with np.load(tmp_path / "runs" / "whole" / "figures" / f"{name}.npz") as arrays:
            assert arrays["style"].shape == (64, 0)
            assert np.isfinite(arrays["samples"]).all()


def test_a_metric_of_two_blocks_says_that_the_model_has_one(with_one_piece):
    assert with_one_piece("run", *RUN, "--out", "runs/whole").code == 0
    found = with_one_piece("metrics", "probe", "runs/whole")
    assert found.code == 2
    assert "compares content and style, and the codes of one-piece on squares (whole) are in one piece." in found.err
    assert "They have 4 columns and no blocks." in found.err
    assert "--content" not in found.err  # those go with --codes


def test_data_without_a_test_split_is_refused_before_training(with_one_piece, tmp_path):
    for command in (("data", "prepare", "no-test"), ("run", *RUN, "--data", "no-test", "--out", "runs/none")):
        found = with_one_piece(*command)
        assert (found.code, found.out) == (4, "")
        assert "data set 'no-test'" in found.err
        assert "it has no test image" in found.err
        assert "epoch " not in found.err
    assert not (tmp_path / "runs" / "none").exists()
