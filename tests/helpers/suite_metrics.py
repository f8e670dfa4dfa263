"""Four metrics of a plugin: good ones, one that needs a decoder, one that fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from disent_plugins.contracts import Result, Value
from disent_plugins.options import Options
from disent_plugins.registry.hookspecs import hookimpl
from disent_plugins.registry.specs import MetricSpec


@dataclass(frozen=True)
class NoOptions(Options):
    """None."""


class Mean:
    """A metric: the mean of the content codes."""

    Config = NoOptions
    name = "mean"
    presets: Mapping = MappingProxyType({"study": {}})

    def __init__(self, config) -> None:
        pass

    def measure(self, subject):
        return Result(self.name, {"mean": Value(float(subject.codes.content.mean()), "score", 0.0, 1.0)}, {})


class Quality(Mean):
    name = "quality"


class Bad(Mean):
    presets: Mapping = MappingProxyType({})

    def measure(self, subject):
        raise RuntimeError("no good")


class Plugin:
    @hookimpl
    def disent_metrics(self):
        def spec(name: str, group: str, target: str, needs: tuple[str, ...] = ("codes",)) -> MetricSpec:
            return MetricSpec(name=name, summary=name, target=f"{__name__}:{target}", needs=needs, group=group)

        return [
            spec("picture", "pictures", "Mean", ("codes", "decoder")),
            spec("strange", "my own", "Bad"),
            spec("quality", "quality", "Quality"),
            spec("mean", "leakage", "Mean"),
        ]
