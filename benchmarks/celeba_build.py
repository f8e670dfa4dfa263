"""Building a CelebA cache from generated JPEGs of the official size and layout.

    python benchmarks/celeba_build.py [--images 20000] [--zip]

Reports images/s, peak memory and processor use of the build alone, which runs in a process of its own, beside the
speed of the same decoder on one thread. Nothing is left behind.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from disent_plugins.data_adapters.celeba import Celeba, shrink
from disent_plugins.data_adapters.store import prepare

ALL = 202_599


def generate(folder: Path, count: int) -> None:
    """JPEGs of 178x218 pixels and of about the real size (7 kB), 64 different ones under ``count`` names."""
    random = np.random.default_rng(0)
    jpegs = []
    for _ in range(64):
        coarse = Image.fromarray(random.integers(0, 256, (12, 10, 3), np.uint8)).resize(
            (178, 218), Image.Resampling.BICUBIC
        )
        noisy = np.asarray(coarse) + random.normal(0, 6, (218, 178, 1))
        file = io.BytesIO()
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=75)
        jpegs.append(file.getvalue())
    (folder / "img_align_celeba").mkdir()
    names = [f"{number:06d}.jpg" for number in range(1, count + 1)]
    for number, name in enumerate(names):
        (folder / "img_align_celeba" / name).write_bytes(jpegs[number % len(jpegs)])
    (folder / "identity_CelebA.txt").write_text("".join(f"{name} {i // 20 + 1}\n" for i, name in enumerate(names)))
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} 0\r\n" for name in names), newline="")


def pack(folder: Path) -> None:
    """The zip in place of the folder."""
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        for path in sorted((folder / "img_align_celeba").iterdir()):
            archive.write(path, f"img_align_celeba/{path.name}")
            path.unlink()
    (folder / "img_align_celeba").rmdir()


def show(done: int, total: int, what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{what}: {done:,} of {total:,}", end="" if done < total else "\n", file=sys.stderr)


def measure(folder: Path, results: Any) -> None:
    """Build in this process and hand back seconds, processor seconds and peak memory in bytes."""
    os.environ["DISENT_CACHE"] = str(folder / "cache")
    start, busy = time.perf_counter(), time.process_time()
    prepare(Celeba(), folder, report=show)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    results.put((time.perf_counter() - start, time.process_time() - busy, peak))


def one_thread(folder: Path, count: int) -> float:
    """Images per second that one thread reads and decodes."""
    paths = sorted((folder / "img_align_celeba").iterdir())[:count]
    start = time.perf_counter()
    for path in paths:
        shrink(path.read_bytes())
    return len(paths) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--zip", action="store_true", help="read from the zip instead of the folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, given.images)
        size = (folder / "img_align_celeba" / "000001.jpg").stat().st_size
        single = one_thread(folder, 2000)
        if given.zip:
            pack(folder)
        context = multiprocessing.get_context("spawn")
        results = context.Queue()
        process = context.Process(target=measure, args=(folder, results))
        process.start()
        seconds, busy, peak = results.get()
        process.join()
    cores, speed = len(os.sched_getaffinity(0)), given.images / seconds
    source = "the zip" if given.zip else "the folder"
    print(f"CelebA cache from {given.images:,} generated JPEGs of 178x218 ({size / 1000:.1f} kB), from {source}")
    print(f"  build                 {speed:8,.0f} images/s, {seconds:.1f} s")
    print(f"  decoding, one thread  {single:8,.0f} images/s")
    print(f"  ratio                 {speed / single:8.2f}")
    print(f"  cores busy            {busy / seconds:8.2f} of {cores}")
    print(f"  peak memory           {peak / 1e6:8,.0f} MB   (goal: below 1,000)")
    print(f"  measured on {given.images:,}; all {ALL:,} at this speed: {ALL / speed / 60:.1f} minutes")


if __name__ == "__main__":
    main()
