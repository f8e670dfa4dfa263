"""``disent metrics all``: every metric on one subject, or on several runs, kept as each is done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from disent_plugins.cli import show, state
from disent_plugins.cli.models import Json
from disent_plugins.cli.subjects import Content, Preset, Style, blocks_of, subject_of
from disent_plugins.errors import Interrupted, UsageError


def measure_all_metrics(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folders (default: the newest); of several, the mean.", show_default=False),
    ] = None,
    codes: Annotated[Path | None, typer.Option(help="Arrays (.npz or .h5) instead of a run.")] = None,
    content: Content = None,
    style: Style = None,
    preset: Preset = None,
    groups: Annotated[
        str | None,
        typer.Option(help="Only these groups, comma-separated: leakage, swap, blocks, factors, quality, pictures."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Seed (default: the run's, or 0).")] = None,
    checkpoint: Annotated[str, typer.Option(help="last or best.")] = "last",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:n].")] = "auto",
    out: Annotated[
        Path | None, typer.Option(help="Folder for pictures and results (default: the run's, or figures/FILE).")
    ] = None,
    json: Json = False,
) -> None:
    """Measure everything: one table, results.json, results.csv and pictures."""
    from disent_plugins.cli.progress import reporting
    from disent_plugins.cli.suite import show_entries
    from disent_plugins.measuring.over_runs import check_alike, over_runs
    from disent_plugins.measuring.results import write_results
    from disent_plugins.measuring.suite import check_groups, documents, left_out, measure_all
    from disent_plugins.training.folder import find_folder

    registry = state.registry()
    wanted = [] if groups is None else check_groups(registry, groups)
    blocks = blocks_of(codes, content, style, "all")
    if len(runs or ()) > 1 and not check_alike([find_folder(run) for run in runs or ()]):
        state.say("warning: some of these runs have the same seed, so their spread is too small.")
    found, names = [], []
    with reporting() as report:
        for run in runs or (None,):
            subject, folder = subject_of(run, codes, blocks, seed, checkpoint, device, out, report)
            place = folder.path if folder is not None and out is None else subject.out
            keep = Keeper(subject.name, place, folder if out is None else None)
            try:
                found.append(measure_all(registry, subject, groups=wanted, preset=preset, done=keep.add))
            except (KeyboardInterrupt, Interrupted) as error:
                raise Interrupted("Interrupted.", *keep.words()) from error
            names.append(subject.name)
    together, named = over_runs(found), ", ".join(names)
    if len(found) > 1:
        place = out or Path("figures")
        write_results(place, documents(together, named))
    if json:
        state.print_json({"metrics": documents(together, named), "left_out": left_out(together)})
    else:
        state.say(f"measured: {named}" + (f"; settings: {preset}" if preset else ""))
        show_entries(together)
    if all(entry.result is None for entry in together):
        raise UsageError("Nothing could be measured.", "Every metric was left out, each with its reason.")
    if not json:
        state.say(f"written: {show.shorten(place / 'results.json')}, {show.shorten(place / 'results.csv')}")


class Keeper:
    """Writes every metric's result as soon as it is there: among a run's results, or else into files of their own."""

    def __init__(self, subject: str, place: Path, folder: Any) -> None:
        self.subject, self.place, self.folder = subject, place, folder
        self.documents: dict[str, Any] = {}
        if folder is None:
            from disent_plugins.files import clear_disk_errors

            with clear_disk_errors(place):  # told before the work, not after it
                place.mkdir(parents=True, exist_ok=True)

    def add(self, entry: Any) -> None:
        """Keep a ``suite.Entry``."""
        from disent_plugins.measuring.results import add_results, write_results
        from disent_plugins.measuring.suite import documents

        found = documents([entry], self.subject)
        self.documents.update(found)
        if self.folder is not None:
            add_results(self.folder, found)
        elif found:
            write_results(self.place, self.documents)

    def words(self) -> tuple[str, str]:
        """What an interruption left, and how to go on."""
        if not self.documents:
            return "No metric was done.", "Start again when you like."
        path = show.shorten(self.place / "results.json")
        return (
            f"{len(self.documents)} metrics are kept in {path}: {', '.join(self.documents)}.",
            "The others: disent metrics NAME, or a whole group: disent metrics all --groups GROUP",
        )
