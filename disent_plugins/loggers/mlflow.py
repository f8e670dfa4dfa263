"""MLflow: a run on the server that ``MLFLOW_TRACKING_URI`` names, otherwise in ``./mlruns``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from disent_plugins.files import read_table, write_json
from disent_plugins.loggers.base import Logger

_MOST = 500
"""Numbers in one request; servers take a thousand."""


class Mlflow(Logger):
    """Which run it is, and where, lies in ``mlflow.json`` of the run folder."""

    def begin(self, run: Any, settings: Mapping[str, Any]) -> set[tuple[str, int]]:
        """Open the run, or go on with it, and read what it holds."""
        note: Path = run.folder.path / "mlflow.json"
        kept = read_table(note) if note.is_file() else {"uri": _place(), "run": ""}
        if kept["uri"].startswith("file:"):  # the store that needs no database, which MLflow asks to be allowed
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        self.client = MlflowClient(tracking_uri=kept["uri"])
        if not kept["run"]:
            kept["run"] = self.client.create_run(self._experiment(), run_name=run.folder.path.name).info.run_id
            write_json(note, kept)
        self.run = kept["run"]
        self.client.update_run(self.run, status="RUNNING")
        data = self.client.get_run(self.run).data
        texts = {name: str(value) for name, value in settings.items()}
        new = [Param(name, value) for name, value in texts.items() if name not in data.params]
        self.client.log_batch(self.run, params=new)
        for name, value in data.params.items():  # which cannot be changed there
            if texts.get(name, value) != value:
                self.client.set_tag(self.run, f"resumed.{name}", texts[name])
        return {(name, one.step) for name in data.metrics for one in self.client.get_metric_history(self.run, name)}

    def scalars(self, values: Mapping[str, float], epoch: int) -> None:
        """Send them."""
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, epoch) for name, value in values.items()]
        for first in range(0, len(metrics), _MOST):
            self.client.log_batch(self.run, metrics=metrics[first : first + _MOST])

    def picture(self, name: str, path: str, epoch: int) -> None:
        """Keep a PNG among the run's artifacts."""
        self.client.log_artifact(self.run, path, "figures")

    def end(self) -> None:
        """Mark the run as finished."""
        self.client.set_terminated(self.run)

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "disent")
        found = self.client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self.client.create_experiment(name))


def _place() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or (Path.cwd() / "mlruns").as_uri()
