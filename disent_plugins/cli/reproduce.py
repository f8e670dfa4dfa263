"""``disent reproduce``: the paper's table and figures, trained, measured, and held against what the paper says."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from disent_plugins.cli import completion, show, state
from disent_plugins.errors import DataMissing, Interrupted, UsageError


def reproduce(
    item: Annotated[str, typer.Argument(help="table1, fig1 ... fig5, or all.", autocompletion=completion.items)],
    quick: Annotated[
        bool, typer.Option("--quick", help="Minutes: scaled down, embedded data where the real one is not prepared.")
    ] = False,
    budget: Annotated[
        str | None, typer.Option(help="paper (its recipe), cpu (scaled to two cores) or quick (default: paper).")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Seeds of each run (default: 3 for table1, 1 for figures).")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="Of training (default: the budget's).")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:n].")] = "auto",
    out: Annotated[Path, typer.Option(help="Folder for tables, figures and runs.")] = Path("reproduction"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the runs and how far they are, and stop.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the documents as JSON.")] = False,
) -> None:
    """Train and measure what a table or figure of the paper shows, and give a verdict on every number.

    Each run is measured and written down as soon as it is trained. Issued again, it goes on where it was stopped.
    """
    from disent_plugins.measuring.results import require_place
    from disent_plugins.studies import paper
    from disent_plugins.studies.reproduce import make_plan

    if quick and budget not in (None, "quick"):
        raise UsageError(f"--quick and --budget {budget} contradict each other.", hint="Leave one of them out.")
    registry, scale = state.registry(), paper.budget("quick" if quick else budget or "paper")
    given = {"precision": precision}
    plans = [make_plan(registry, one, scale, out / "runs", seeds=seeds, given=given) for one in paper.items(item)]
    _say_plans(plans)
    if dry_run:
        return
    require_place(out)
    try:
        documents, missing = _reproduce(registry, plans, out, device, quiet=json)
    except (KeyboardInterrupt, Interrupted) as error:
        raise Interrupted(
            "Interrupted.",
            f"What was trained and measured is kept in {show.shorten(out / 'runs')}.",
            "Issue the same command again to go on.",
        ) from error
    if json:
        state.print_json(documents)
    if missing:
        first = next(iter(missing.values()))
        raise DataMissing(f"Not reproduced: {', '.join(missing)}. {first.what}", first.why, first.hint)


def _reproduce(
    registry: Any, plans: list[Any], out: Path, device: str, quiet: bool
) -> tuple[dict[str, Any], dict[str, DataMissing]]:
    """The documents of the items, and why there is none of some."""
    from disent_plugins.cli.progress import TrainingDisplay, reporting
    from disent_plugins.cli.run_words import announce
    from disent_plugins.studies.reproduce import train_run, unfinished, write_document

    documents = {}
    display = TrainingDisplay()
    registry.add(display, name="display")

    def begin(plan: Any, name: str, ready: Any) -> None:
        instead = plan.stands_in.get(name)
        state.say(f"training {name}" + (f", {ready.run.settings.data} in place of {instead}" if instead else ""))
        announce(ready)

    def write(plan: Any) -> dict[str, Any]:
        with reporting() as report:
            return write_document(plan, out, device=device, report=report)

    missing = _find_data(plans)
    for plan in plans:
        if plan.item.name in missing:
            continue
        runs = unfinished(plan)
        for number, name in enumerate(runs, 1):
            train_run(plan, name, device=device, begin=partial(begin, plan, name), end=display.close)
            if left := runs[number:]:
                write(plan)
                where = show.shorten(out / f"{plan.item.name}.md")
                state.say(f"{plan.item.name} as far as it is trained: {where}, without {', '.join(left)}")
        found = documents[plan.item.name] = write(plan)
        if not quiet:
            _show(found, out)
    return documents, missing


def _find_data(plans: list[Any]) -> dict[str, DataMissing]:
    """Prepare the data of all items before anything trains; which of them have none, and why."""
    from disent_plugins.cli.progress import reporting
    from disent_plugins.studies.reproduce import find_data

    missing = {}
    for plan in plans:
        try:
            with reporting() as report:
                find_data(plan, report)
        except DataMissing as error:
            missing[plan.item.name] = error
            continue
        for name, lacking in plan.missing.items():
            quick = f"On other data: disent reproduce {plan.item.name} --quick"
            state.say(f"{plan.item.name} without {name}: {lacking.what} {quick}")
    return missing


def _say_plans(plans: list[Any]) -> None:
    """How many runs there are, and how far they are."""
    cells = {cell.folder.path: cell for plan in plans for one in plan.cells.values() for cell in one}
    states = {path: cell.state for path, cell in cells.items()}
    count = {word: sum(found == word for found in states.values()) for word in ("trained", "begun", "new")}
    state.say(f"{len(cells)} runs: " + ", ".join(f"{number} {word}" for word, number in count.items() if number))
    for path, cell in cells.items():
        settings = cell.settings
        state.say(f"  {settings.model} on {settings.data}, seed {settings.seed}, {settings.epochs} epochs: "
                  f"{states[path]} ({show.shorten(path)})")  # fmt: skip


def _show(document: dict[str, Any], out: Path) -> None:
    """Values and verdicts of an item on stdout, and where its files are."""
    from rich.text import Text

    from disent_plugins.studies.words import values_table, verdicts, with_half_width

    state.out.print(Text(document["title"], style="bold"))
    if document["rows"]:
        (_, _, *heads), lines = values_table(document, with_half_width)
        made = show.table("", ["", *heads], [])
        for metric in dict.fromkeys(line[0] for line in lines):
            made.add_row(Text(metric, style="dim"))
            for line in lines:
                if line[0] == metric:
                    made.add_row(Text(f"  {line[1]}"), *map(Text, line[2:]))
        for column in made.columns[1:]:
            column.justify, column.no_wrap = "right", True
        state.out.print(made)
    told = verdicts(document)
    if len(told) > 1 and len({line[-1] for line in told}) == 1:
        state.out.print(Text(f"  all {len(told)} expectations: {told[0][-1]}"), soft_wrap=True)
        told = []
    for run, value, measured, expected, verdict in told:
        state.out.print(Text(f"  {run}: {value} {measured}, expected {expected}: {verdict}"), soft_wrap=True)
    names = [f"{document['item']}.{kind}" for kind in ("md", "csv", "json")] + [document["figure"] or ""]
    written = ", ".join(show.shorten(out / name) for name in names if name)
    state.out.print(Text(f"  written: {written}"), soft_wrap=True)
    state.out.print()
