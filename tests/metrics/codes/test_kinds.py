"""Kinds of factors and missing values: from anybody's arrays to every metric of codes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.content_style_files import codes

import disent_plugins
from disent_plugins.contracts import Codes, Factor
from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes.file import make_codes, read_codes, write_codes
from disent_plugins.metrics.codes.kinds import as_classes
from disent_plugins.metrics.factors.mig import Mig, MigConfig
from disent_plugins.metrics.probe.evidence import accumulate

N = 600


def arrays(**changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    label, view = rng.integers(5, size=N), rng.integers(8, size=N)
    tilt = rng.normal(size=N)
    content = np.eye(5)[label] + 0.05 * rng.normal(size=(N, 5))
    style = np.column_stack([np.sin(np.pi * view / 4), np.cos(np.pi * view / 4), tilt])
    return {
        "content": content,
        "style": style,
        "factors": np.column_stack([label, 45 * view, tilt]),
        "factor_names": ["label", "view", "tilt"],
        "factor_kinds": ["category", "circular", "continuous"],
        **changed,
    }


def measure(metric: str, out: Path, **given: Any) -> Any:
    return disent_plugins.measure(metric, out=out, **given)


def test_kinds_come_with_the_arrays_and_go_through_a_file(tmp_path: Path) -> None:
    made = make_codes(arrays())
    assert made.described == (
        Factor("label", 5),
        Factor("view", 8, "circular"),
        Factor("tilt", 0, "continuous"),
    )
    assert made.factors.dtype == np.float64
    assert sorted(set(made.factors[:, 1])) == list(range(8))
    named = replace(made, described=(Factor("label", 5, values=tuple("abcde")), *made.described[1:]))
    write_codes(tmp_path / "codes.h5", named)
    again = read_codes(tmp_path / "codes.h5")
    assert again.described == named.described
    assert (again.factors == made.factors).all()
    np.savez(tmp_path / "codes.npz", **arrays())
    assert read_codes(tmp_path / "codes.npz").described == made.described


def test_codes_of_an_earlier_version_are_told(tmp_path: Path) -> None:
    import h5py

    write_codes(tmp_path / "codes.h5", make_codes(arrays()))
    with h5py.File(tmp_path / "codes.h5", "r+") as file:
        del file["described"]
        file["described"] = '[{"name": "label"}]'
    with pytest.raises(UsageError, match="cannot be read"):
        read_codes(tmp_path / "codes.h5")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factor_kinds": ["category"]}, "3 columns in 'factors' but 1 'factor_kinds'"),
        ({"factor_kinds": ["category", "circle", "continuous"]}, "'circle' in 'factor_kinds'"),
        ({"factor_kinds": ["category", "ordered", "ordered"]}, "no whole numbers"),
        ({"content_factor": "tilt"}, "continuous factor 'tilt' as content"),
    ],
)
def test_kinds_that_do_not_fit_are_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_codes(arrays(**changes))


def test_an_uneven_circle_is_told() -> None:
    given = arrays()
    given["factors"][:, 1] = np.where(given["factors"][:, 1] == 45, 90, given["factors"][:, 1])
    with pytest.raises(UsageError, match="not equally far apart"):
        make_codes(given)


def test_minus_one_is_no_value_and_does_not_count_as_one() -> None:
    given = arrays()
    lacking = np.arange(N) % 7 == 0
    given["factors"][lacking, :2] = -1
    given["factors"][lacking, 2] = np.nan
    made = make_codes(given)
    assert [factor.size for factor in made.described] == [5, 8, 0]
    assert (made.labels == -1).tolist() == lacking.tolist()
    assert len(made.rows("test", labelled=True)) == ((made.split == 2) & ~lacking).sum() < len(made.rows("test"))
    both = replace(made, content_factor="label+view")
    assert ((both.labels == -1) == lacking).all()
    assert sorted(set(both.labels)) == list(range(-1, 40))


def test_a_code_of_plus_and_minus_one_has_two_values() -> None:
    made = make_codes(arrays(factors=np.resize([-1, 1], (N, 1)), factor_names=["sign"], factor_kinds=["category"]))
    assert sorted(set(made.labels)) == [0, 1]


@pytest.mark.parametrize("metric", ["leakage", "blocks", "dependence", "few-shot", "retrieval", "probe", "mig", "irs"])
def test_rows_without_a_label_are_left_out_of_every_metric_with_a_note(metric: str, tmp_path: Path) -> None:
    given = arrays()
    split = np.where(np.arange(N) % 3 == 0, 2, 0)
    lacking = np.arange(N) % 4 == 1
    given["factors"][lacking, 0] = -1
    # Quantiles of a continuous factor are those of all its rows.
    options = {"factors": "label,view"} if metric in ("mig", "irs") else {}
    found = measure(metric, tmp_path, **given, split=split, options=options)
    assert any(f"'label' has no value in {lacking.sum()} of {N} rows" in note for note in found.notes)
    kept = {name: value[~lacking] if len(value) == N else value for name, value in given.items()}
    alone = measure(metric, tmp_path, **kept, split=split[~lacking], options=options)
    read_by_label = [name for name in alone.values if "tilt" not in name and "view" not in name]
    if metric in ("few-shot", "retrieval", "mig", "irs"):  # the same rows in the same order
        assert found.values == alone.values
    for name in read_by_label:
        n = found.values[name].n, alone.values[name].n
        assert n[0] == n[1] or name in ("distance-correlation", "leakage"), name


def test_continuous_factors_are_cut_into_classes_of_equal_counts_for_factor_metrics(tmp_path: Path) -> None:
    given = arrays()
    given["codes"] = np.hstack([given.pop("content")[:, :1], given.pop("style")[:, 2:]])
    found = measure("mig", tmp_path, **given, options={"quantiles": 5})
    assert found.settings["used_factors"] == {"label": 5, "view": 8, "tilt": 5}
    assert found.settings["quantiles"] == 5
    assert any("cut into 5 classes of about equal counts: tilt" in note for note in found.notes)
    classes = as_classes(make_codes(given), 5)
    assert np.bincount(classes[:, 2]).tolist() == [N // 5] * 5
    by_hand = dict(given, factors=classes, factor_kinds=["category"] * 3)
    assert found.values == measure("mig", tmp_path, **by_hand).values


def test_no_row_that_is_whole_is_told(tmp_path: Path) -> None:
    given = arrays()
    given["factors"][::2, 0], given["factors"][1::2, 1] = -1, -1
    with pytest.raises(UsageError, match="No row has a value of every factor"):
        measure("mig", tmp_path, **given)


def test_evidence_is_not_taken_from_images_whose_class_is_not_known() -> None:
    some: Codes = codes("blind", 60)
    some.factors[:30, 0] = -1
    some = replace(some, content_logvar=np.zeros_like(some.content))
    fused = accumulate(some, 3, 0)
    assert (fused.content[:30] == some.content[:30]).all()
    assert (fused.content[30:] != some.content[30:]).any()


def test_whole_factors_stay_whole_numbers() -> None:
    given = arrays()
    given["factors"], given["factor_names"] = given["factors"][:, :2], ["label", "view"]
    given["factor_kinds"] = ["category", "circular"]
    assert make_codes(given).factors.dtype == np.int64
    assert Mig(MigConfig()).config.quantiles == 10


def test_swaps_take_no_image_whose_factors_are_not_all_known() -> None:
    from disent_plugins.metrics.content_style.exact_swap import targets

    some = codes("split-apart", N)
    some.factors[::2, 1] = -1
    triples, _ = targets(some, 50, np.random.default_rng(0))
    assert len(triples) > 10
    assert (triples % 2 == 1).all()
