"""``disent_plugins.measure``: any metric on anybody's arrays in one call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.metric_files import codes as codes_in_blocks
from helpers.metric_files import subject

import disent_plugins
from disent_plugins import MetricSpec, Options, Result, Subject, Value, hookimpl
from disent_plugins.contracts.findings import NUMBERS
from disent_plugins.errors import PluginFailure, UsageError, shown
from disent_plugins.measuring.measure import measure
from disent_plugins.registry.host import Registry

NO_NUMBERS = ("0.1", True, 1j, Fraction(1, 2), 10**400, float("nan"), [0.5])
deep: list = []
deep.append(deep)

V = np.stack(np.divmod(np.arange(640) % 64, 8), axis=1)


def test_codes_in_one_piece_are_enough_for_a_metric_of_factors(tmp_path):
    found = disent_plugins.measure("mig", codes=V.astype(float), factors=V, out=tmp_path)
    assert found.values["mig"].value == pytest.approx(1.0, abs=0.03)
    assert found.values["mig"].floor == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize("metric", ["mig", "dci", "leakage"])  # they draw
def test_nothing_is_written_unless_a_folder_is_named(metric, tmp_path, monkeypatch):
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    generator = np.random.default_rng(0)
    arrays = {"content": V + 0.1 * generator.normal(size=V.shape), "style": generator.normal(size=V.shape)}
    options = {"train": 400} if metric == "leakage" else {}
    silent = disent_plugins.measure(metric, **arrays, factors=V, options=options)
    assert list(tmp_path.rglob("*")) == [work, temporary]
    assert dict(silent.artifacts) == {}
    drawn = disent_plugins.measure(metric, **arrays, factors=V, options=options, out="pictures")
    assert drawn.artifacts
    assert all(path.is_file() and path.parent == Path("pictures") for path in drawn.artifacts.values())
    assert silent.values == drawn.values


def test_a_preset_is_named_in_the_result(tmp_path):
    found = disent_plugins.measure("mig", codes=V.astype(float), factors=V, preset="dlib", out=tmp_path)
    assert found.settings["preset"] == "dlib"
    assert found.settings["binning"] == "width"


def test_blocks_of_one_array_are_the_same_as_two_arrays(tmp_path):
    generator, labels = np.random.default_rng(0), np.arange(200) % 2
    content = labels[:, None] + generator.normal(size=(200, 2))
    style = generator.normal(size=(200, 3))
    one = disent_plugins.measure(
        "dependence", codes=np.hstack([content, style]), blocks=("0:2", "2:5"), labels=labels, out=tmp_path
    )
    two = disent_plugins.measure("dependence", content=content, style=style, labels=labels, out=tmp_path)
    assert one.values == two.values


def test_a_metric_of_two_blocks_asks_for_them(tmp_path):
    with pytest.raises(UsageError, match="in one piece") as caught:
        disent_plugins.measure("probe", codes=V.astype(float), factors=V, out=tmp_path)
    # A suite tells what and why of a metric that it leaves out, and no hint.
    assert '--content 0:1 --style 1:2 (in Python: blocks=("0:1", "1:2"))' in caught.value.why


def test_a_metric_that_needs_a_model_names_the_arguments(tmp_path):
    with pytest.raises(UsageError, match="needs decoder and images") as caught:
        disent_plugins.measure("reconstruction", codes=V.astype(float), factors=V, out=tmp_path)
    assert "in Python, pass decode=, images=" in caught.value.hint


@pytest.mark.parametrize("seed", [-1, 1.5, 2**31, True, None, "1"])
def test_a_seed_is_a_whole_number(seed, tmp_path):
    with pytest.raises(UsageError, match="is no seed"):
        disent_plugins.measure("mig", codes=V.astype(float), factors=V, seed=seed, out=tmp_path)


def test_a_seed_of_numpy_is_a_seed(tmp_path):
    found = disent_plugins.measure("mig", codes=V.astype(float), factors=V, seed=np.int64(3), out=tmp_path)
    assert type(found.settings["seed"]) is int


@pytest.mark.parametrize("names", ["a", "ab"])
def test_one_text_is_not_the_names_of_factors(names, tmp_path):
    with pytest.raises(UsageError, match="is one text"):
        disent_plugins.measure("mig", codes=V.astype(float), factors=V, factor_names=names, out=tmp_path)


def test_the_call_is_what_lacks_an_array(tmp_path):
    with pytest.raises(UsageError, match=r"The call has no array 'style'\.\nIt holds: content, factors\."):
        disent_plugins.measure("probe", content=V.astype(float), factors=V, out=tmp_path)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    with pytest.raises(UsageError, match="Cannot write /proc/x"):
        disent_plugins.measure("mig", codes=V.astype(float), factors=V, out="/proc/x")


# Metrics of others


@dataclass(frozen=True)
class NoOptions(Options):
    pass


class Toy:
    """A metric that does what a test makes it do."""

    Config = NoOptions

    def __init__(self, config):
        pass

    @staticmethod
    def does(subject):
        raise NotImplementedError

    def measure(self, subject):
        return Toy.does(subject)


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """Measure codes with a metric of another package, given as a function of the subject."""
    registry = Registry(points=[])
    spec = MetricSpec(name="toy", summary="A toy.", target=f"{__name__}:Toy")
    hooks = SimpleNamespace(disent_metrics=hookimpl(lambda: [spec], specname="disent_metrics"))
    registry.add(hooks, name="toy", distribution="toy", version="1.0")

    def run(does, given=None):
        monkeypatch.setattr(Toy, "does", staticmethod(does))
        return measure(registry, "toy", {}, given if isinstance(given, Subject) else subject(tmp_path, given))

    return run


def result(value: object = None, **changes) -> Result:
    good = Value(0.5, "accuracy", floor=0.25, ceiling=1.0, n=600, estimator="counted", better="up")
    return Result("toy", {"a": replace(good, **changes) if value is None else value}, {"seed": 0})


@pytest.mark.parametrize("name", ["content", "style", "factors", "split", "content_logvar", "style_logvar"])
def test_a_metric_cannot_change_what_others_read(toy, name):
    given = codes_in_blocks(80)
    before = getattr(given, name).copy()

    def spoil(subject):
        getattr(subject.codes, name)[:] = 0

    with pytest.raises(PluginFailure, match="ValueError: assignment destination is read-only"):
        toy(spoil, given)
    np.testing.assert_array_equal(getattr(given, name), before)
    getattr(given, name)[:] = 1  # the caller's own arrays stay writable

    def unlock(subject):
        getattr(subject.codes, name).flags.writeable = True

    with pytest.raises(PluginFailure, match="cannot set WRITEABLE flag"):
        toy(unlock, given)


def test_a_metric_changes_nothing_that_the_metrics_of_others_are_told(toy, tmp_path):
    given = subject(tmp_path, codes_in_blocks(80))
    given.shared["ours"], given.of = np.ones(3), {"codes": "sha256:0"}

    def spoil(lent):
        assert "ours" not in lent.shared
        lent.shared["theirs"] = lent.of["codes"] = "spoilt"
        return result()

    def see(lent):
        assert lent.shared["theirs"] == "spoilt"  # what one metric of a package keeps, its others find
        return result()

    toy(spoil, given)
    toy(see, given)
    assert given.of == {"codes": "sha256:0"}
    assert "theirs" not in given.shared


def test_a_metric_cannot_exchange_what_others_read(toy):
    given = codes_in_blocks(80)
    before = given.content

    def exchange(subject):
        subject.codes.content = subject.codes.content * 0
        return result()

    toy(exchange, given)
    assert given.content is before


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (replace(result(), metric="other"), "Result.metric is 'other', and the metric is registered as 'toy'"),
        (replace(result(), metric=None), "Result.metric is None"),
        (result(value=0.5), "value 'a' is float, no disent_plugins.Value"),
        (result(floor=1.0, ceiling=0.0), "its floor, 1.0, lies above its ceiling, 0.0"),
        *[(result(Value(found, "accuracy")), f"value is {shown(found)}, no finite number") for found in NO_NUMBERS],
        *[(result(**{part: x}), f"{part} is {shown(x)}, no finite number") for part in NUMBERS[1:] for x in NO_NUMBERS],
        (result(Value(None, "accuracy")), "value is None, no finite number"),
        (result(n="many"), "n is 'many'"),
        (result(n=-1), "n is -1"),
        (result(n=2.5), "n is 2.5"),
        (result(unit=None), "unit is None"),
        (result(estimator=3), "estimator is 3"),
        (result(better=None), "better is None"),
        (result(better=["up"]), "better is ['up']"),
        (replace(result(), values=None), "Result.values is None"),
        (replace(result(), values={None: Value(0.5, "x")}), "Result.values is {None"),
        (replace(result(), settings="seed"), "Result.settings is 'seed'"),
        (replace(result(), settings={"deep": deep}), "RecursionError"),
        (replace(result(), settings={"large": 10**5000}), "ValueError"),
        (replace(result(), artifacts=["a.png"]), "Result.artifacts is ['a.png']"),
        (replace(result(), artifacts={"a": 3}), "artifact 'a' is 3"),
        (replace(result(), notes="one"), "Result.notes is 'one'"),
        (replace(result(), notes=[None]), "Result.notes is [None]"),
        (None, "returns NoneType"),
    ],
)
def test_a_result_that_is_not_what_it_must_be_is_the_plugins_failure(toy, made, words):
    with pytest.raises(PluginFailure, match="Metric 'toy' could not be measured") as caught:
        toy(lambda subject: made)
    assert words in caught.value.why
    assert caught.value.exit_code == 4
    assert "toy" in caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"better": "down", "floor": 52.9, "ceiling": 0.0},  # an error
        {"better": "down", "floor": 0.25, "ceiling": 1.0},  # a leak
        {"better": "", "floor": 1.0, "ceiling": 0.0},
        {"floor": 1.0, "ceiling": 1.0},
        {"floor": 1.0, "ceiling": None},
        {"floor": 0.6, "ceiling": 0.5, "n": 6},  # chance, of so few
    ],
)
def test_reference_points_that_may_be_so_are_accepted(toy, changes):
    assert toy(lambda subject: result(**changes)).values == result(**changes).values


@pytest.mark.parametrize(("n", "notes"), [(6, 1), (49, 1), (50, 0), (0, 0), (None, 0)])
def test_few_test_samples_are_noted_once(toy, n, notes):
    made = result(n=n)
    found = toy(lambda subject: replace(made, values={"a": made.values["a"], "b": made.values["a"]}))
    assert list(found.notes) == [f"N = {n}: values and intervals of so few test samples say little."] * notes
