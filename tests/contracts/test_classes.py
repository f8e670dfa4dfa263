"""What a spec names is checked when it is loaded, and its author is named."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import pytest
from helpers.training_files import with_plugin

from disent_plugins import DatasetSpec, MetricSpec, ModelSpec, Options, option
from disent_plugins.contracts.broken import ContractError
from disent_plugins.contracts.classes import check_class
from disent_plugins.errors import PluginFailure, UsageError
from disent_plugins.options import build, describe
from disent_plugins.registry.host import Plugin


@dataclass(frozen=True)
class NoDefault:
    size: int


@dataclass(frozen=True)
class UnknownType(Options):
    size: NotImported = 3  # noqa: F821


@dataclass(frozen=True)
class OutOfBounds(Options):
    size: int = option(0, "Size.", low=1)


@dataclass(frozen=True)
class NoChoice(Options):
    size: int = option(0, "Size.", low="one")


@dataclass(frozen=True)
class Raises:
    size: int = 3

    def __post_init__(self):
        raise RuntimeError("no")


def fail():
    raise RuntimeError("no")


@dataclass(frozen=True)
class FactoryRaises:
    size: int = field(default_factory=fail)


@dataclass(frozen=True)
class Text(Options):
    size: float = option("three", "Size.")


@dataclass(frozen=True)
class NotANumber(Options):
    size: float = option(float("nan"), "Size.")


@dataclass(frozen=True)
class Unstorable(Options):
    when: object = option(object(), "No JSON.")


@dataclass(frozen=True)
class NotSet:
    size: int = field(default=3, init=False)


@dataclass
class Thawed:
    size: int = 3


@dataclass(frozen=True)
class Good:
    size: int = 3
    table: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.size > 5:
            raise ValueError("too large")


class Toy:
    """A metric and a model in one."""

    Config = Good

    def encode(self): ...
    def decode(self): ...
    def loss(self): ...
    def measure(self): ...


BROKEN = {
    "no Config": (None, "Toy.Config is not a frozen dataclass"),
    "a dictionary": ({}, "is not a frozen dataclass"),
    "an instance": (Good(), "is not a frozen dataclass"),
    "thawed": (Thawed, "is not a frozen dataclass"),
    "no default": (NoDefault, "Config.size has no default"),
    "unknown type": (UnknownType, "NameError"),
    "default out of bounds": (OutOfBounds, "size=0 is out of bounds"),
    "bounds that are text": (NoChoice, "bounds that are no numbers"),
    "raises": (Raises, "RuntimeError: no"),
    "text for a number": (Text, "size=three does not fit"),
    "not a number": (NotANumber, "size=nan is out of bounds"),
    "not JSON": (Unstorable, "not be stored: TypeError"),
    "not to be set": (NotSet, "unexpected keyword argument"),
    "factory raises": (FactoryRaises, "RuntimeError: no"),
}


@pytest.mark.parametrize("kind", ["model", "metric", "data set"])
@pytest.mark.parametrize("case", BROKEN)
def test_a_config_that_cannot_be_used_is_told(kind, case, monkeypatch):
    config, words = BROKEN[case]
    monkeypatch.setattr(Toy, "Config", config)
    if kind == "data set" and config is None:
        return check_class(kind, Toy)  # it takes no options
    with pytest.raises(ContractError) as caught:
        check_class(kind, Toy)
    assert words in caught.value.what
    assert caught.value.remedy
    return None


@pytest.mark.parametrize(("kind", "member"), [("model", "encode"), ("model", "loss"), ("metric", "measure")])
def test_a_method_that_is_missing_is_told(kind, member, monkeypatch):
    monkeypatch.setattr(Toy, member, None)
    with pytest.raises(ContractError, match=f"Toy has no method '{member}'"):
        check_class(kind, Toy)


@pytest.mark.parametrize("presets", [None, ["dlib"], {"dlib": None}, {"dlib": ["bins"]}, {3: {}}])
def test_presets_are_options_by_name(presets, monkeypatch):
    monkeypatch.setattr(Toy, "presets", presets, raising=False)
    with pytest.raises(ContractError, match="presets"):
        check_class("metric", Toy)


@pytest.mark.parametrize("kind", [ModelSpec, MetricSpec, DatasetSpec])
def test_whoever_wrote_it_is_named(kind, monkeypatch):
    monkeypatch.setattr(Toy, "Config", Raises)
    spec = kind(name="toy", summary="A toy.", target=f"{__name__}:Toy")
    with pytest.raises(PluginFailure, match="plugin 'toy' of some-dist 2 breaks its contract") as caught:
        with_plugin().load(spec, Plugin("toy", "some-dist", "2"))
    assert caught.value.exit_code == 4
    assert "disent_plugins.testing" in caught.value.hint


def test_a_good_class_passes_and_a_config_may_refuse_in_its_own_way():
    check_class("metric", Toy)
    assert {info.name: info.default for info in describe(Good)} == {"size": 3, "table": {}}
    with pytest.raises(UsageError, match="The options do not fit toy") as caught:
        build(Good, {"size": 6}, owner="toy")
    assert caught.value.why == "ValueError: too large"


@pytest.mark.parametrize(
    "changes",
    [
        {"summary": None},
        {"summary": b"A toy."},
        {"reference": 3},
        {"name": None},
        {"target": 3},
        {"requires": "groups"},
        {"requires": None},
        {"requires": (1,)},
        {"recipes": None},
        {"recipes": {"default": None}},
        {"recipes": {"default": {"options": 3}}},
        {"recipes": {3: {}}},
    ],
)
def test_a_spec_is_made_of_texts(changes):
    good = {"name": "toy", "summary": "A toy.", "target": "toy:Toy"}
    with pytest.raises(TypeError, match=next(iter(changes))):
        ModelSpec(**{**good, **changes})
    made = ModelSpec(**good, requires=["groups"], recipes={"default": {"lr": 1e-3, "options": {"k": 1}}})
    assert dataclasses.replace(made) == made
