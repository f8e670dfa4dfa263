"""What a metric says of itself: its documentation, and the oracles it can be checked against, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Expect:
    """What a metric must score on an oracle, a toy representation whose quality is known.

    Attributes:
        case: The oracle, a name in ``disent_plugins.metrics.oracles.cases.CASES``.
        value: The value of the result that is looked at.
        low, high: Bounds, both included.
        source: Where the expectation comes from: a derivation in a few words, or a publication.
        normalised: Whether the bounds are for the value between floor (0) and ceiling (1) instead of the raw value.
    """

    case: str
    value: str
    low: float
    high: float
    source: str
    normalised: bool = False


@dataclass(frozen=True)
class About:
    """A metric's documentation, as Markdown; ``docs/metrics.md`` is made of it.

    Attributes:
        definition: What is computed, with its formula.
        range: From what to what, and which end is good.
        floor: How the chance level is obtained.
        ceiling: How the ceiling is obtained.
        cost: What the time grows with, with one measured figure.
        distrust: When not to trust it.
        expects: Oracle expectations.
    """

    definition: str
    range: str
    floor: str
    ceiling: str
    cost: str
    distrust: str
    expects: tuple[Expect, ...] = ()
