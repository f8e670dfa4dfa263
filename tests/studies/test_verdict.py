"""Verdicts: a value against the paper's number, a bound of ours, another run."""

from __future__ import annotations

import pytest

from disent_plugins.contracts import Value
from disent_plugins.studies.verdict import Expectation, Verdict, judge


def value(number: float, half: float = 0.0, better: str = "up") -> Value:
    return Value(number, "accuracy", 0.1, 1.0, number - half, number + half, 100, better=better)


PAPER = Expectation("GM-VAE", "probe", "content/sample/paper", paper=0.9, tolerance=0.02)
GOAL = Expectation("GM-VAE", "swap", "keeps-content", goal=0.97)
ORDER = Expectation("GM-VAE", "swap", "keeps-content", than="ML-VAE", says="content stays")


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (value(0.9), "within"),
        (value(0.92), "within"),  # at the end of the tolerance
        (value(0.85, half=0.04), "within"),  # its interval reaches into the tolerance
        (value(0.93), "better"),
        (value(0.85), "worse"),
        (value(0.85, better="down"), "better"),
        (value(0.93, better="down"), "worse"),
    ],
)
def test_against_the_papers_number(found: Value, word: str):
    assert judge(PAPER, found) == Verdict(word)


@pytest.mark.parametrize(
    ("found", "word"),
    [(value(0.97), "met"), (value(0.969, half=0.1), "missed"), (value(0.9, better="down"), "met")],
)
def test_against_a_goal_the_value_itself_counts(found: Value, word: str):
    assert judge(GOAL, found) == Verdict(word)


@pytest.mark.parametrize(
    ("found", "other", "word"),
    [
        (value(0.9, 0.01), value(0.8, 0.01), "holds"),
        (value(0.8, 0.01), value(0.9, 0.01), "does not hold"),
        (value(0.8, 0.01, "down"), value(0.9, 0.01, "down"), "holds"),
        (value(0.9, 0.06), value(0.8, 0.06), "open"),
        (value(0.9), value(0.9), "open"),
    ],
)
def test_against_another_run_only_intervals_that_lie_apart_decide(found: Value, other: Value, word: str):
    verdict = judge(ORDER, found, other)
    assert verdict.word == word
    assert "content stays" in verdict.why
    assert "ML-VAE" in verdict.why


def test_what_was_not_measured_has_no_verdict():
    assert judge(PAPER, None) == Verdict("not measured")
    assert judge(ORDER, value(0.9), None, obstacle="its files are missing") == Verdict(
        "not measured", "its files are missing"
    )


def test_other_data_or_a_quick_run_cannot_be_compared_whatever_they_read():
    for found in (value(0.9), value(0.1), value(1.0)):
        assert judge(PAPER, found, obstacle="digits stands in for mnist").word == "not comparable"


def test_a_smaller_training_can_reach_a_number_but_not_miss_it():
    scaled = "50 of 200 epochs"
    assert judge(PAPER, value(0.9), scaled=scaled) == Verdict("within", scaled)
    assert judge(PAPER, value(0.99), scaled=scaled) == Verdict("better", scaled)
    assert judge(PAPER, value(0.5), scaled=scaled) == Verdict("not comparable", f"worse so far, {scaled}")
    assert judge(GOAL, value(0.5), scaled=scaled) == Verdict("not comparable", f"missed so far, {scaled}")
    order = judge(ORDER, value(0.8), value(0.9), scaled=scaled)
    assert order.word == "does not hold"  # both were trained alike
    assert scaled in order.why
