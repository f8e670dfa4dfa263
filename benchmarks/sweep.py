"""Sweeps against the same runs by hand, what a sweep adds to a cell, and kill -9 of a sweep at random times.

python benchmarks/sweep.py speed           # 8 cells, two at once, against one after another
python benchmarks/sweep.py kills --times 20
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DISENT = (sys.executable, "-m", "disent_plugins")
SHORT = ("--limit", "200", "--epochs", "2", "--set", "width=0.25", "--measure", "retrieval")
GRID = ("sweep", "--model", "gmvae,mlvae", "--seeds", "0:2", *SHORT, "--jobs", "2")
_NAME = "bench"


def table(sweep: Path) -> dict[str, Any]:
    """What a sweep came to, without timings: each cell's losses by epoch, its values, and the digest of its weights."""
    found = {}
    for config in sorted(sweep.glob("*/config.json")):
        lines = [json.loads(line) for line in (config.parent / "metrics.jsonl").read_text().splitlines()]
        losses = [{key: line[key] for key in ("epoch", "total")} for line in lines]
        path = config.parent / "results.json"
        documents = json.loads(path.read_text()) if path.exists() else {}
        values = {name: (document["of"], document["values"]) for name, document in documents.items()}
        found[config.parent.name] = losses, values
    return found


def finished(sweep: Path) -> dict[str, int]:
    """The cells that ended well, and how often a process of them has started."""
    found = {}
    for end in sweep.glob("cells/*.end.json"):
        if json.loads(end.read_text())["exit_code"] == 0:
            log = end.with_name(end.name.replace(".end.json", ".log"))
            found[log.stem] = log.read_text(errors="replace").count("\n--- ") + 1
    return found


def kills(folder: Path, times: int, seed: int, disent: Sequence[str] = DISENT, grid: Sequence[str] = GRID) -> list[str]:
    """Kill a sweep so often, each time anywhere in its time, and issue it again; what went wrong, in words.

    Args:
        folder: Where to work; must be empty.
        times: Kills in all. A sweep that came to its end before is begun anew.
        seed: Of the times.
        disent: The command.
        grid: What follows it.
    """
    chance, wrong, killed = random.Random(seed), [], 0
    began = time.perf_counter()
    _run(folder, disent, grid, "whole")
    span, whole = time.perf_counter() - began, table(folder / "sweeps" / "whole")
    path = folder / "sweeps" / _NAME
    while True:
        before = finished(path)
        process = _begin(folder, disent, grid, _NAME)
        try:
            process.wait(timeout=chance.uniform(0, span) if killed < times else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
            print(f"kill {killed} of {times}: {len(finished(path))} of {len(whole)} cells were done", flush=True)
        after = finished(path)
        wrong += [f"{name} was done and has run again" for name, count in before.items() if after.get(name) != count]
        if process.returncode >= 0:
            if process.returncode:
                return [*wrong, f"a sweep ended with {process.returncode}"]
            if table(path) != whole:
                wrong.append("a table is another one than that of a sweep left alone")
            if killed >= times:
                return wrong
            shutil.rmtree(path)


def speed(folder: Path, cells: int) -> None:
    """Print the wall times of a sweep and of the same runs one after another, and what a sweep adds to each."""
    began = time.perf_counter()
    for seed in range(cells):
        run = [*DISENT, "run", *SHORT, "--seed", str(seed), "--out", f"hand-{seed}"]
        subprocess.run(run, cwd=folder, env=_environment(), check=True, capture_output=True)
    by_hand = time.perf_counter() - began
    print(f"{cells} runs by hand, one after another: {by_hand:.1f} s", flush=True)
    began = time.perf_counter()
    _run(folder, DISENT, ("sweep", "--seeds", f"0:{cells}", *SHORT, "--jobs", "2"), _NAME)
    together = time.perf_counter() - began
    print(f"disent sweep, two at once: {together:.1f} s, {by_hand / together:.2f} times as fast", flush=True)
    swept = table(folder / "sweeps" / _NAME)
    for number, run in enumerate(sorted(swept, key=lambda name: int(name.split("-")[2][1:]))):
        (folder / "one").mkdir(exist_ok=True)
        shutil.move(folder / f"hand-{number}", folder / "one" / run)
    same = sum(table(folder / "one")[run] == swept[run] for run in swept)
    print(f"losses, weights and values bit for bit the same: {same} of {cells}", flush=True)
    print(f"what a sweep adds to a cell: {overhead(folder):.3f} s", flush=True)


def overhead(folder: Path, cells: int = 20) -> float:
    """Seconds that the engine takes for a cell whose process does nothing, beyond those of the process itself."""
    from disent_plugins.studies.ends import NOTES
    from disent_plugins.studies.job import Job
    from disent_plugins.studies.local import Local

    class Nothing:
        def __getattr__(self, name: str) -> Any:
            return lambda *arguments: None

    empty = [sys.executable, "-S", "-c", "pass"]
    Job.command = lambda job: empty  # type: ignore[method-assign]
    (folder / "empty" / NOTES).mkdir(parents=True)
    jobs = [Job(folder / "empty" / str(number), {"device": "cpu"}, "none", 1, (), folder) for number in range(cells)]
    began = time.perf_counter()
    for _ in jobs:
        subprocess.run(empty, check=True)
    alone = time.perf_counter() - began
    began = time.perf_counter()
    Local(1, (), 1, None).run(jobs, Nothing())
    return (time.perf_counter() - began - alone) / cells


def _run(folder: Path, disent: Sequence[str], grid: Sequence[str], name: str) -> None:
    process = _begin(folder, disent, grid, name)
    if process.wait():
        raise SystemExit(f"the sweep {name} ended with {process.returncode}")


def _begin(folder: Path, disent: Sequence[str], grid: Sequence[str], name: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.txt").open("ab") as file:
        return subprocess.Popen(
            [*disent, *grid, "--name", name], cwd=folder, env=_environment(), stdout=file, stderr=file
        )


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "kills"])
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "speed":
            speed(Path(folder), options.cells)
        else:
            wrong = kills(Path(folder), options.times, options.seed)
            print("\n".join(wrong) or "the same table every time, and nothing that was done has run again")
            sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
