"""``check_metric``: our metrics pass, and every kind of break is named with its remedy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from helpers.contract_files import broken

from disent_plugins import Options, Result, Value, option
from disent_plugins.errors import UsageError
from disent_plugins.options import build
from disent_plugins.registry.host import Registry
from disent_plugins.testing import check_metric

SMALL = {
    "probe": {"presets": "paper", "inputs": "mean", "bootstrap": 100},
    "leakage": {"train": 120},
    "blocks": {"train": 120},
    "dependence": {"train": 120},
    "swap": {"minimum_steps": 40},
    "factor-vae": {"train_votes": 500, "votes": 200},
    "beta-vae": {"train_votes": 500, "votes": 200},
}


@pytest.mark.parametrize("name", Registry(third_party=False).metrics.names())
def test_our_metrics_pass(name):
    registry = Registry(third_party=False)
    spec, plugin = registry.metrics.find(name)
    metric_class = registry.load(spec, plugin)
    config = build(metric_class.Config, SMALL.get(name, {}), owner="test")
    check_metric(metric_class, config=config, needs=spec.needs, name=name)


@dataclass(frozen=True)
class ToyMetricConfig(Options):
    scale: float = option(1.0, "Multiplies the score.", above=0)


class ToyMetric:
    """The mean of the content code."""

    Config = ToyMetricConfig

    def __init__(self, config):
        self.config = config

    def value(self, subject):
        return Value(float(subject.codes.content.mean()), "units", floor=0.0, estimator="mean")

    def measure(self, subject):
        return Result("toy", {"content": self.value(subject)}, {"seed": subject.seed})


def test_the_toy_metric_passes():
    check_metric(ToyMetric, name="toy")


def test_a_metric_may_refuse_codes_without_variances_in_words():
    class NeedsVariances(ToyMetric):
        def measure(self, subject):
            if subject.codes.content_logvar is None:
                raise UsageError("These codes have no variances.")
            return super().measure(subject)

    check_metric(NeedsVariances)


def metric(**members) -> type:
    return type("Broken", (ToyMetric,), members)


def saying(**changes) -> type:
    """A metric whose value is changed."""
    return metric(value=lambda self, subject: dataclasses.replace(ToyMetric.value(self, subject), **changes))


def returning(make) -> type:
    """A metric whose result is made from the proper one and the subject."""
    return metric(measure=lambda self, subject: make(ToyMetric.measure(self, subject), subject))


def _changed(result, subject):
    subject.codes.content *= 2
    return result


def _random(result, subject):
    values = {"content": dataclasses.replace(result.values["content"], value=float(np.random.rand()))}
    return dataclasses.replace(result, values=values)


def _outside(result, subject):
    elsewhere = subject.out.parent / "elsewhere.txt"
    elsewhere.write_text("x")
    return dataclasses.replace(result, artifacts={"picture": elsewhere})


@pytest.mark.parametrize(
    ("toy", "words"),
    [
        (metric(Config=dict), "Broken.Config is not a frozen dataclass"),
        (metric(measure=None), "has no method 'measure'"),
        (returning(lambda result, subject: {"content": 1.0}), "measure returns dict"),
        (returning(lambda result, subject: dataclasses.replace(result, metric="other")), "Result.metric is 'other'"),
        (returning(lambda result, subject: dataclasses.replace(result, values={})), "found nothing"),
        (returning(lambda result, subject: dataclasses.replace(result, values={"a": 1.0})), "'a' is float"),
        (returning(lambda result, subject: dataclasses.replace(result, settings={})), "has no 'seed'"),
        (
            returning(lambda result, subject: dataclasses.replace(result, settings={"seed": 0, "a": np.float32(1)})),
            "cannot be stored as JSON",
        ),
        (
            returning(lambda result, subject: dataclasses.replace(result, artifacts={"a": subject.out / "a.png"})),
            "there is no such file",
        ),
        (returning(_outside), "was written to"),
        (returning(_changed), "changed subject.codes.content"),
        (returning(_random), "other values the second time"),
        (saying(value=float("nan")), "value is nan"),
        (saying(floor=float("nan")), "floor is nan"),
        (saying(ceiling=float("nan")), "ceiling is nan"),
        (saying(ceiling=float("inf")), "ceiling is inf"),
        (saying(low=float("-inf"), high=1.0), "low is -inf"),
        (saying(low=-1.0, high=float("nan")), "high is nan"),
        (saying(value=np.float32(1)), r"value is (np\.float32\()?1\.0"),
        (saying(floor=None), "no reference point"),
        (saying(unit=""), "no unit"),
        (saying(estimator=""), "no estimator"),
        (saying(low=0.0), "half an interval"),
        (saying(low=5.0, high=6.0), "outside its own interval 5.0 to 6.0"),
        (saying(n=0), "n is 0"),
        (saying(better="higher"), "better is 'higher'"),
        (metric(measure=lambda self, subject: subject.codes.content_logvar.shape and ToyMetric.measure(self, subject)),
         "fails on codes without log-variances: AttributeError"),
        (metric(measure=lambda self, subject: subject.decode and ToyMetric.measure(self, subject)), "returns NoneType"),
    ],
)  # fmt: skip
def test_a_broken_metric_is_told_what_is_wrong(toy, words):
    broken(check_metric, toy, words, name="toy")


def test_a_metric_gets_what_it_needs():
    class Pictures(ToyMetric):
        def measure(self, subject):
            images = subject.images(np.array([1, 2]))
            assert images.shape == subject.decode(subject.codes.content[:2], subject.codes.style[:2]).shape
            return super().measure(subject)

    check_metric(Pictures, needs=("codes", "decoder", "images"))
