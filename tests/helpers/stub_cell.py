"""A program that leaves what ``disent run`` does in a run folder, in no time; and what puts it in its place.

Files in the current folder say what befalls a seed: ``fail-0`` (exit code 1), ``loose-0`` (SIGKILL, once), ``hold-0``
(a named pipe: it waits after its first epoch until somebody has opened it to write, and closed it).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path


def command(job) -> list[str]:
    """In the place of ``Job.command``."""
    begun = (job.here / job.path / "config.json").is_file()
    where = ["--resume", job.path] if begun else ["--config", job.config, "--out", job.path]
    return [sys.executable, "-S", __file__, *map(str, where), "--measure", job.measure]


def put_in_place() -> None:
    """Have every job of this process run the stub."""
    from disent_plugins.studies.job import Job

    Job.command = command  # type: ignore[method-assign]


def dask_setup(worker) -> None:
    """Called in a dask worker that has this module as its preload."""
    put_in_place()


def train(path: Path, settings: dict) -> None:
    (path / "checkpoints").mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps(settings))
    with (path / "started").open("a") as file:
        file.write(f"{os.getpid()} {os.getppid()} {json.dumps({k: os.environ.get(k) for k in SHOWN})}\n")
    losses = path / "metrics.jsonl"
    done, seed = len(losses.read_text().splitlines()) if losses.exists() else 0, settings["seed"]
    for epoch in range(done + 1, settings["epochs"] + 1):
        with losses.open("a") as file:
            file.write(json.dumps({"epoch": epoch, "seconds": 2.0, "images_per_second": 9.0, "total": 1.0}) + "\n")
        if Path(f"fail-{seed}").exists():
            sys.exit("error: The loss is no longer a finite number.\n       Try a smaller learning rate.")
        if Path(f"loose-{seed}").exists():
            Path(f"loose-{seed}").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        if epoch == 1 and Path(f"hold-{seed}").exists():
            Path(f"hold-{seed}").read_bytes()
    (path / "checkpoints" / "last.pt").write_text("weights")
    (path / "results.json").write_text("{}")


SHOWN = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT", "CUDA_VISIBLE_DEVICES")


def main() -> None:
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    path = Path(given.get("--resume") or given["--out"])
    settings = json.loads(Path(given.get("--config") or path / "config.json").read_text())
    try:
        train(path, settings)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
