"""What ``disent run`` says: the run before it begins, and afterwards the values, the files and what to try next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from disent_plugins.cli import show, state

if TYPE_CHECKING:
    from disent_plugins.training.session import Session


def announce(ready: Session) -> None:
    """Say on stderr what is going to be trained, on what, and where it is kept."""
    settings, folder = ready.run.settings, ready.run.folder
    options = ", ".join(f"{key}={_value(value)}" for key, value in settings.options.items())
    table = ready.table
    train, test = len(table.rows("train")[: settings.limit]), len(table.rows("test"))
    count = ready.trainer.processes.count
    among = f", {count} processes, group statistics {settings.group_statistics}" if count > 1 else ""
    what = f"{settings.model} on {settings.data}{table.info.subset_words}"
    state.say(f"{what}: {train:,} training and {test:,} test images, {ready.trainer.device}{among}")
    state.say(
        f"epochs {settings.epochs}, batch {settings.batch_size}, lr {settings.lr:g}, milestones "
        f"{_value(list(settings.milestones))}, sampler {settings.sampler}, seed {settings.seed}"
    )
    state.say(f"precision {ready.run.precision.used} ({ready.run.precision.why})")
    state.say(f"options: {options}")
    state.say(f"run folder: {show.shorten(folder.path)}")


def show_end(ready: Session, documents: Mapping[str, Any]) -> None:
    """Print the values on stdout, where everything is and what to try next."""
    state.out.print()
    for found in documents.values():
        show.show_values(found)
    state.out.print()
    for line in _last_lines(ready, documents):
        state.out.print(line, markup=False, soft_wrap=True)


def _last_lines(ready: Session, documents: Mapping[str, Any]) -> Iterator[str]:
    path, settings = show.shorten(ready.run.folder.path), ready.run.settings
    yield f"run folder  {path}"
    pictures = [file for found in documents.values() for file in found["artifacts"].values() if file.endswith(".png")]
    for number, picture in enumerate(pictures):
        yield f"{'' if number else 'pictures':12}{show.shorten(picture)}"
    yield f"next        disent metrics all {path}"
    yield f"            disent metrics probe {path} --set inputs=mean_std"
    other = "gmvae" if settings.model == "mlvae" else "mlvae"
    yield f"            disent run --model {other} --data {shlex.quote(settings.data)}"


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return str(value)
