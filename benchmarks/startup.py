"""How long the command takes to answer: help and listings, warm, against an empty Python.

python benchmarks/startup.py [--runs 15]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

COMMANDS = (["--help"], ["models", "list"], ["data", "list"], ["metrics", "list"], ["plugins"], ["run", "--help"])


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    empty = median_seconds([sys.executable, "-c", "pass"], runs)
    print(f"{'python -c pass':24} {empty:6.3f} s")
    for command in COMMANDS:
        seconds = median_seconds([sys.executable, "-m", "disent_plugins.cli.main", *command], runs)
        print(
            f"{'disent ' + ' '.join(command):24} {seconds:6.3f} s   {seconds / empty:5.1f} x empty (goal: under 0.5 s)"
        )


def median_seconds(command: list[str], runs: int) -> float:
    """Median wall time after one warm-up."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


if __name__ == "__main__":
    main()
