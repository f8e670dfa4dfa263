"""Weights & Biases, and trackio, which takes the same calls. Both are set up by their own environment variables."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from disent_plugins.files import read_table, write_json
from disent_plugins.loggers.base import Logger


class Wandb(Logger):
    """The run's identity and the epochs that were logged lie in ``wandb.json`` of the run folder."""

    module = "wandb"

    def __init__(self) -> None:
        super().__init__()
        self.api: Any = import_module(self.module)

    def begin(self, run: Any, settings: Mapping[str, Any]) -> set[tuple[str, int]]:
        """Open the run, or go on with it."""
        self.note: Path = run.folder.path / f"{self.module}.json"
        self.kept: dict[str, Any] = {"id": secrets.token_hex(4), "known": {}}
        if self.note.is_file():
            self.kept = read_table(self.note)
        project = os.environ.get(f"{self.module.upper()}_PROJECT", "disent")
        self.run = self.api.init(
            project=project, name=run.folder.path.name, resume="allow", config=dict(settings),
            **self.where(run.folder.path),
        )  # fmt: skip
        write_json(self.note, self.kept)
        return {(name, epoch) for name, last in self.kept["known"].items() for epoch in range(1, last + 1)}

    def where(self, folder: Path) -> dict[str, Any]:
        """Further arguments of ``init``. stdout is the result, so it is not put under watch."""
        return {"id": self.kept["id"], "dir": str(folder), "settings": self.api.Settings(console="off")}

    def scalars(self, values: Mapping[str, float], epoch: int) -> None:
        """Log, and note how far."""
        self.api.log({**values, "epoch": epoch}, step=epoch)
        self.kept["known"].update(dict.fromkeys(values, epoch))
        write_json(self.note, self.kept)

    def final(self, values: Mapping[str, float], epoch: int) -> None:
        """Put what was measured into the run's summary."""
        self.run.summary.update(dict(values))

    def picture(self, name: str, path: str, epoch: int) -> None:
        """Log a PNG."""
        self.api.log({name: self.api.Image(path)})

    def end(self) -> None:
        """Finish the run."""
        self.api.finish()


class Trackio(Wandb):
    """A trackio run is known by its name, and has no summary."""

    module = "trackio"

    def where(self, folder: Path) -> dict[str, Any]:
        """Nothing."""
        return {}

    def final(self, values: Mapping[str, float], epoch: int) -> None:
        """Log what was measured, once."""
        self._once(values, epoch)
