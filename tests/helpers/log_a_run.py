"""A run told to a logger, and what the log then holds as JSON: ``python log_a_run.py LOGGER FOLDER``.

Two epochs, the second of them told twice; the process "is killed" and the run goes on: the second epoch is told once
more, then the third, then the end.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from disent_plugins.loggers import plugin
from disent_plugins.registry.host import Registry
from disent_plugins.training.settings import RunSettings


def losses(epoch: int) -> dict[str, float]:
    return {
        "total": 10.0 / epoch, "odd (term)/é": 0.5, "validation/total": 12.0 / epoch, "images_per_second": 100.0,
        "learning_rate": 1e-3,
    }  # fmt: skip


def run(folder: Path, first: int, epochs: int) -> Any:
    settings = RunSettings(epochs=epochs, options={"k": 2.0})
    places = SimpleNamespace(path=folder, losses=folder / "metrics.jsonl")
    return SimpleNamespace(folder=places, settings=settings, epochs=epochs, first_epoch=first)


def registry(name: str) -> Registry:
    found = Registry(points=[])
    found.add(plugin, name="loggers")
    found.log_to(name)
    found.on_skip = lambda skipped: sys.exit(skipped.line)
    return found


def tell(name: str, folder: Path) -> None:
    """What the trainer tells, ``metrics.jsonl`` included, which the run keeps itself."""
    first = registry(name)
    begun = run(folder, 1, 2)
    first.notify("disent_run_started", run=begun)
    for epoch in (1, 2, 2):
        first.notify("disent_epoch_ended", run=begun, epoch=epoch, losses=losses(epoch))
    lines = [json.dumps({"epoch": epoch, **losses(epoch)}) for epoch in (1, 2)]
    begun.folder.losses.write_text("\n".join(lines) + "\n")
    if name == "wandb":
        import wandb

        wandb.teardown()  # as the end of the process does
    second = registry(name)
    resumed = run(folder, 3, 3)
    second.notify("disent_run_started", run=resumed)
    for epoch in (2, 3):
        second.notify("disent_epoch_ended", run=resumed, epoch=epoch, losses=losses(epoch))
    picture = folder / "grid.png"
    Image.fromarray(np.full((4, 6, 3), 200, np.uint8)).save(picture)
    reference = {"content/mean": {"floor": 0.1, "ceiling": 1.0, "low": 0.8, "high": None}}
    document = {"values": {"content/mean": 0.9}, "reference": reference, "artifacts": {"grid": str(picture)}}
    second.notify("disent_run_ended", run=resumed, results={"probe": document})


def tensorboard(folder: Path) -> dict[str, Any]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    series = {name: [[one.step, one.value] for one in found.Scalars(name)] for name in found.Tags()["scalars"]}
    (settings, *_) = found.Tensors("settings/text_summary")
    pictures = {name: [found.Images(name)[0].width, found.Images(name)[0].height] for name in found.Tags()["images"]}
    return {"series": series, "settings": settings.tensor_proto.string_val[0].decode(), "pictures": pictures}


def records(content: bytes) -> Iterator[bytes]:
    """The records of a LevelDB log: blocks of 32 KiB; before each piece a checksum, its length and its kind."""
    at, piece = 7, b""  # behind the mark of the format
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
        length, kind = struct.unpack_from("<HB", content, at + 4)
        piece += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # the whole of a record, or its last piece
            yield piece
            piece = b""


def wandb(folder: Path) -> dict[str, Any]:
    import wandb
    from wandb.proto import wandb_internal_pb2

    wandb.teardown()  # what is written is on the disk now
    series: dict[str, list[Any]] = {}
    settings, summary, runs = {}, {}, set()
    for file in sorted((folder / "wandb").glob("offline-run-*/*.wandb"), key=lambda path: path.stat().st_mtime_ns):
        for data in records(file.read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            runs |= {record.run.run_id} - {""}
            for update in (*record.run.config.update, *record.config.update):
                settings[update.key] = json.loads(update.value_json)
            row = {".".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.history.item}
            for name, value in row.items():
                if not name.startswith("_") and isinstance(value, float | int):
                    series.setdefault(name, []).append([row["epoch"], value])
            for item in record.summary.update:
                summary[".".join(item.nested_key) or item.key] = json.loads(item.value_json)
    return {
        "series": series, "settings": settings, "summary": summary, "runs": sorted(runs),
        "pictures": {name: summary[f"{name}.width"] for name in ("probe/grid",)},
    }  # fmt: skip


def mlflow(folder: Path) -> dict[str, Any]:
    from mlflow import MlflowClient

    kept = json.loads((folder / "mlflow.json").read_text())
    client = MlflowClient(tracking_uri=kept["uri"])
    found = client.get_run(kept["run"])
    history = {name: client.get_metric_history(kept["run"], name) for name in found.data.metrics}
    (experiment,) = [one.experiment_id for one in client.search_experiments() if one.name == "disent"]
    return {
        "series": {name: [[one.step, one.value] for one in history[name]] for name in history},
        "settings": found.data.params,
        "tags": found.data.tags,
        "pictures": [file.path for file in client.list_artifacts(kept["run"], "figures")],
        "status": found.info.status,
        "runs": len(client.search_runs([experiment])),
    }


if __name__ == "__main__":
    which, place = sys.argv[1], Path(sys.argv[2])
    os.chdir(place)
    tell(which, place)
    print(json.dumps({"tensorboard": tensorboard, "wandb": wandb, "mlflow": mlflow}[which](place)))
