"""Options: what text becomes, and what is refused in which words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

import pytest

from disent_plugins import errors
from disent_plugins.errors import DisentError, UsageError, suggestion
from disent_plugins.metrics.plugin import disent_metrics
from disent_plugins.models.plugin import disent_models
from disent_plugins.options import Options, build, describe, option, parse_assignments


@dataclass(frozen=True)
class Config(Options):
    size: int = option(8, "A whole number.", low=1, high=64)
    k: float = option(2.0, "A number.", above=0)
    flag: bool = option(False, "A switch.")
    mode: Literal["a", "b"] = option("a", "A choice.")
    text: str = option("x", "Any text.")
    limit: int | None = option(None, "A number, or none.", low=2)
    milestones: tuple[int, ...] = option((), "Epochs.")


def refused(values: dict) -> str:
    with pytest.raises(UsageError) as caught:
        build(Config, values, owner="model 'm'")
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("size", "3", 3), ("size", 3, 3), ("size", 3.0, 3), ("size", "1e1", 10),
        ("k", "0.5", 0.5), ("k", 3, 3.0), ("k", "1e-3", 0.001),
        ("flag", "true", True), ("flag", "Off", False), ("flag", 1, True), ("flag", False, False),
        ("mode", "b", "b"), ("text", "7", "7"), ("text", 7, "7"),
        ("limit", "none", None), ("limit", None, None), ("limit", "20", 20),
        ("milestones", "50,100", (50, 100)), ("milestones", [50, 100], (50, 100)), ("milestones", "", ()),
        ("milestones", "none", ()), ("milestones", [50.0, "1e2"], (50, 100)), ("size", "9" , 9),
    ],
)  # fmt: skip
def test_text_becomes_a_value_of_the_options_type(name, given, expected):
    value = getattr(build(Config, {name: given}, owner="test"), name)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("size", "3.5", "a whole number >= 1 and <= 64"), ("size", "many", "a whole number"), ("size", True, "a whole"),
        ("size", 0, "out of bounds for model 'm'"), ("size", "65", ">= 1 and <= 64"), ("size", "inf", "a whole number"),
        ("k", "0", "a number > 0"), ("k", "nan", "out of bounds"), ("k", "inf", "out of bounds"),
        ("k", True, "a number"),
        ("flag", "maybe", "true or false"), ("mode", "c", "one of 'a', 'b'"), ("limit", "1", ">= 2"),
        ("limit", "few", "a whole number"), ("milestones", "100,50", "ascending"), ("milestones", "0,5", "positive"),
        ("milestones", "a,b", "50,100"), ("size", "none", "a whole number"),
        *[("milestones", bad, "50,100") for bad in ([1.5], [True], [float("inf")], [float("nan")], [[1]], 5, "1.5")],
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_what_would(name, given, words):
    message = refused({name: given})
    assert words in message
    assert name in message


@pytest.mark.parametrize("model", [spec.target for spec in disent_models()])
def test_our_models_bound_what_no_machine_can_hold(model):
    """Every number of ours has an upper bound: 1e308 is no weight, and 1e8 is no size."""
    module, name = model.split(":")
    config = getattr(import_module(module), name).Config
    for info in describe(config):
        if type(info.default) in (int, float):
            with pytest.raises(UsageError, match=f"{info.name}=.* is out of bounds"):
                build(config, {info.name: "1e308" if info.type is not int else 10**8}, owner="the model")


@pytest.mark.parametrize("metric", [spec.target for spec in disent_metrics()])
def test_our_metrics_bound_what_does_not_end(metric):
    """A thousand million times anything: only "most rows" may be any number, as the data end them."""
    module, name = metric.split(":")
    config = getattr(import_module(module), name).Config
    for info in describe(config):
        if type(info.default) is int and not info.doc.startswith(ENDED_BY_THE_DATA):
            with pytest.raises(UsageError, match=f"{info.name}=.* is out of bounds"):
                build(config, {info.name: 10**9}, owner="the metric")


ENDED_BY_THE_DATA = (
    "Most rows", "Most pairs", "Most real images", "Most test rows", "Cores", "Categories of style",
    "Classes of an episode", "Images of each class", "Fuse the content",
)  # fmt: skip


@pytest.mark.parametrize(
    ("bound", "words"), [({"high": 65_536}, "<= 65,536"), ({"low": 0.5}, ">= 0.5"), ({"high": 1e6}, "<= 1,000,000")]
)
def test_bounds_are_told_as_they_are_read(bound, words):
    described = describe(dataclasses.make_dataclass("One", [("size", float, option(1, "Size.", **bound))]))
    assert described[0].accepts.endswith(words)


def test_an_unknown_option_comes_with_a_suggestion():
    assert refused({"sizes": 3}) == "Unknown option 'sizes' for model 'm'.\nDid you mean 'size'?"
    assert "Known: flag, k, limit" in refused({"zzz": 3})


def test_bounds_and_choices_also_hold_in_code():
    with pytest.raises(UsageError, match=r"size=0 is out of bounds for Config"):
        Config(size=0)
    with pytest.raises(UsageError, match="Did you mean"):
        Config(mode="aa")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().size = 3


def test_options_describe_themselves():
    infos = {info.name: info for info in describe(Config)}
    assert list(infos) == ["size", "k", "flag", "mode", "text", "limit", "milestones"]
    assert (infos["size"].default, infos["size"].doc) == (8, "A whole number.")
    assert infos["mode"].choices == ("a", "b")
    assert infos["limit"].accepts == "a whole number >= 2"


def test_assignments_are_split_at_the_first_equals_sign():
    assert parse_assignments(["k=3", "text=a=b", "max-train= 5 "]) == {"k": "3", "text": "a=b", "max_train": "5"}
    for bad in ("k", "=3"):
        with pytest.raises(UsageError, match="key=value"):
            parse_assignments([bad])


def test_an_error_says_what_why_and_what_next():
    error = UsageError("It failed.", "The disk is full.", "Free some space.")
    assert (error.what, error.why, error.hint) == ("It failed.", "The disk is full.", "Free some space.")
    assert str(error) == "It failed.\nThe disk is full.\nFree some space."
    assert str(UsageError("It failed.")) == "It failed."
    told = [kind for kind in DisentError.__subclasses__() if kind.__module__ == errors.__name__]
    assert {kind.__name__: kind.exit_code for kind in told} == {
        "WorkFailed": 1, "UsageError": 2, "DataMissing": 3, "PluginFailure": 4, "Interrupted": 130,
    }  # fmt: skip


def test_suggestions():
    assert suggestion("gmvea", ["mlvae", "gmvae"]) == "Did you mean 'gmvae'?"
    assert suggestion("zzz", ["b", "a"]) == "Known: a, b."
    assert suggestion("zzz", []) == "None is available."
