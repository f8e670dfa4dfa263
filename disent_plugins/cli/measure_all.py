"""``disent metrics all``: every metric on one subject, or on several runs, kept as each is done."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from disent_plugins.cli import show, state
from disent_plugins.cli.models import Json
from disent_plugins.cli.subjects import Content, Preset, Style, blocks_of, subject_of, words
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
        Path | None, typer.Option(help="Folder for pictures and results (default: the run's, or figures/FILE-DIGEST).")
    ] = None,
    json: Json = False,
) -> None:
    """Measure everything: one table, results.json, results.csv and pictures."""
    from disent_plugins.cli.progress import reporting
    from disent_plugins.cli.suite import show_entries
    from disent_plugins.measuring.over_runs import check_alike, mean_folder, over_runs
    from disent_plugins.measuring.provenance import label, of_runs
    from disent_plugins.measuring.results import add_results
    from disent_plugins.measuring.suite import check_groups, check_preset, documents, left_out, measure_all, suite
    from disent_plugins.training.folder import find_folder

    registry = state.registry()
    wanted = [] if groups is None else check_groups(registry, groups)
    if preset is not None:  # before anything is encoded
        check_preset(registry, suite(registry, wanted), preset)
    blocks = blocks_of(codes, content, style, "all")
    folders = [find_folder(run) for run in runs or ()]
    several = len(folders) > 1
    if several and not check_alike(folders):
        state.say("warning: some of these runs have the same seed, so their spread is too small.")
    found, subjects = [], []
    with reporting() as report:
        for run in runs or (None,):
            subject, place = subject_of(run, codes, blocks, seed, checkpoint, device, out, report)
            if several and out is not None:
                subject.out = place = out / f"{find_folder(run).path.resolve().name}-{label(subject.of)}"
            keep = Keeper(subject, place)
            try:
                found.append(measure_all(registry, subject, groups=wanted, preset=preset, done=keep.add))
            except (KeyboardInterrupt, Interrupted) as error:
                raise Interrupted("Interrupted.", *keep.words()) from error
            subjects.append(subject)
    together, named = over_runs(found), ", ".join(subject.name for subject in subjects)
    of = of_runs([subject.of for subject in subjects]) if several else subjects[0].of
    if several:
        place = out or mean_folder(folders[0].settings(), of)
    written = documents(together, named, of, place)
    if several:
        add_results(place, written)
    if json:
        state.print_json({"metrics": written, "left_out": left_out(together)})
    else:
        state.say(f"measured: {', '.join(map(words, subjects))}" + (f"; settings: {preset}" if preset else ""))
        show_entries(together)
    if all(entry.result is None for entry in together):
        raise UsageError("Nothing could be measured.", "Every metric was left out, each with its reason.")
    if not json:
        state.say(f"written: {show.shorten(place / 'results.json')}, {show.shorten(place / 'results.csv')}")


class Keeper:
    """Keeps every metric's result as soon as it is there, beside those of the same subject."""

    def __init__(self, subject: Any, place: Path) -> None:
        from disent_plugins.measuring.results import require_place, set_aside

        self.subject, self.place = subject, place
        self.names: list[str] = []
        require_place(place)
        set_aside(place, subject.of, subject.out)

    def add(self, entry: Any) -> None:
        """Keep a ``suite.Entry``."""
        from disent_plugins.measuring.results import add_results
        from disent_plugins.measuring.suite import documents

        found = documents([entry], self.subject.name, self.subject.of, self.place)
        add_results(self.place, found)
        self.names += found

    def words(self) -> tuple[str, str]:
        """What an interruption left, and how to go on."""
        if not self.names:
            return "No metric was done.", "Start again when you like."
        path = show.shorten(self.place / "results.json")
        return (
            f"{len(self.names)} metrics are kept in {path}: {', '.join(self.names)}.",
            "The others: disent metrics NAME, or a whole group: disent metrics all --groups GROUP",
        )
