"""Results in a notebook."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from helpers.report_files import Page, comparison, row

import disent_plugins
from disent_plugins.contracts import Result, Value
from disent_plugins.notebook import shown_by
from disent_plugins.reports.fragments import result_html


def test_a_result_shows_its_table():
    value = Value(np.float32(0.5), "accuracy", 0.1, 1.0, 0.4, 0.6, 300, better="up")
    result = Result("probe", {"content": value}, {}, {"matrix": Path("a.png")}, ["Read this."])
    found = Page(result._repr_html_())
    found.check()
    for words in ("probe content", "0.500", "0.400 to 0.600", "300", "Read this.", "a.png"):
        assert words in found.text
    assert len(found.all("svg")) == 1


def test_a_result_of_pictures_only():
    found = Page(Result("swap-grid", {}, {})._repr_html_())
    found.check()
    assert "swap-grid: no values." in found.text


def test_what_a_metric_measured_shows_itself():
    rng = np.random.default_rng(0)
    result = disent_plugins.measure("mig", codes=rng.normal(size=(200, 3)), factors=rng.integers(3, size=(200, 2)))
    assert "mig" in Page(result._repr_html_()).text


def test_a_comparison_shows_its_table():
    made = comparison(row("gmvae", 0.9, 0.85, 0.95, rank=1, best=True), row("vae", 0.5, rank=2, last=5))
    found = Page(made._repr_html_())
    found.check()
    for words in ("probe content", "0.900 ★best", "rank 1", "rank 2– to 5", "0.850 to 0.950", "chance", "0.100",
                  "ceiling", "1.000", "detectable", "0.050", "intervals", "Read this."):  # fmt: skip
        assert words in found.text


def test_hostile_names_are_text():
    evil = "</style><script>alert(1)</script>"
    found = Page(result_html(Result(evil, {evil: Value(0.5, evil)}, {}, {evil: Path(evil)}, [evil])))
    found.check()
    assert "alert(1)" in found.text
    other = Page(comparison(row(evil, 0.5), data=evil, notes=(evil,))._repr_html_())
    other.check()
    assert "alert(1)" in other.text


def test_what_cannot_be_drawn_is_left_to_its_text():
    class Odd:
        _repr_html_ = shown_by("disent_plugins.reports.fragments:no_such")

    assert Odd()._repr_html_() is None
    assert Result("probe", None, None)._repr_html_() is None
