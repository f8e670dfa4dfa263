"""Checks of several runs together: when they speak, and when they are silent."""

from __future__ import annotations

import pytest
from helpers.report_files import comparison, row

from disent_plugins.measuring.kept import KeptRun
from disent_plugins.reports import over_runs
from disent_plugins.reports.over_runs import cells_have_no_run, overall
from disent_plugins.studies.compare import FLOOR_MODEL
from disent_plugins.studies.comparison import Cell, Column, Row

BELOW = {"low": 0.02, "high": 0.06}
ABOVE = {"low": 1.1, "high": 1.2}
ERROR = Column("reconstruction", "sse", "sse", "error", "down", 60.0, 0.0)
LEAK = Column("leakage", "leakage", "leakage", "accuracy", "down", 0.1, 1.0)
NEITHER = Column("kl", "style/active", "style/active", "dimensions", "", 0.0, 1.0)
ERRORS = {"floor": 60.0, "ceiling": 0.0}

# check: tables of which it speaks, and tables of which it does not
CASES = {
    "control_is_the_best": (
        [comparison(row("gmvae", 0.5), row("vae", 0.9, best=True))],
        [comparison(row("gmvae", 0.9, best=True), row("vae", 0.5)), comparison(row("vae", 0.9)), comparison()],
    ),
    "values_lie_outside_their_controls": (
        [
            comparison(row("a", 0.04, points=BELOW)),
            comparison(row("a", 1.15, points=ABOVE)),
            comparison(row("a", 70.0, points={**ERRORS, "low": 65.0, "high": 75.0}), columns=(ERROR,)),
            comparison(row("a", -2.0, points={**ERRORS, "low": -3.0, "high": -1.0}), columns=(ERROR,)),
        ],
        [
            comparison(row("a", 0.5)),
            comparison(row("a", 0.08)),  # chance lies in its interval
            comparison(row("a", 0.04, points=BELOW), columns=(LEAK,)),  # less leakage than by chance
            comparison(row("a", 0.04, points={**BELOW, "floor": None})),
            comparison(row("a", 0.04, points={"low": None})),
            comparison(row("a", 50.0, points={**ERRORS, "low": 45.0, "high": 55.0}), columns=(ERROR,)),
        ],
    ),
    "seeds_scatter": (
        [
            comparison(row("a", 0.8, 0.65, 0.95)),
            comparison(row("a", 20.0, 10.0, 30.0, points=ERRORS), columns=(ERROR,)),
        ],
        [
            comparison(row("a", 0.8, 0.75, 0.85)),
            comparison(row("a", 0.8)),
            comparison(row("a", 0.8, 0.2, 1.0, points={"floor": None})),
            comparison(row("a", 0.8, 0.2, 1.0), columns=(NEITHER,)),
            comparison(Row("a", "a", (0,), 2, 3.0, (Cell(None, {"0": 0.1, "1": 0.9}),))),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_when_a_check_speaks(name):
    check = getattr(over_runs, name)
    speaks, silent = CASES[name]
    for one in speaks:
        found = check(one)
        assert found is not None
        assert "digits" in found.title
        assert found in overall([one])
    assert [check(one) for one in silent] == [None] * len(silent)


def test_the_control_is_that_of_the_comparison():
    assert over_runs.CONTROL == FLOOR_MODEL


def test_runs_that_are_not_compared_say_why():
    (found,) = overall([], "They differ.")
    assert (found.severity, found.detail) == ("serious", "They differ.")
    assert overall([]) == []


def test_cells_that_failed_before_there_was_a_run_are_named(tmp_path):
    notes = tmp_path / "cells"
    notes.mkdir()
    (tmp_path / "vae-digits-s0").mkdir()
    run = KeptRun(tmp_path / "vae-digits-s0", {})
    assert cells_have_no_run([run]) == []
    for name in ("vae-digits-s0", "vae-digits-s1", "vae-digits-s2"):
        (notes / f"{name}.end.json").write_text("{}")
    (notes / "vae-digits-s1.log").write_text("--- begun\nerror: The batch is too large.\n       Make it less.")
    found = cells_have_no_run([run, run])
    assert [finding.detail for finding in found] == [
        "They failed as they began: vae-digits-s1 (The batch is too large.), vae-digits-s2."
    ]
