"""Values read from documents of any maker."""

from __future__ import annotations

import pytest
from helpers.report_files import document

from disent_plugins.measuring import suite
from disent_plugins.reports.rows import GROUPS, by_group, rows_of, texts


def test_a_value_comes_with_all_its_points():
    (row,) = rows_of({"probe@dlib": document(reference={"estimator": "how"})})
    assert (row.group, row.label) == ("leakage", "probe@dlib content")
    value = row.value
    assert (value.value, value.floor, value.ceiling, value.low, value.high) == (0.8, 0.1, 1.0, 0.7, 0.9)
    assert (value.n, value.unit, value.better, value.estimator) == (300, "accuracy", "up", "how")


@pytest.mark.parametrize(
    "broken", [None, 5, "text", [], {}, {"values": 5}, {"values": {"a": None}}, {"values": {"a": float("nan")}},
               {"values": {"a": True}}, {"values": {"a": "0.5"}}]
)  # fmt: skip
def test_what_is_no_value_is_no_row(broken):
    assert list(rows_of({"probe": broken})) == []


@pytest.mark.parametrize("reference", [None, 5, {}, {"a": None}, {"a": []}])
def test_a_value_without_reference_points_stands_alone(reference):
    (row,) = rows_of({"probe": {"values": {"a": 1}, "reference": reference}})
    assert (row.value.floor, row.value.low, row.value.n, row.value.unit, row.group) == (None, None, None, "", "")


def test_points_that_are_no_numbers_are_not_known():
    odd = {"floor": float("nan"), "ceiling": "1", "low": float("inf"), "high": [], "n": 1.5, "better": {}, "unit": 3}
    (row,) = rows_of({"probe": document(reference=odd)})
    assert (row.value.floor, row.value.ceiling, row.value.low, row.value.high) == (None,) * 4
    assert (row.value.n, row.value.better, row.value.unit) == (None, "", "")


def test_groups_stand_in_the_order_of_the_suite():
    documents = {name: document(group=name) for name in ("mine", "quality", "leakage", "")}
    assert list(by_group(rows_of(documents))) == ["leakage", "quality", "mine", "other"]
    assert GROUPS == suite.GROUPS


@pytest.mark.parametrize("found", [None, 5, "text", {}, [5, None]])
def test_notes_that_are_none(found):
    assert texts({"notes": found}, "notes") == []
