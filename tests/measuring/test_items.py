"""Outcomes of single items: what metrics give, what is refused, what is kept on disk and read again."""

from __future__ import annotations

import os

import numpy as np
import pytest

from disent_plugins.contracts import Items, Result, Subject, Value
from disent_plugins.contracts.broken import ContractError
from disent_plugins.contracts.findings import check_result
from disent_plugins.errors import UsageError
from disent_plugins.measuring.items import ITEMS, read_items, with_items, write_items
from disent_plugins.measuring.measure import measure
from disent_plugins.metrics.codes.file import make_codes
from disent_plugins.registry.host import from_environment

RIGHT = np.array([True, False, True, True])


def result(items, value=0.75):
    return Result("odd", {"a": Value(value, "accuracy")}, {}, items=items)


@pytest.mark.parametrize("outcome", [RIGHT, RIGHT.astype(np.float32), [1, 0, 1, 1]])
def test_items_whose_mean_is_the_value(outcome):
    check_result("Odd", result({"a": Items(np.arange(4), outcome)}))


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ({"b": Items(np.arange(4), RIGHT)}, "no table by names of values"),
        ([1], "no table by names of values"),
        ({"a": RIGHT}, "no Items"),
        ({"a": Items(np.arange(3), RIGHT)}, r"shapes \(3,\) and \(4,\)"),
        ({"a": Items(np.arange(0), RIGHT[:0])}, "shapes"),
        ({"a": Items(np.arange(4) / 2, RIGHT)}, "item is float64"),
        ({"a": Items(np.arange(4), np.array([1, 0, 1, np.nan]))}, "not finite"),
        ({"a": Items(np.arange(4), ~RIGHT)}, "have the mean 0.25, and the value is 0.75"),
    ],
)
def test_items_that_cannot_be_are_refused(items, message):
    with pytest.raises(ContractError, match=message):
        check_result("Odd", result(items))


def test_what_is_written_is_read(tmp_path):
    swaps = np.array([10**12, 7])
    given = {
        "content/mean": Items(np.arange(4), RIGHT),
        "style/mean": Items(np.arange(4), ~RIGHT),
        "psnr": Items(swaps, np.array([20.5, 31.0])),
    }
    write_items(tmp_path / "a" / "b.npz", given)
    found = read_items(tmp_path / "a" / "b.npz")
    assert list(found) == list(given)
    for name, items in given.items():
        np.testing.assert_array_equal(found[name].item, items.item)
        np.testing.assert_array_equal(found[name].outcome, items.outcome)
    assert found["content/mean"].outcome.dtype == bool


def test_they_are_small(tmp_path):
    generator = np.random.default_rng(0)
    right = {f"{i}": Items(np.arange(10_000), generator.random(10_000) < 0.9) for i in range(12)}
    write_items(tmp_path / "a.npz", right)
    assert (tmp_path / "a.npz").stat().st_size < 60_000


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_a_damaged_file_is_told(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read"):
        read_items(tmp_path / "a.npz")
    with pytest.raises(UsageError, match="cannot be read"):
        read_items(tmp_path / "absent.npz")


def test_objects_are_not_unpickled(tmp_path):
    with (tmp_path / "a.npz").open("wb") as file:
        np.savez(file, **{"0": np.arange(1), "0/a": np.array([os.getcwd], dtype=object)})
    with pytest.raises(UsageError, match="cannot be read"):
        read_items(tmp_path / "a.npz")


@pytest.mark.parametrize("metric", ["probe", "leakage", "retrieval", "few-shot"])
def test_metrics_that_judge_single_items_keep_them(tmp_path, metric):
    generator = np.random.default_rng(0)
    labels = np.arange(300) % 3
    codes = make_codes(
        {
            "content": np.eye(3)[labels] + 0.5 * generator.normal(size=(300, 3)),
            "style": generator.normal(size=(300, 2)),
            "labels": labels,
            "split": np.repeat([0, 1, 2], [200, 30, 70]),
        },
        source="test",
        seed=0,
    )
    subject = Subject(name="x", codes=codes, seed=0, out=tmp_path)
    found = measure(from_environment({}, third_party=False), metric, {}, subject)
    assert not list(tmp_path.rglob("*.npz"))
    path = with_items(found, tmp_path / "kept").artifacts[ITEMS]
    assert path == tmp_path / "kept" / "items" / f"{metric}.npz"
    kept = read_items(path)
    assert list(kept) == list(found.items)
    assert found.version == "1"
    assert found.maker["name"] == "disent-plugins"
    for name, items in kept.items():
        assert items.outcome.mean(dtype=np.float64) == pytest.approx(found.values[name].value, abs=1e-6)
        if metric != "few-shot":
            assert set(codes.split[items.item]) == {2}
