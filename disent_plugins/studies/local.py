"""Cells as processes of this machine: as many at once as was said, threads divided among them, GPUs as slots."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from disent_plugins.studies.job import LOOK, Job, Running

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
"""What libraries take for the number of cores."""

_GPUS = "CUDA_VISIBLE_DEVICES"


class Watch(Protocol):
    """Told of what happens to jobs."""

    def began(self, job: Job) -> object:
        """A process of it has started."""

    def ended(self, job: Job, exit_code: int) -> object:
        """It has ended."""

    def looked(self) -> object:
        """Nothing, several times a second."""

    def stopping(self, count: int) -> object:
        """So many are asked to leave with their checkpoints."""


class Engine(Protocol):
    """Where jobs run."""

    def run(self, jobs: Sequence[Job], watch: Watch) -> None:
        """Run all of them, failed ones as well as others.

        Raises:
            KeyboardInterrupt: A signal came; the jobs were stopped.
        """


def own_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def own_gpus() -> list[str]:
    """The GPUs that this process sees, as ``CUDA_VISIBLE_DEVICES`` names them."""
    import torch

    named = [part.strip() for part in os.environ.get(_GPUS, "").split(",") if part.strip()]
    count = torch.cuda.device_count()
    return named[:count] if named else [str(number) for number in range(count)]


def thread_environment(threads: int) -> dict[str, str]:
    """What gives a process so many threads, or as many as ``OMP_NUM_THREADS`` says where it is set."""
    return {name: os.environ.get(name) or os.environ.get(THREADS[0]) or str(threads) for name in THREADS}


class Local:
    """Processes of this machine.

    Args:
        jobs: Most at once; None: one for each slot on a GPU, or for every two cores.
        gpus: GPUs, as ``CUDA_VISIBLE_DEVICES`` names them.
        per_gpu: Jobs that share a GPU.
        threads: Of each job; None: the cores divided by ``jobs``.
    """

    def __init__(self, jobs: int | None, gpus: Sequence[str], per_gpu: int, threads: int | None) -> None:
        slots = [gpu for _ in range(per_gpu) for gpu in gpus]  # one job each before any GPU gets a second
        self.jobs = jobs or len(slots) or max(1, own_cores() // 2)
        self._slots, self._has_slots = deque(slots), bool(slots)
        self._environment = thread_environment(max(1, own_cores() // self.jobs))
        if threads is not None:
            self._environment = dict.fromkeys(THREADS, str(threads))

    def run(self, jobs: Sequence[Job], watch: Watch) -> None:
        waiting, running = list(jobs), dict[Running, str | None]()
        try:
            while waiting or running:
                while len(running) < self.jobs and (job := self._next(waiting)) is not None:
                    slot = self._slots.popleft() if on_any_gpu(job.device) and self._slots else None
                    watch.began(job)
                    running[Running(job, self._environment | _on(slot))] = slot
                self._collect(running, watch)
                watch.looked()
                time.sleep(LOOK)
        except BaseException:
            self._stop(running, watch)
            raise

    def _next(self, waiting: list[Job]) -> Job | None:
        """The first job that there is room for, taken from those that wait."""
        for job in waiting:
            if not on_any_gpu(job.device) or self._slots or not self._has_slots:
                waiting.remove(job)
                return job
        return None

    def _collect(self, running: dict[Running, str | None], watch: Watch) -> None:
        for one in list(running):
            code = one.poll()
            if code is not None:
                slot = running.pop(one)
                if slot is not None:
                    self._slots.append(slot)
                watch.ended(one.job, code)

    def _stop(self, running: dict[Running, str | None], watch: Watch) -> None:
        """Let all leave with their checkpoints; a second signal stops them at once."""
        watch.stopping(len(running))
        number = signal.SIGINT
        while running:
            try:
                for one in running:
                    one.signal(number)
                while running:
                    self._collect(running, watch)
                    time.sleep(LOOK)
            except KeyboardInterrupt:
                number = signal.SIGKILL


def on_any_gpu(device: str) -> bool:
    """Whether a cell takes whichever GPU it gets; one that names its GPU sees all of them."""
    return device in ("auto", "cuda")


def _on(slot: str | None) -> dict[str, str]:
    return {} if slot is None else {_GPUS: slot}
