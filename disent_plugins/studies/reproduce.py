"""An item of the paper from its runs to its document: train and measure what is missing, compare, draw."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from disent_plugins.contracts import Report, Value
from disent_plugins.data_adapters.cache import cache_path
from disent_plugins.errors import DataMissing
from disent_plugins.files import write_json, write_text
from disent_plugins.measuring.documents import plain, value_of
from disent_plugins.measuring.means import mean_value
from disent_plugins.registry.host import Registry
from disent_plugins.studies.cell import Cell, make_cell, measured, record, train
from disent_plugins.studies.figures import draw
from disent_plugins.studies.paper import Budget, Item, PaperRun, stand_in
from disent_plugins.studies.verdict import Expectation, Verdict, judge
from disent_plugins.studies.words import comma_separated, markdown
from disent_plugins.training.parts import load_parts
from disent_plugins.training.session import Session
from disent_plugins.training.settings import RunSettings, differences, layered
from disent_plugins.version import __version__

SCHEMA = 1


@dataclass
class Plan:
    """An item and the cells behind it.

    Attributes:
        item: The item.
        budget: The budget.
        command: What to type to get it.
        cells: Run name to its cells, one for each seed.
        whole: Run name to the settings that the paper's own budget has for it.
        stands_in: Run name to the data set whose place another one takes.
        missing: Run name to why it cannot be made: its raw files are missing.
    """

    item: Item
    budget: Budget
    command: str
    cells: dict[str, list[Cell]] = field(default_factory=dict)
    whole: dict[str, RunSettings] = field(default_factory=dict)
    stands_in: dict[str, str] = field(default_factory=dict)
    missing: dict[str, DataMissing] = field(default_factory=dict)

    def trained(self, name: str) -> list[Cell]:
        """The cells of a run whose data is there that are trained to their end."""
        return [] if name in self.missing else [cell for cell in self.cells[name] if cell.state == "trained"]


def make_plan(
    registry: Registry, item: Item, budget: Budget, place: Path, *, seeds: int | None, given: Mapping[str, Any]
) -> Plan:
    """The cells of an item.

    Args:
        registry: All plugins.
        item: The item.
        budget: How its recipes are scaled.
        place: Folder of the runs.
        seeds: Seeds of each run; None: as many as the budget or the item says.
        given: Settings that go on top of all others, such as ``precision``; None means not given.

    Raises:
        UsageError: A setting is out of bounds.
    """
    known = {key: value for key, value in given.items() if value is not None}
    flags = {"budget": budget.name, "seeds": seeds, **known}
    words = [f"--{key} {value}" for key, value in flags.items() if value not in (None, "paper")]
    plan = Plan(item, budget, " ".join(["disent reproduce", item.name, *words]))
    for run in item.runs:
        data = _data(registry, run, budget)
        if data != run.data:
            plan.stands_in[run.name] = run.data
        settings = layered([budget.settings(data), run.settings, known])
        plan.cells[run.name] = [
            make_cell(registry, place, run.model, data, {**settings, "seed": seed})
            for seed in range(seeds or budget.seeds or item.seeds)
        ]
        plan.whole[run.name] = make_cell(registry, place, run.model, data, run.settings).settings
    return plan


def _data(registry: Registry, run: PaperRun, budget: Budget) -> str:
    """The data set that a run takes: its own, or what stands in for it where it is not prepared."""
    if not budget.quick:
        return run.data
    info = load_parts(registry, run.model, run.data, {}).adapter.info
    return run.data if cache_path(info).is_file() else stand_in(run.data)


def find_data(plan: Plan, report: Report) -> None:
    """Prepare the data of every run before anything trains; what cannot be had is noted in ``plan.missing``.

    Raises:
        DataMissing: None of the item's runs has its data.
    """
    for name, cells in plan.cells.items():
        try:
            cells[0].parts.table(None, report)
        except DataMissing as error:
            plan.missing[name] = error
    if len(plan.missing) == len(plan.cells):
        first = next(iter(plan.missing.values()))
        quick = f"Or see it work on other data: disent reproduce {plan.item.name} --quick"
        raise DataMissing(first.what, first.why, f"{first.hint}\n{quick}" if first.hint else quick)


def unfinished(plan: Plan) -> list[str]:
    """The runs of an item whose data is there and that are not trained to their end at every seed."""
    return [name for name in plan.cells if name not in plan.missing and plan.trained(name) != plan.cells[name]]


def train_run(
    plan: Plan, name: str, *, device: str, begin: Callable[[Session], object], end: Callable[[], object]
) -> None:
    """Train a run of an item at every seed at which it is not trained yet.

    Args:
        plan: The item, its data found.
        name: The run.
        device: Where to train.
        begin: Told of each session before it trains.
        end: Called when a session has trained, or was stopped.

    Raises:
        Interrupted: What was done is kept, and issued again it goes on.
    """
    for cell in plan.cells[name]:
        try:
            train(cell, device=device, begin=begin)
        finally:
            end()


def write_document(plan: Plan, out: Path, *, device: str, report: Report) -> dict[str, Any]:
    """Measure what is missing of an item's trained runs, draw its figure, and put the document together.

    Runs and seeds that are not trained yet have their place in it, and say so: the document of a long reproduction
    is there as far as it has come.

    Args:
        plan: The item.
        out: Where figure and document go.
        device: Where to encode and decode.
        report: Progress.

    Returns:
        The document; ``words`` makes tables of it.
    """
    item, trained = plan.item, {name: plan.trained(name) for name in plan.cells}
    lacking = {name: _why_lacking(plan, name) for name, cells in trained.items() if not cells}
    documents: dict[str, list[dict[str, Any]]] = {}
    for name, cells in trained.items():
        for number, cell in enumerate(cells):
            drawn: dict[str, Any] = {picture: {} for of, picture in item.panels if of == name and number == 0}
            wanted = {**item.measure, **drawn}
            documents.setdefault(name, []).append(measured(cell, wanted, device=device, report=report))
    figure = draw(item, documents, _captions(plan), out) if item.panels else None
    document = plain(
        {
            "schema": SCHEMA,
            "item": item.name,
            "title": item.title,
            "budget": plan.budget.name,
            "budget_words": plan.budget.words,
            "command": plan.command,
            "readings": list(item.readings),
            "version": __version__,
            "date": time.strftime("%Y-%m-%d"),
            "runs": {
                name: {
                    "model": cells[0].settings.model,
                    "data": cells[0].settings.data,
                    "stands_in_for": plan.stands_in.get(name),
                    "missing": lacking.get(name),
                    "seeds_asked_for": len(cells),
                    "unlike_paper": differences(plan.whole[name], cells[0].settings),
                    "seeds": [record(cell) for cell in trained[name]],
                }
                for name, cells in plan.cells.items()
            },
            "rows": [row.plain for row in _rows(plan, documents, lacking)],
            "figure": figure.name if figure else None,
        }
    )
    write_json(out / f"{item.name}.json", document)
    write_text(out / f"{item.name}.md", markdown(document))
    write_text(out / f"{item.name}.csv", comma_separated(document))
    return document


def _why_lacking(plan: Plan, name: str) -> str:
    """Why nothing of a run can be measured, without the paths of this machine: documents are passed on."""
    if name in plan.missing:
        return f"The files of {plan.cells[name][0].settings.data} are missing."
    return f"{name} is not trained yet."


def _captions(plan: Plan) -> dict[str, str]:
    """Run name to a line that says which run a panel is of."""
    found = {}
    for name, cells in plan.cells.items():
        settings, folder = cells[0].settings, cells[0].folder.path
        stands = f" (stands in for {plan.stands_in[name]})" if name in plan.stands_in else ""
        of = f"{settings.model} on {settings.data}{stands}, {settings.epochs} epochs"
        found[name] = f"{name}: {of}, run {folder.name}"
    return found


@dataclass(frozen=True)
class Row:
    """A value of a run: its seeds, what is expected of it, and the verdict."""

    run: str
    metric: str
    value: str
    values: Sequence[Value]
    expected: Expectation | None
    verdict: Verdict

    @property
    def plain(self) -> dict[str, Any]:
        """As it stands in the document: the mean over seeds, with its reference points."""
        return {
            "run": self.run,
            "metric": self.metric,
            "value": self.value,
            "seeds": len(self.values),
            "found": asdict(found) if (found := _mean(self.values)) else None,
            "expected": asdict(self.expected) if self.expected else None,
            "verdict": self.verdict.word,
            "why": self.verdict.why,
        }


def _mean(values: Sequence[Value]) -> Value | None:
    """The value of one run with its own interval, or the mean over several."""
    return mean_value(values) if len(values) > 1 else next(iter(values), None)


def _rows(plan: Plan, documents: Mapping[str, Sequence[Mapping[str, Any]]], lacking: Mapping[str, str]) -> list[Row]:
    """Every value that was measured or is expected, by run."""
    found = {
        (name, metric, value): [value_of(of[metric], value) for of in runs]
        for name, runs in documents.items()
        for metric in plan.item.measure
        if all(metric in of for of in runs)
        for value in runs[0][metric]["values"]
    }
    rows = []
    for expected in plan.item.expect:
        values = found.get((expected.run, expected.metric, expected.value), [])
        other = found.get((expected.than or "", expected.metric, expected.instead or expected.value), [])
        obstacle, scaled = _obstacle(plan, expected, lacking), _scaled(plan, expected.run)
        verdict = judge(expected, _mean(values), _mean(other), obstacle=obstacle, scaled=scaled)
        rows.append(Row(expected.run, expected.metric, expected.value, values, expected, verdict))
    told = {(row.run, row.metric, row.value) for row in rows}
    unasked = Verdict("not comparable", "the paper gives no number")
    rows += [Row(*key, values, None, unasked) for key, values in found.items() if key not in told]
    order = [*found, *((row.run, row.metric, row.value) for row in rows)]  # as the metrics list them
    runs = list(plan.cells)
    return sorted(rows, key=lambda row: (runs.index(row.run), order.index((row.run, row.metric, row.value))))


def _obstacle(plan: Plan, expected: Expectation, lacking: Mapping[str, str]) -> str:
    """Why nothing measured of a run can be held against what is expected of it."""
    for name in filter(None, (expected.run, expected.than)):
        if name in lacking:
            return lacking[name]
        if name in plan.stands_in:
            return f"{plan.cells[name][0].settings.data} stands in for {plan.stands_in[name]}"
    return "a quick run says nothing of it" if plan.budget.quick else ""


def _scaled(plan: Plan, name: str) -> str:
    """In what a run's training is smaller than the paper's, in words; empty if it is not."""
    settings, whole = plan.cells[name][0].settings, plan.whole[name]
    width = settings.options.get("width", 1.0)
    words = [f"{settings.epochs} of {whole.epochs} epochs"] if settings.epochs < whole.epochs else []
    return ", ".join(words + ([f"{width:g} of the width"] if width < 1 else []))
