"""What a reader must know before the numbers of a run are believed: one check, one function.

A check finds one thing or nothing. Its title is the same words for every run, its detail says what was seen in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from disent_plugins.measuring.kept import KeptRun, finite
from disent_plugins.reports.facts import name_of
from disent_plugins.reports.rows import Row, rows_of, table

Severity = Literal["serious", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("serious", "warning", "note")

ENOUGH_STEPS = 3000
"""Steps of the probe's ``paper`` preset below which it hardly leaves its random start; the probe's own limit."""

FEW = 100
"""Test samples below which the 95 % interval of an accuracy of 1/2 is wider than 0.2."""

EMPTY = 0.1
"""Nats below which a block says nearly nothing: a tenth of a factor of 2.7."""

_NAMED = 6
"""Values that a finding names."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        severity: ``serious``: the numbers do not mean what they seem to. ``warning``: some of them. ``note``: know it.
        title: What it is.
        detail: What was seen, and what to do.
    """

    severity: Severity
    title: str
    detail: str


Check = Callable[[KeptRun], Finding | None]


def findings(run: KeptRun) -> list[Finding]:
    """What the checks find in a run, the serious first."""
    found = [finding for check in CHECKS if (finding := check(run))]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def training_is_not_finished(run: KeptRun) -> Finding | None:
    """Fewer epochs than its settings ask for."""
    if run.state != "begun":
        return None
    detail = f"{run.done} of {run.planned} epochs are done. Go on with: disent run --resume {name_of(run)}"
    return Finding("serious", "The training is not finished", detail)


def loss_is_no_number(run: KeptRun) -> Finding | None:
    """A total that is NaN or infinite."""
    lost = [record["epoch"] for record in run.epochs if "total" in record and not finite(record["total"])]
    if not lost:
        return None
    return Finding("serious", "The loss is no number", f"From epoch {lost[0]} on, in {len(lost)} epochs.")


def results_are_of_another_state(run: KeptRun) -> Finding | None:
    """Documents of other weights or data than those of the run."""
    subjects = {name: table(document, "of") for name, document in run.documents.items()}
    weights = {of["weights"] for of in subjects.values() if isinstance(of.get("weights"), str)}
    stale = [name for name, of in subjects.items() if run.epochs and of.get("epoch", run.done) != run.done]
    other = [name for name, of in subjects.items() if run.digest and of.get("data", _sha(run)) != _sha(run)]
    told = [f"measured after another number of epochs than {run.done}: {some(stale)}"] if stale else []
    told += [f"measured on other data: {some(other)}"] if other else []
    told += ["measured at different weights"] if len(weights) > 1 and not told else []
    if not told:
        return None
    detail = f"{_sentence('; '.join(told))} Measure it again: disent metrics all {name_of(run)}"
    return Finding("serious", "Results are of another state of the run", detail)


def content_block_is_empty(run: KeptRun) -> Finding | None:
    """No information about the image in the content code."""
    seen = _empty(run, "content")
    return Finding("serious", "The content block is empty", f"{seen} It holds no content.") if seen else None


def style_block_is_empty(run: KeptRun) -> Finding | None:
    """No information about the image in the style code."""
    seen = _empty(run, "style")
    detail = f"{seen} That nothing leaks into it is then no merit, and a swap changes nothing."
    return Finding("warning", "The style block is empty", detail) if seen else None


def records_are_missing(run: KeptRun) -> Finding | None:
    """Files of the run folder that are not there or cannot be read."""
    return Finding("warning", "Records are missing or damaged", " ".join(run.faults)) if run.faults else None


def nothing_was_measured(run: KeptRun) -> Finding | None:
    """A run without values."""
    if any(rows_of(run.documents)):
        return None
    return Finding("warning", "Nothing was measured", f"Measure it with: disent metrics all {name_of(run)}")


def probe_hardly_moved(run: KeptRun) -> Finding | None:
    """The probe's ``paper`` preset took few steps at its tiny learning rate."""
    budgets = (table(table(document, "settings"), "budgets") for document in run.documents.values())
    steps = [table(budget, "paper").get("steps") for budget in budgets]
    few = [number for number in steps if isinstance(number, int) and number < ENOUGH_STEPS]
    if not few:
        return None
    detail = (
        f"The probe's preset 'paper' took {min(few)} steps and needs {ENOUGH_STEPS:,} to leave its random start, so "
        "its accuracies are too low, leakage included. Go by the preset 'strong'."
    )
    return Finding("warning", "The probe's paper preset hardly moved", detail)


