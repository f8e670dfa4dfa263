"""What the metric commands measure: a run, or a file of codes whose columns were said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from disent_plugins.cli import state
from disent_plugins.errors import UsageError

Content = Annotated[str | None, typer.Option(metavar="START:STOP", help="Content columns of one array 'codes'.")]
Style = Annotated[str | None, typer.Option(metavar="START:STOP", help="Style columns of one array 'codes'.")]
Preset = Annotated[str | None, typer.Option("--as", metavar="PRESET", help="Use the settings of a published study.")]


def blocks_of(
    codes: Path | None, content: str | None, style: str | None, name: str
) -> tuple[str | None, str | None] | None:
    """Which columns of the array ``codes`` are which, if that was said."""
    if content is None and style is None:
        return None
    if codes is None:
        raise UsageError(
            "--content and --style were given without --codes.",
            "They cut the array 'codes' of a file; the codes of a run are in blocks already.",
            f"disent metrics {name} --codes FILE.npz --content 0:8 --style 8:16",
        )
    return content, style


def subject_of(
    run: Path | None, codes: Path | None, blocks: Any, seed: int | None, which: str, device: str, out: Path | None,
    report: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """What is measured, and the folder where its results are kept."""
    if codes is None:
        return _run_subject(run, seed, which, device, out, report)
    if run is not None:
        raise UsageError("A run and --codes were both given.", "One thing is measured at a time.")
    if (which, device) != ("last", "auto"):
        raise UsageError(
            "--checkpoint and --device go with a run, and --codes was given.", "Codes are measured as they are."
        )
    return _codes_subject(codes, blocks, seed or 0, out, report)


def _codes_subject(path: Path, blocks: Any, seed: int, out: Path | None, report: Any) -> tuple[Any, Path]:
    from disent_plugins.contracts import Subject
    from disent_plugins.measuring.provenance import label, of_file
    from disent_plugins.metrics.codes.file import read_codes

    codes = read_codes(path, seed=seed, blocks=blocks)
    of = of_file(path, blocks)
    place = out or Path("figures") / f"{path.stem}-{label(of)}"
    return Subject(name=path.name, codes=codes, seed=seed, out=place, report=report, of=of), place


def _run_subject(
    run: Path | None, seed: int | None, which: str, device: str, out: Path | None, report: Any
) -> tuple[Any, Path]:
    from disent_plugins.measuring.trained import open_run
    from disent_plugins.training.folder import find_folder

    if which not in ("last", "best"):
        raise UsageError(f"There is no checkpoint '{which}'.", "It is last or best.")
    folder = find_folder(run)
    trained = open_run(state.registry(), folder, which=which, device=device, report=report)
    subject = trained.subject(seed=seed, report=report)
    if out is None:
        return subject, trained.place
    subject.out = out
    return subject, out


def words(subject: Any) -> str:
    """What was measured, for people."""
    of = subject.of
    return subject.name + (f", checkpoint {of['checkpoint']}, epoch {of['epoch']}" if "checkpoint" in of else "")
