"""Comparisons: rows, columns, ranks, what is refused and what is said."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from disent_plugins.errors import UsageError
from disent_plugins.measuring.kept import find_runs, read_run
from disent_plugins.studies.compare import compare
from disent_plugins.studies.comparison import from_plain, sorted_by
from disent_plugins.studies.comparison_words import comma_separated, latex, markdown
from tests.helpers.made_runs import made_run


@pytest.fixture
def three(tmp_path):
    """Three models, three seeds each: 'good' is really better than the others, which are alike."""
    for model, level in (("good", 0.9), ("vae", 0.5), ("other", 0.501)):
        for seed in range(3):
            made_run(tmp_path / f"{model}{seed}", model=model, seed=seed, values={"a": level + 0.001 * seed})
    return find_runs([tmp_path])


def one(runs, **asked):
    (found,) = compare(runs, **asked)
    return found


def by_label(comparison):
    return {row.label: row for row in comparison.rows}


def test_seeds_are_put_together_and_ranked_where_the_difference_is_real(three):
    table = one(three)
    (column,) = table.columns
    assert (column.metric, column.value, column.heading, column.floor, column.ceiling) == ("probe", "a", "a", 0.1, 1.0)
    assert column.how == "Welch's t over seeds"
    rows = by_label(table)
    good, floor, other = (rows[name].cells[0] for name in ("good", "vae", "other"))
    assert good.value.value == pytest.approx(0.901)
    assert good.singles == pytest.approx({"0": 0.9, "1": 0.901, "2": 0.902})
    assert (good.rank, good.last, good.best) == (1, 1, True)
    assert (floor.rank, floor.last, floor.best) == (other.rank, other.last, other.best) == (2, 3, False)
    assert rows["good"].seeds == (0, 1, 2)
    assert 0 < column.detectable < 0.05


def test_where_less_is_better_the_least_is_best(tmp_path):
    for model, level in (("a", 0.9), ("b", 0.2)):
        for seed in range(3):
            run = {"a": level + 0.001 * seed}
            made_run(tmp_path / f"{model}{seed}", model=model, seed=seed, values=run, better="down")
    rows = by_label(one(find_runs([tmp_path])))
    assert (rows["b"].cells[0].best, rows["a"].cells[0].best) == (True, False)


def test_where_neither_way_is_better_nothing_is_ranked(tmp_path):
    for model, level in (("a", 0.9), ("b", 0.2)):
        made_run(tmp_path / model, model=model, values={"a": level}, better="")
    assert [row.cells[0].rank for row in one(find_runs([tmp_path])).rows] == [None, None]


def test_nothing_is_marked_where_nothing_is_real(tmp_path):
    generator = np.random.default_rng(0)
    for model in ("a", "b", "c"):
        for seed in range(3):
            made_run(
                tmp_path / f"{model}{seed}", model=model, seed=seed, values={"a": float(generator.normal(0.5, 0.1))}
            )
    cells = [row.cells[0] for row in one(find_runs([tmp_path])).rows]
    assert [(cell.rank, cell.last, cell.best) for cell in cells] == [(1, 3, False)] * 3


def test_a_row_that_scatters_too_widely_to_be_told_from_any_is_not_best(tmp_path):
    for model, values in {"good": (0.9, 0.901, 0.902), "bad": (0.5, 0.501, 0.502), "wild": (0.3, 0.9, 0.6)}.items():
        for seed, value in enumerate(values):
            made_run(tmp_path / f"{model}{seed}", model=model, seed=seed, values={"a": value})
    cells = {row.label: row.cells[0] for row in one(find_runs([tmp_path])).rows}
    assert (cells["good"].rank, cells["good"].last, cells["good"].best) == (1, 2, True)
    assert (cells["wild"].rank, cells["wild"].last, cells["wild"].best) == (1, 3, False)
    assert (cells["bad"].rank, cells["bad"].last, cells["bad"].best) == (2, 3, False)


def test_single_runs_are_paired_on_the_same_items(tmp_path):
    right = np.arange(1000) < 900
    made_run(tmp_path / "a", model="a", values={"x": right})
    made_run(tmp_path / "b", model="b", values={"x": np.arange(1000) < 885})
    table = one(find_runs([tmp_path]))
    assert table.columns[0].how == "paired on the same test items"
    assert by_label(table)["a"].cells[0].best
    assert any("another seed may turn the order" in note for note in table.notes)


def test_a_moved_folder_is_still_paired(tmp_path):
    made_run(tmp_path / "first" / "a", model="a", values={"x": np.arange(1000) < 900})
    made_run(tmp_path / "first" / "b", model="b", values={"x": np.arange(1000) < 885})
    (tmp_path / "first").rename(tmp_path / "second")
    assert one(find_runs([tmp_path / "second"])).columns[0].how == "paired on the same test items"


@pytest.mark.parametrize("loss", ["missing", "damaged", "others"])
def test_without_the_same_items_intervals_are_compared(tmp_path, loss):
    made_run(tmp_path / "a", model="a", values={"x": np.arange(1000) < 900})
    size = 999 if loss == "others" else 1000
    other = made_run(tmp_path / "b", model="b", values={"x": np.arange(size) < 895})
    path = other / "items" / "probe.npz"
    if loss == "missing":
        path.unlink()
    elif loss == "damaged":
        path.write_bytes(b"PK")
    table = one(find_runs([tmp_path]))
    assert table.columns[0].how == "intervals, taken as independent"
    assert not by_label(table)["a"].cells[0].best


def test_one_run_against_several_is_of_the_same_seed(tmp_path):
    made_run(tmp_path / "a1", model="a", seed=1, values={"x": 0.9})
    for seed, value in ((0, 0.9), (1, 0.5), (2, 0.9)):
        made_run(tmp_path / f"b{seed}", model="b", seed=seed, values={"x": value})
    assert by_label(one(find_runs([tmp_path])))["a"].cells[0].best


def test_rows_are_named_by_what_tells_them_apart(tmp_path):
    for k in (1.0, 2.0):
        made_run(tmp_path / f"k{k}", options={"k": k, "width": 0.5}, values={"a": 0.5})
    made_run(tmp_path / "ml", model="mlvae", options={"width": 0.5}, values={"a": 0.5})
    assert [row.label for row in one(find_runs([tmp_path])).rows] == ["gmvae, k=1", "gmvae, k=2", "mlvae"]


def test_every_data_set_has_a_table(tmp_path):
    for data in ("mnist", "digits"):
        made_run(tmp_path / data, data=data, digest=data, values={"a": 0.5})
    assert [table.data for table in compare(find_runs([tmp_path]))] == ["digits", "mnist"]


def test_columns_are_chosen(tmp_path):
    made_run(tmp_path / "a", values={"content/mean/strong": 0.5, "x": 0.4, "y": 0.3})
    runs = find_runs([tmp_path])
    assert [column.value for column in one(runs).columns] == ["content/mean/strong"]
    assert [column.value for column in one(runs, values=["y", "probe x"]).columns] == ["y", "x"]
    assert len(one(runs, values=["probe"]).columns) == 3
    made_run(tmp_path / "b" / "b", values={"leakage": 0.5, "x": 0.4}, metric="leakage")
    assert [column.value for column in one(find_runs([tmp_path / "b"]), values=["leakage"]).columns] == ["leakage"]
    assert len(one(runs, groups=["leakage"]).columns) == 3
    with pytest.raises(UsageError, match="No run has a value 'z'"):
        one(runs, values=["z"])
    with pytest.raises(UsageError, match="No run has a value 'swap'"):
        one(runs, groups=["swap"])


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"version": "2"}, "metric version: 1 in a; 2 in b"),
        ({"metric_options": {"bins": 10}}, "option bins: 20 in a; 10 in b"),
        ({"metric_options": {}}, "option bins: 20 in a; not in the others"),
        ({"digest": "78"}, "content of the data: 77 in a; 78 in b"),
    ],
)
def test_what_was_measured_in_different_ways_is_not_mixed(tmp_path, other, named):
    made_run(tmp_path / "a", model="a", values={"x": 0.9}, metric_options={"bins": 20})
    made_run(tmp_path / "b", model="b", values={"x": 0.5}, **{"metric_options": {"bins": 20}, **other})
    runs = find_runs([tmp_path])
    with pytest.raises(UsageError) as error:
        one(runs)
    assert named in error.value.why
    table = one(runs, force=True)
    assert table.columns[0].mixed
    assert any("--force" in note and named in note for note in table.notes)


def test_what_is_unfinished_unmeasured_or_stale_is_left_out_and_told(tmp_path):
    made_run(tmp_path / "a", values={"x": 0.9})
    made_run(tmp_path / "b", seed=1, done=1, values={"x": 0.9})
    made_run(tmp_path / "c", seed=2)
    stale = made_run(tmp_path / "d", seed=3, values={"x": 0.9})
    settings = json.loads((stale / "config.json").read_text())
    (stale / "config.json").write_text(json.dumps({**settings, "epochs": 3}))
    with (stale / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "seconds": 1.0}\n')
    table = one(find_runs([tmp_path]))
    assert table.rows[0].seeds == (0,)
    assert [note.split(",")[0] for note in table.notes[:3]] == ["Left out: b", "Left out: c", "Left out: d"]


def test_a_value_that_one_seed_lacks_is_not_averaged(tmp_path):
    made_run(tmp_path / "a", values={"x": 0.9, "y": 0.5})
    made_run(tmp_path / "b", seed=1, values={"x": 0.9})
    (row,) = one(find_runs([tmp_path]), values=["x", "y"]).rows
    assert row.cells[0].value is not None
    assert row.cells[1].value is None
    assert row.cells[1].singles == {"0": 0.5}


def test_refusals(tmp_path):
    made_run(tmp_path / "a" / "a")
    with pytest.raises(UsageError, match="nothing to compare"):
        compare(find_runs([tmp_path / "a"]))
    for name in ("x", "y"):
        made_run(tmp_path / "b" / name, values={"x": 0.9})
    with pytest.raises(UsageError, match="same settings and seed"):
        compare(find_runs([tmp_path / "b"]))


def test_the_floor_and_budgets_are_spoken_of(tmp_path, three):
    assert not any("plain two-block VAE" in note for note in one(three).notes)
    made_run(tmp_path / "new" / "a", model="a", values={"x": 0.9})
    made_run(tmp_path / "new" / "b", model="b", epochs=5, values={"x": 0.9})
    notes = one(find_runs([tmp_path / "new"])).notes
    assert any("plain two-block VAE" in note for note in notes)
    assert any("a 2, b 5" in note for note in notes)


def test_json_is_read_again(three):
    table = one(three)
    found = json.loads(json.dumps(table.plain, allow_nan=False))
    assert from_plain(found, "here") == table
    for broken in ({}, [], {**found, "schema": 9}, {**found, "columns": []}, {**found, "rows": [{}]}):
        with pytest.raises(UsageError, match="here holds"):
            from_plain(broken, "here")


def test_sorting(three):
    table = sorted_by(one(three), "a")
    assert [row.label for row in table.rows] == ["good", "other", "vae"]
    with pytest.raises(UsageError, match="no column 'b'"):
        sorted_by(table, "b")


def test_words(three):
    table = one(three)
    text = markdown(table)
    assert "| *chance* |  | 0.100 |" in text
    assert "| good | 3 | **0.901 ± 0.002** <sup>1</sup> |" in text
    assert "| other | 3 | 0.502 ± 0.002 <sup>2–3</sup> |" in text
    assert "| *detectable difference* |" in text
    head, *rest = comma_separated([table]).splitlines()
    assert head.startswith("data,row,model,seeds")
    assert len(rest) == 3
    assert r"\textbf{0.901 $\pm$ 0.002}$^{1}$" in latex(table)


def test_hostile_names_break_no_table(tmp_path):
    made_run(tmp_path / "a", model="a|b\n<b>`_%", values={"x": 0.9})
    table = one(find_runs([tmp_path]))
    assert r"| a\|b &lt;b>'_% | seed 0 | " in markdown(table)
    assert r"\_\%" in latex(table)


def test_a_hundred_runs_are_quick(tmp_path):
    for seed in range(100):
        made_run(tmp_path / f"{seed}", model=f"m{seed % 5}", seed=seed, values={"x": np.arange(5000) < 4000 + seed})
    start = time.process_time()
    assert len(one(find_runs([tmp_path])).rows) == 5
    assert time.process_time() - start < 2
    assert read_run(tmp_path / "0").file("/elsewhere/items/probe.npz") == tmp_path / "0" / "items" / "probe.npz"
    assert read_run(tmp_path / "0").file("../0/config.json") is None
