"""Content/style disentanglement: models, data sets and metrics as interchangeable plugins.

Plugin authors need only what this module names; importing it loads no torch.

    from disent_plugins import ModelSpec, hookimpl

    @hookimpl
    def disent_models():
        return [ModelSpec(name="mine", summary="My model.", target="my_package.model:MyModel")]

Anybody's codes are measured in one call, ``measure``:

    result = disent_plugins.measure("mig", codes=z, factors=v)

Runs are trained and used again with ``train`` and ``open_run``:

    run = disent_plugins.open_run("runs/mine")
    content, style = run.encode(images)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from disent_plugins.version import __version__ as __version__

if TYPE_CHECKING:
    from disent_plugins.about import About as About
    from disent_plugins.about import Expect as Expect
    from disent_plugins.contracts import Codes as Codes
    from disent_plugins.contracts import DatasetInfo as DatasetInfo
    from disent_plugins.contracts import Factor as Factor
    from disent_plugins.contracts import Gaussian as Gaussian
    from disent_plugins.contracts import GroupBatch as GroupBatch
    from disent_plugins.contracts import ImageSpec as ImageSpec
    from disent_plugins.contracts import Items as Items
    from disent_plugins.contracts import Loss as Loss
    from disent_plugins.contracts import Posterior as Posterior
    from disent_plugins.contracts import Result as Result
    from disent_plugins.contracts import Subject as Subject
    from disent_plugins.contracts import TrainingData as TrainingData
    from disent_plugins.contracts import Update as Update
    from disent_plugins.contracts import Value as Value
    from disent_plugins.data_adapters.adapter import RawFile as RawFile
    from disent_plugins.data_adapters.adapter import RawTable as RawTable
    from disent_plugins.data_adapters.own.dataset import prepare as prepare
    from disent_plugins.errors import UsageError as UsageError
    from disent_plugins.measuring.all_arrays import measure_all as measure_all
    from disent_plugins.measuring.arrays import measure as measure
    from disent_plugins.measuring.exported import open_export as open_export
    from disent_plugins.measuring.runs import open_run as open_run
    from disent_plugins.measuring.runs import train as train
    from disent_plugins.options import Options as Options
    from disent_plugins.options import option as option
    from disent_plugins.registry.hookspecs import hookimpl as hookimpl
    from disent_plugins.registry.specs import API_VERSION as API_VERSION
    from disent_plugins.registry.specs import DatasetSpec as DatasetSpec
    from disent_plugins.registry.specs import LoggerSpec as LoggerSpec
    from disent_plugins.registry.specs import MetricSpec as MetricSpec
    from disent_plugins.registry.specs import ModelSpec as ModelSpec

_HOME = {
    "disent_plugins.about": ("About", "Expect"),
    "disent_plugins.contracts": (
        "Codes", "DatasetInfo", "Factor", "Gaussian", "GroupBatch", "ImageSpec", "Items", "Loss", "Posterior", "Result",
        "Subject", "TrainingData", "Update", "Value",
    ),
    "disent_plugins.data_adapters.adapter": ("RawFile", "RawTable"),
    "disent_plugins.data_adapters.own.dataset": ("prepare",),
    "disent_plugins.errors": ("UsageError",),
    "disent_plugins.options": ("Options", "option"),
    "disent_plugins.registry.hookspecs": ("hookimpl",),
    "disent_plugins.registry.specs": ("API_VERSION", "DatasetSpec", "LoggerSpec", "MetricSpec", "ModelSpec"),
    "disent_plugins.measuring.all_arrays": ("measure_all",),
    "disent_plugins.measuring.arrays": ("measure",),
    "disent_plugins.measuring.exported": ("open_export",),
    "disent_plugins.measuring.runs": ("open_run", "train"),
}  # fmt: skip
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted([*_MODULE, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module 'disent_plugins' has no attribute {name!r}")
    return getattr(import_module(_MODULE[name]), name)


def __dir__() -> list[str]:
    return __all__
