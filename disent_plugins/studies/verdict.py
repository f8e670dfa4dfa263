"""A measured value against what was expected of it: the paper's number, a goal of ours, or another run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from disent_plugins.contracts import Value

Word = Literal[
    "within", "better", "worse", "met", "missed", "holds", "does not hold", "open", "not comparable", "not measured"
]


@dataclass(frozen=True)
class Expectation:
    """What is expected of one value of one run; one of ``paper``, ``goal`` and ``than`` is given.

    Attributes:
        run: The run, by its name in the item.
        metric, value: Where the value stands.
        paper: The number that the paper reports.
        tolerance: How far the paper's number itself may be off.
        goal: A bound of ours.
        than: A run that is to be surpassed in the same value; the paper claims so in words or pictures.
        instead: The value of ``than`` to compare with, if it is another one.
        says: The claim in words.
    """

    run: str
    metric: str
    value: str
    paper: float | None = None
    tolerance: float = 0.0
    goal: float | None = None
    than: str | None = None
    instead: str | None = None
    says: str = ""


@dataclass(frozen=True)
class Verdict:
    """A word, and why."""

    word: Word
    why: str = ""


def judge(
    expected: Expectation, found: Value | None, other: Value | None = None, obstacle: str = "", scaled: str = ""
) -> Verdict:
    """The verdict on one value.

    Against the paper's number: ``within`` if it lies in our 95 % interval, widened by the tolerance; otherwise better
    or worse. Against a goal: ``met`` or ``missed``, by the value. Against another run: ``holds`` or ``does not hold``
    where the two intervals lie apart, otherwise ``open``. A training that is smaller than the paper's may reach its
    number, but not miss it: that is ``not comparable``.

    Args:
        expected: What is expected.
        found: The value; None if it was not measured.
        other: The same value of the run to be surpassed.
        obstacle: Why nothing that was measured can be compared; empty if it can.
        scaled: In what the training was smaller than the paper's, in words; empty if it was not.
    """
    if found is None or (expected.than is not None and other is None):
        return Verdict("not measured", obstacle)
    if obstacle:
        return Verdict("not comparable", obstacle)
    if expected.than is not None:
        assert other is not None
        verdict = _against_run(expected, found, other)
        return replace(verdict, why=f"{verdict.why} ({scaled})") if scaled else verdict
    if expected.paper is not None:
        verdict = _against_paper(found, expected.paper, expected.tolerance)
    else:
        assert expected.goal is not None
        verdict = Verdict("met" if _surpasses(found, found.value, expected.goal) else "missed")
    if not scaled:
        return verdict
    if verdict.word in ("worse", "missed"):
        return Verdict("not comparable", f"{verdict.word} so far, {scaled}")
    return replace(verdict, why=scaled)


def _against_paper(found: Value, paper: float, tolerance: float) -> Verdict:
    low, high = _ends(found)
    if low - tolerance <= paper <= high + tolerance:
        return Verdict("within")
    return Verdict("better" if _surpasses(found, found.value, paper) else "worse")


def _against_run(expected: Expectation, found: Value, other: Value) -> Verdict:
    (low, high), (other_low, other_high) = _ends(found), _ends(other)
    why = f"{expected.says or 'better'}: {found.value:.3f} against {other.value:.3f} of {expected.than}"
    if low <= other_high and other_low <= high:
        return Verdict("open", f"{why}, whose intervals overlap")
    return Verdict("holds" if _surpasses(found, found.value, other.value) else "does not hold", why)


def _surpasses(of: Value, value: float, bound: float) -> bool:
    """Whether a value is at least as good as a bound."""
    return value <= bound if of.better == "down" else value >= bound


def _ends(found: Value) -> tuple[float, float]:
    low = found.value if found.low is None else found.low
    high = found.value if found.high is None else found.high
    return low, high
