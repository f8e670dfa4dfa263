"""Cells as tasks of a dask cluster, one each: dask queues them, and runs those of a lost worker again.

A task runs the same command as on this machine, in a process beside its worker. What it has done lies in the folder of
the sweep, which all machines share, so that a task that is run again goes on from the cell's checkpoint.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from disent_plugins.errors import UsageError
from disent_plugins.studies.job import Job, await_leaving, run_job
from disent_plugins.studies.local import THREADS, Watch, own_cores, thread_environment

SCHEME = "dask"
TIMEOUT = 10
"""Seconds within which a scheduler answers."""

LOOK = 0.5


class OnDask:
    """A dask cluster.

    Args:
        where: ``dask`` for a cluster of this machine, ``dask://HOST:PORT`` for one that is there.
        jobs: Workers of a cluster of this machine; None: one for every two cores.
        threads: Of each job; None: what its worker's environment says, or on this machine the cores divided by workers.
        say: Told what a person should know.

    Raises:
        UsageError: dask is not installed, or the address is none.
    """

    def __init__(self, where: str, jobs: int | None, threads: int | None, say: Callable[[str], object]) -> None:
        try:
            import distributed  # noqa: F401
        except ImportError as error:
            raise UsageError(
                "dask is not installed.", f"{error}.", 'Install it with: pip install "disent-plugins[dask]"'
            ) from error
        _, _, address = where.partition("://")
        host, _, port = address.rpartition(":")
        if where != SCHEME and not (host and port.isdecimal()):
            raise UsageError(f"--on {where} names no scheduler.", "", f"For example: --on {SCHEME}://127.0.0.1:8786")
        self.address, self._say = address and f"tcp://{address}", say
        self.jobs = jobs or max(1, own_cores() // 2)
        self._environment = {} if threads is None else dict.fromkeys(THREADS, str(threads))
        if not address and threads is None:
            self._environment = thread_environment(max(1, own_cores() // self.jobs))

    def run(self, jobs: Sequence[Job], watch: Watch) -> None:
        from distributed import wait
        from distributed.client import FIRST_COMPLETED

        with self._client() as client:
            _warn_of_workers(client, jobs, self._say)
            sizes = {job.name: _size(job) for job in jobs}
            tasks = {
                client.submit(
                    _task, job, self._environment, key=f"disent-{job.name}-{client.id}", pure=False,
                    resources={"GPU": 1} if _on_gpu(job) else None,
                ): job
                for job in jobs
            }  # fmt: skip
            begun: set[str] = set()
            try:
                while tasks:
                    with contextlib.suppress(TimeoutError):
                        wait(list(tasks), timeout=LOOK, return_when=FIRST_COMPLETED)
                    for job in tasks.values():  # a worker that begins a task writes to its log
                        if job.name not in begun and _size(job) != sizes[job.name]:
                            begun.add(job.name)
                            watch.began(job)
                    for task in [task for task in tasks if task.done()]:
                        watch.ended(job := tasks.pop(task), self._code(task, job))
                    watch.looked()
            except BaseException:
                running = [job for job in tasks.values() if job.name in begun]
                watch.stopping(len(running))
                client.cancel(list(tasks))  # a task that is running sees that, and stops its process
                await_leaving(running)  # before their workers are closed, which would stop them at once
                raise

    def _code(self, task: Any, job: Job) -> int:
        if task.status == "finished":
            return int(task.result())
        self._say(f"{job.name}: dask could not run it: {task.exception() if task.status == 'error' else task.status}")
        return 1

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        from distributed import Client, LocalCluster

        if not self.address:
            with (
                LocalCluster(
                    n_workers=self.jobs, threads_per_worker=1, dashboard_address=None, resources={"GPU": 1}
                ) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = Client(self.address, timeout=TIMEOUT)
        except (OSError, TimeoutError) as error:
            raise UsageError(
                f"No dask scheduler answers at {self.address}.",
                f"{error}.",
                "Start one with: dask scheduler, and workers with: dask worker HOST:PORT --nthreads 1",
            ) from error
        with client:
            yield client


def _task(job: Job, environment: Mapping[str, str]) -> int:
    """Run a job beside this worker, as long as the task is wanted: until it is cancelled or the sweep is gone."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state in ("executing", "long-running")

    return run_job(job, environment, wanted)


def _warn_of_workers(client: Any, jobs: Sequence[Job], say: Callable[[str], object]) -> None:
    """Tasks wait for a worker that can take them; say so where none can yet."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    if not workers:
        say("No worker has joined the scheduler yet: the cells wait for one.")
    elif any(map(_on_gpu, jobs)) and not any(worker["resources"].get("GPU") for worker in workers):
        say("No worker has a GPU to give yet: cells wait for one that is started with --resources GPU=1.")


def _on_gpu(job: Job) -> bool:
    return job.device.startswith("cuda")


def _size(job: Job) -> int:
    path = job.here / job.log
    return path.stat().st_size if path.is_file() else 0
