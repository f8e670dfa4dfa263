"""The hooks a plugin may implement, as typed docstrings. Mark implementations with ``disent_plugins.hookimpl``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from disent_plugins.registry.specs import DatasetSpec, LoggerSpec, MetricSpec, ModelSpec

hookspec = pluggy.HookspecMarker("disent")
hookimpl = pluggy.HookimplMarker("disent")


@hookspec
def disent_models() -> list[ModelSpec]:  # type: ignore[empty-body]
    """The models this plugin adds."""


@hookspec
def disent_datasets() -> list[DatasetSpec]:  # type: ignore[empty-body]
    """The data sets this plugin adds."""


@hookspec
def disent_metrics() -> list[MetricSpec]:  # type: ignore[empty-body]
    """The metrics this plugin adds."""


@hookspec
def disent_loggers() -> list[LoggerSpec]:  # type: ignore[empty-body]
    """The loggers this plugin adds: run hooks that are called in runs that ask for them, ``disent run --log NAME``."""


@hookspec
def disent_run_started(run: Any) -> None:
    """Training starts or resumes.

    Args:
        run: The ``disent_plugins.training.trainer.Run``: ``folder``, ``settings``, ``epochs``, ``steps_per_epoch``,
            ``images_per_epoch``, ``first_epoch``.
    """


@hookspec
def disent_batch_ended(run: Any, epoch: int, step: int) -> None:
    """Step ``step`` (from 1) of epoch ``epoch`` (from 1) is done. Must be quick: it is called for every batch."""


@hookspec
def disent_epoch_ended(run: Any, epoch: int, losses: Mapping[str, float]) -> None:
    """An epoch is done, and its checkpoint is saved.

    Of an epoch whose process was killed before every plugin had been told, all are told when the run goes on, after
    ``disent_run_started``; some of them then for the second time.

    Args:
        run: As above.
        epoch: Counted from 1.
        losses: ``total`` and the model's terms averaged over the epoch, ``validation/...`` likewise where there is
            a validation split, ``seconds``, ``images_per_second``, ``data_wait`` (share of the seconds in which the
            steps waited for images) and ``learning_rate``.
    """


@hookspec
def disent_run_noted(run: Any, note: str) -> None:
    """Something about a run that a person should know, in one line.

    Args:
        run: As above.
        note: Such as ``warning: ...``.
    """


@hookspec
def disent_run_ended(run: Any, results: Mapping[str, Any]) -> None:
    """Everything is done.

    Args:
        run: As above.
        results: Metric name to its JSON document.
    """