def labels_were_given_to_the_probe(run: KeptRun) -> Finding | None:
    """Content fused over test images of one class."""
    given = [name for name, document in run.documents.items() if table(document, "settings").get("evidence")]
    if not given:
        return None
    detail = f"{some(given)}: which test images share their content was given, so this is no accuracy of single images."
    return Finding("note", "Content was fused over test images", detail)


def test_samples_are_few(run: KeptRun) -> Finding | None:
    """Values that rest on few samples."""
    few = [row for row in rows_of(run.documents) if row.value.n is not None and row.value.n < FEW]
    if not few:
        return None
    detail = f"Fewer than {FEW}, so the intervals are wide: {some(f'{row.label} ({row.value.n})' for row in few)}."
    return Finding("warning", "There are few test samples", detail)


def value_is_below_its_floor(run: KeptRun) -> Finding | None:
    """Values that are worse than what a code without information scores, their whole interval too."""
    below = [row for row in rows_of(run.documents) if _is_below(row)]
    if not below:
        return None
    detail = f"Worse than a code without information, the whole interval too: {_labels(below)}."
    return Finding("warning", "Values lie below their floor", detail)


def floor_is_at_the_ceiling(run: KeptRun) -> Finding | None:
    """Values whose floor and ceiling are one."""
    same = [
        row for row in rows_of(run.documents) if row.value.floor is not None and row.value.floor == row.value.ceiling
    ]
    if not same:
        return None
    detail = f"A code without information and a perfect one score the same, so these say nothing: {_labels(same)}."
    return Finding("warning", "Chance is at the ceiling", detail)


def interval_is_wider_than_the_scale(run: KeptRun) -> Finding | None:
    """Intervals that are wider than the distance from floor to ceiling."""
    wide = [row for row in rows_of(run.documents) if _is_wide(row)]
    if not wide:
        return None
    detail = f"Wider than from chance to ceiling, so these values say nothing: {_labels(wide)}."
    return Finding("warning", "Intervals are wider than the scale", detail)


CHECKS: tuple[Check, ...] = (
    training_is_not_finished, loss_is_no_number, results_are_of_another_state, content_block_is_empty,
    style_block_is_empty, records_are_missing, nothing_was_measured, probe_hardly_moved,
    labels_were_given_to_the_probe, test_samples_are_few, value_is_below_its_floor, floor_is_at_the_ceiling,
    interval_is_wider_than_the_scale,
)  # fmt: skip


def _empty(run: KeptRun, block: str) -> str:
    """What says that a block is empty, in words; nothing if it is not, or not known."""
    for row in rows_of(run.documents):
        if row.name == f"{block}/kl" and row.value.value < EMPTY:
            return f"Its divergence from the prior is {row.value.value:.3f} nats."
        if row.name in (f"{block}/active", f"{block}/active_units") and row.value.value == 0:
            return "None of its dimensions is in use."
    return ""


def _is_below(row: Row) -> bool:
    """Whether it is worse than its floor. Less leakage than by chance is not: the less of it, the better."""
    value = row.value
    if value.floor is None or value.ceiling is None or value.low is None or value.high is None:
        return False
    if value.ceiling > value.floor:
        return value.better == "up" and value.high < value.floor
    return value.better == "down" and value.low > value.floor


def _is_wide(row: Row) -> bool:
    value = row.value
    if value.low is None or value.high is None or value.floor is None or value.ceiling is None:
        return False
    return abs(value.high - value.low) > abs(value.ceiling - value.floor) > 0


def _sha(run: KeptRun) -> str:
    return f"sha256:{run.digest}"


def _labels(rows: Iterable[Row]) -> str:
    return some(row.label for row in rows)


def some(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    names = list(names)
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def together(runs: Iterable[KeptRun]) -> Iterator[tuple[Finding, list[tuple[str, str]]]]:
    """The findings of several runs: each kind once, with (run, detail) for all that have it."""
    found: dict[tuple[Severity, str], list[tuple[str, str]]] = {}
    for run in runs:
        for finding in findings(run):
            found.setdefault((finding.severity, finding.title), []).append((name_of(run), finding.detail))
    for severity, title in sorted(found, key=lambda kind: SEVERITIES.index(kind[0])):
        yield Finding(severity, title, ""), found[severity, title]
