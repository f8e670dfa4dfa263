from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from training_files import Squares, begin, with_plugin

from disent_plugins import MetricSpec, Result, Value
from disent_plugins.contracts import ImageTable
from disent_plugins.errors import DisentError, PluginFailure, UsageError, WorkFailed
from disent_plugins.metrics.codes_file import read_codes
from disent_plugins.registry.host import OURS, Plugin
from disent_plugins.training import trained
from disent_plugins.training.documents import document, plain
from disent_plugins.training.evaluate import after_training, measure
from disent_plugins.training.folder import RunFolder, environment, find_folder, new_folder
from disent_plugins.training.settings import RunSettings


def table() -> ImageTable:
    raw = Squares().read(None)
    return ImageTable(Squares.info, np.concatenate(list(raw.slabs)), raw.factors, raw.split, "abc")


def written(path: Path, settings: RunSettings | None = None, age: int = 0) -> RunFolder:
    folder = RunFolder(path)
    folder.write_start(settings or RunSettings(), table(), torch.device("cpu"))
    os.utime(folder.config, ns=(10**18 - age, 10**18 - age))
    return folder


# Names


def test_a_new_run_lies_under_runs_with_its_time_and_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda form: "20250102-030405")
    settings = RunSettings(model="some-dist:gmvae", data="digits", seed=3)
    first = new_folder(settings, None)
    assert first.path == Path("runs/20250102-030405_some-dist-gmvae_digits_s3")
    first.path.mkdir(parents=True)
    assert new_folder(settings, None).path.name == first.path.name + "_2"


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path):
    written(tmp_path / "a")
    with pytest.raises(UsageError, match=r"already holds a run.*\n.*\n.*disent run --resume .*a"):
        new_folder(RunSettings(), tmp_path / "a")
    assert new_folder(RunSettings(), tmp_path / "b").path == tmp_path / "b"


def test_runs_are_found_by_path_by_name_and_as_the_newest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"There is no run yet.*\n.*\n.*disent run"):
        find_folder(None)
    for name, age in (("old", 20), ("new", 10), ("older", 30)):
        written(Path("runs") / name, age=age)
    assert find_folder(None).path == Path("runs/new")
    assert find_folder(Path("old")).path == Path("runs/old")
    assert find_folder(Path("runs/old")).path == Path("runs/old")
    with pytest.raises(UsageError, match=r"nothing is not a run.*\nThere is no such folder.*\n.*disent run"):
        find_folder(Path("nothing")).settings()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty is not a run.*\nIt has no config\.json"):
        find_folder(Path("empty")).settings()


# Content


def test_the_settings_come_back_as_they_were(tmp_path):
    given = RunSettings(milestones=(3, 5), limit=None, sampler="pairs", options={"k": 2.0, "k_unlabelled": None})
    assert written(tmp_path, given).settings() == given
    assert json.loads((tmp_path / "config.json").read_text()) == {**asdict(given), "milestones": [3, 5]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "does not hold a table of settings"),
        ('{"epochz": 3}', r"Unknown option 'epochz' for .*config\.json.*\nDid you mean 'epochs'"),
        ('{"epochs": 0}', "epochs=0 is out of bounds"),
    ],
)
def test_a_broken_configuration_is_refused(tmp_path, text, message):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        RunFolder(tmp_path).settings()


def test_a_run_records_its_data_and_its_surroundings(tmp_path):
    written(tmp_path)
    data = json.loads((tmp_path / "data.json").read_text())
    assert (data["name"], data["content_hash"], data["images"], data["cache"]) == ("squares", "abc", 64, None)
    found = json.loads((tmp_path / "environment.json").read_text())
    assert found["device"] == "cpu"
    assert found["gpu"] is None
    assert found["libraries"]["torch"] == torch.__version__
    assert found["disent-plugins"] == "0.1.0"
    assert environment()["device"] is None


def test_results_are_merged(tmp_path):
    folder = RunFolder(tmp_path)
    folder.add_results({"probe": {"values": {"a": 1.0}}, "samples": {}})
    folder.add_results({"probe": {"values": {"a": 2.0}}})
    assert json.loads(folder.results.read_text()) == {"probe": {"values": {"a": 2.0}}, "samples": {}}


# Codes


@pytest.fixture
def opened(tmp_path, cache, monkeypatch):
    """A run on the squares, read back; ``encoded`` counts how often its images went through the encoder."""
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    begin(tmp_path / "run", epochs=2).fit()
    found = trained.open_run(with_plugin(), RunFolder(tmp_path / "run"))
    inner, found.encoded = trained.encode, 0

    def encode(*arguments):
        found.encoded += 1
        return inner(*arguments)

    monkeypatch.setattr(trained, "encode", encode)
    return found


