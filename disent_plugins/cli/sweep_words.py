"""What ``disent sweep`` says: the cells before they run, and afterwards how far they came and what failed."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from disent_plugins.cli import show, state
from disent_plugins.cli.sweep_table import duration
from disent_plugins.errors import WorkFailed
from disent_plugins.studies.ends import ended_how

if TYPE_CHECKING:
    from disent_plugins.studies.grid import Planned
    from disent_plugins.studies.sweep import Standing, Sweep

Standings = Mapping[str, "Standing"]
_MOST_TOLD = 10
"""Failed cells that an error names."""


def again() -> str:
    """What was typed."""
    return shlex.join(["disent", *sys.argv[1:]])


def say_counts(found: Sweep, standings: Standings) -> None:
    """Say how many cells there are, and how far they are."""
    words = [standing.state for standing in standings.values()]
    count = ", ".join(f"{words.count(word)} {word}" for word in ("done", "begun", "failed", "new") if word in words)
    state.say(f"{len(words)} cells in {show.shorten(found.path)}: {count}")


def document(found: Sweep, standings: Standings) -> dict[str, Any]:
    """What ``--json`` prints."""

    def cell(one: Planned) -> dict[str, Any]:
        standing, run = standings[one.name], one.cell
        return {
            "name": one.name, "label": one.label, "run": str(run.folder.path), "state": standing.state,
            "epochs": standing.epochs, "exit_code": standing.exit_code, "seconds": standing.seconds,
            "why": standing.why, "settings": vars(run.settings),
        }  # fmt: skip

    return {"sweep": str(found.path), "measure": found.measure, "cells": [cell(one) for one in found.cells]}


def show_plan(found: Sweep, standings: Standings, *, json: bool) -> None:
    """Print the cells and what they would cost."""
    costs = found.costs(standings)
    if json:
        made = document(found, standings)
        for cell in made["cells"]:
            cell["cost"] = costs.get(cell["name"])
        state.print_json(made)
        return
    rows = []
    for one in found.cells:
        word, cost = standings[one.name].state, costs.get(one.name)
        rows.append([one.name, one.label, word, "" if word == "done" else "?" if cost is None else duration(cost)])
    columns = ["cell", "settings", "state", "cost"]
    show.print_listing(show.table(f"{show.shorten(found.path)}, measured: {found.measure}", columns, rows))
    say_counts(found, standings)
    known = [cost for cost in costs.values() if cost is not None]
    if known:
        rest = len(costs) - len(known)
        state.say(f"left, one after another: {duration(sum(known))}" + (f", and {rest} unknown" if rest else ""))
    elif costs:
        state.say("What a cell costs is known once one like it is done.")


def show_end(found: Sweep, standings: Standings) -> None:
    """Print how far the cells are."""
    rows = []
    for one in found.cells:
        standing = standings[one.name]
        epochs = f"{standing.epochs}/{one.cell.settings.epochs}"
        rows.append([one.name, one.label, standing.state, epochs, duration(standing.seconds)])
    place = show.shorten(found.path)
    show.print_listing(show.table(place, ["cell", "settings", "state", "epochs", "time"], rows))
    if any(standing.state == "done" for standing in standings.values()):
        state.say(f"Compare them: disent compare {place}    All in one file: disent report {place}")


def refuse_failed(found: Sweep, standings: Standings) -> None:
    """End with an error if not all is done.

    Raises:
        WorkFailed: Which cells are not, why, where their logs are, and how to run them again.
    """
    failed = [one for one in found.cells if standings[one.name].state != "done"]
    if not failed:
        return
    lines = []
    for one in failed[:_MOST_TOLD]:
        standing = standings[one.name]
        how = "not run" if standing.exit_code is None else ended_how(standing.exit_code)
        lines.append(f"  {one.name}: {how}" + (f": {standing.why}" if standing.why else ""))
        lines.append(f"    log: {show.shorten(found.job(one).log)}")
    if len(failed) > _MOST_TOLD:
        lines.append(f"  and {len(failed) - _MOST_TOLD} more")
    of = f"{len(failed)} of {len(found.cells)} cells failed."
    raise WorkFailed(of, "\n".join(lines), f"Run what is missing with: {again()}")