def test_images_are_encoded_once_and_kept(opened):
    first, second = opened.subject(), opened.subject(seed=5)
    assert opened.encoded == 1
    assert (first.seed, second.seed) == (0, 5)
    assert "run" in first.name
    assert first.out == opened.folder.figures
    for name in ("content", "style", "content_logvar", "style_logvar", "factors", "split"):
        np.testing.assert_array_equal(getattr(first.codes, name), getattr(second.codes, name))
    kept = read_codes(opened.folder.codes)
    assert kept.factor_names == ("place", "grey")
    np.testing.assert_array_equal(kept.labels, opened.table.labels)
    images = opened.pixels.batch(torch.arange(64))
    with torch.no_grad():
        expected = opened.model.encode(images).content.mean
    np.testing.assert_allclose(kept.content, expected, atol=1e-5)


def test_codes_of_another_checkpoint_are_not_reused(opened):
    opened.subject()
    opened.which = "best"
    opened.subject()
    opened.subject()
    assert opened.encoded == 2
    opened.which = "last"
    os.utime(opened.folder.checkpoint("last"), ns=(1, 1))  # as after more training
    opened.subject()
    assert opened.encoded == 3


@pytest.mark.parametrize("name", ["codes.h5", "codes.json"])
def test_damaged_codes_are_encoded_again(opened, name):
    before = opened.subject().codes
    path = opened.folder.path / name
    path.write_bytes(path.read_bytes()[:20])
    np.testing.assert_array_equal(opened.subject().codes.content, before.content)
    assert opened.encoded == 2
    opened.subject()
    assert opened.encoded == 2


def test_the_decoder_and_the_images_of_a_subject_are_those_of_the_run(opened):
    subject = opened.subject()
    images = subject.images(np.array([3, 0]))
    np.testing.assert_allclose(images, table().images[[3, 0]] / np.float32(255), rtol=1e-6)
    drawn = subject.decode(subject.codes.content[:5], subject.codes.style[:5])
    assert drawn.shape == (5, 16, 16, 1)
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_an_encoder_that_gives_nan_is_named(opened):
    torch.nn.init.constant_(opened.model.encoder.content_head.weight, float("nan"))
    with pytest.raises(WorkFailed, match="codes that are not finite"):
        opened.subject()
    assert not opened.folder.codes.exists()


# Measuring


class Odd:
    """A metric of an outsider that returns what a test wants."""

    Config = RunSettings
    found: object = None

    def __init__(self, config):
        pass

    def measure(self, subject):
        return self.found


def odd_registry(found: object):
    Odd.found = found
    registry = with_plugin()
    spec = MetricSpec(name="odd", summary="-", target="test_run_folder:Odd")
    registry.metrics.entries.append((spec, Plugin("odd", "some-dist", "1")))
    return registry


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"value": 1}, "It returned dict, not a disent_plugins.Result"),
        (Result("odd", {"a": Value(1.0, "x"), "b": Value(float("nan"), "x")}, {}), "It gives no finite number for b"),
    ],
)
def test_what_a_metric_returns_is_checked(found, message, opened):
    with pytest.raises(PluginFailure, match=message) as failure:
        measure(odd_registry(found), "odd", {}, opened.subject())
    assert failure.value.exit_code == 4


def test_documents_are_plain(tmp_path):
    settings = {"n": np.int64(3), "path": tmp_path, "x": float("inf"), "list": (np.float32(0.5), None), 1: True}
    values, files = {"a": Value(np.float64(1.5), "nats", floor=0.0)}, {"png": tmp_path / "a.png"}
    result = Result("odd", values, settings, files, ["n"])
    found = document(result, subject="mine", group="quality")
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == ["metric", "subject", "group", "values", "reference", "settings", "artifacts", "notes"]
    assert (found["subject"], found["group"]) == ("mine", "quality")
    assert found["values"] == {"a": 1.5}
    assert found["settings"] == {"n": 3, "path": str(tmp_path), "x": None, "list": [0.5, None], "1": True}
    assert found["artifacts"] == {"png": str(tmp_path / "a.png")}
    assert found["reference"]["a"]["floor"] == 0.0
    assert found["reference"]["a"]["normalised"] is None
    assert plain(np.arange(3)) == [0, 1, 2]


def test_what_is_measured_after_training_is_ours_where_it_is_there():
    registry = with_plugin()
    spec, _ = registry.metrics.find("probe")
    registry.metrics.entries.append((spec, Plugin("odd", "some-dist", "1")))  # the same name, by somebody else
    names = after_training(registry)
    assert names == [f"{OURS}:{n}" for n in ("probe", "reconstruction", "swap-grid", "interpolation", "samples")]
    assert all(registry.metrics.find(name) for name in names)
    registry.metrics.entries = [e for e in registry.metrics.entries if e[0].name != "samples"]
    assert f"{OURS}:samples" not in after_training(registry)


def test_a_model_that_needs_more_than_the_data_promises_is_refused(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("DISENT_CACHE", str(cache))
    monkeypatch.setattr(Squares, "info", Squares.info.__class__(**vars(Squares.info) | {"groups_are_distinct": False}))
    with pytest.raises(DisentError, match=r"needs distinct_groups, which data set 'squares' does not promise"):
        begin(tmp_path / "a")
    begin(tmp_path / "b", options={"assume_distinct": "true"})
    begin(tmp_path / "c", model="mlvae")
