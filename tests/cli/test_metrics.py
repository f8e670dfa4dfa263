"""``disent metrics``: on runs and on anybody's codes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.training_files import change_checkpoint

import disent_plugins.measuring.trained as trained_module
from disent_plugins.metrics.probe.metric import Probe

FAST = ("--set", "presets=strong", "--set", "inputs=mean")
KEYS = [
    "schema", "metric", "version", "maker", "subject", "of", "group", "values", "reference", "options", "settings",
    "fingerprint", "artifacts", "notes",
]  # fmt: skip


@pytest.fixture
def arrays(tmp_path: Path):
    """Write ``codes.npz`` with two classes that the content tells apart, changed as asked for."""

    def write(**changes) -> Path:
        generator, labels = np.random.default_rng(0), np.arange(120) % 2
        good = {
            "content": labels[:, None] * 4 + generator.normal(size=(120, 2)),
            "style": generator.normal(size=(120, 3)),
            "labels": labels,
        }
        np.savez(tmp_path / "codes.npz", **{k: v for k, v in (good | changes).items() if v is not None})
        return Path("codes.npz")

    return write


@pytest.fixture
def encodings(monkeypatch) -> list:
    """Grows by one whenever images go through an encoder."""
    calls, inner = [], trained_module.encode
    monkeypatch.setattr(trained_module, "encode", lambda *arguments: calls.append(1) or inner(*arguments))
    return calls


def results(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text())


# Runs


def test_the_newest_run_is_measured_by_default(trained, disent, tmp_path):
    shutil.copytree(trained, tmp_path / "runs" / "older")
    os.utime(tmp_path / "runs" / "older" / "config.json", (1, 1))
    found = disent("metrics", "probe", *FAST, "--json")
    assert found.code == 0, found.err
    assert list(found.json) == KEYS
    assert set(found.json["values"]) >= {"content/mean/strong", "style/mean/strong"}
    assert found.json["settings"]["seed"] == 0
    assert results(trained)["probe"] == found.json
    assert set(results(trained)) >= {"probe", "reconstruction", "swap-grid"}  # merged, not replaced
    assert results(tmp_path / "runs" / "older")["probe"] != found.json


def test_the_same_seed_gives_the_same_values_and_codes_are_not_encoded_again(trained, disent, encodings):
    first, second = (disent("metrics", "dependence", "tiny", "--json").json for _ in range(2))
    assert first == second
    assert encodings == []  # the run kept them
    other = disent("metrics", "dependence", "tiny", "--seed", "5", "--json").json
    assert other["settings"]["seed"] == 5
    assert encodings == []
    change_checkpoint(trained / "checkpoints" / "best.pt", weight=1.0)
    for number, which in enumerate(("best", "best", "last")):
        assert disent("metrics", "samples", "tiny", "--checkpoint", which, "--json").code == 0
        assert len(encodings) == (1, 1, 2)[number]


@pytest.mark.parametrize("name", ["swap-grid", "interpolation", "samples"])
def test_a_picture_says_where_it_is(trained, disent, tmp_path, name):
    found = disent("metrics", name, trained, "--out", "pictures", "--json")
    assert found.code == 0, found.err
    assert list(found.json) == KEYS
    paths = [Path(path) for path in found.json["artifacts"].values()]
    assert {path.suffix for path in paths} == {".png", ".npz"}
    assert all(path.parent == Path("pictures") and path.stat().st_size > 0 for path in paths)


def test_a_table_for_people_has_the_reference_points(trained, disent):
    found = disent("metrics", "probe", trained, *FAST)
    assert found.code == 0, found.err
    for text in ("content", "style", "chance", "ceiling"):
        assert text in found.out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("probee", "error: There is no metric 'probee'. Did you mean 'probe'? See them all with: disent metrics list"),
        ("probe nothing", "error: nothing is not a run."),
        ("probe . ", "error: . is not a run."),
        ("probe runs/tiny --set preset=strong", "Did you mean 'presets'?"),
        ("probe runs/tiny --set bootstrap=1", "bootstrap=1 is out of bounds for metric 'probe'."),
        ("probe runs/tiny --checkpoint first", "There is no checkpoint 'first'."),
        ("probe runs/tiny --codes codes.npz", "A run and --codes were both given."),
        ("probe runs/tiny --device cuda:99", "The device 'cuda:99'"),
        ("probe runs/tiny --seed -1", "Invalid value for '--seed'"),
    ],
)
def test_a_wrong_request_is_refused(trained, disent, arguments, text):
    before = results(trained)
    found = disent("metrics", *arguments.split())
    assert (found.code, found.out) == (2, "")
    assert text in " ".join(found.err.replace("│", " ").split())
    assert results(trained) == before


def test_without_any_run_one_is_asked_for(disent):
    found = disent("metrics", "probe")
    assert found.code == 2
    assert found.err.startswith("error: There is no run yet.")


def test_a_run_without_checkpoint_is_named(trained, disent):
    shutil.rmtree(trained / "checkpoints")
    found = disent("metrics", "samples", trained)
    assert found.code == 2
    assert "error: runs/tiny has no checkpoint last.pt." in found.err
    assert "Train again with: disent run" in found.err


def test_a_checkpoint_that_is_not_weights_is_refused(trained, disent):
    (trained / "checkpoints" / "last.pt").write_bytes(b"\x80\x04cos\nsystem\n.")
    found = disent("metrics", "probe", trained)
    assert found.code == 2
    assert "last.pt was refused." in found.err


# Codes from anywhere


def test_codes_of_any_framework_are_measured(arrays, disent, tmp_path):
    found = disent("metrics", "probe", "--codes", arrays(), *FAST, "--json")
    assert found.code == 0, found.err
    values, reference = found.json["values"], found.json["reference"]
    assert values["content/mean/strong"] > 0.9
    assert values["style/mean/strong"] < 0.8
    assert reference["content/mean/strong"]["floor"] == pytest.approx(0.5)
    assert reference["content/mean/strong"]["n"] == 24
    assert found.json["of"] == {"codes": f"sha256:{hashlib.sha256((tmp_path / 'codes.npz').read_bytes()).hexdigest()}"}
    assert [path.name for path in tmp_path.iterdir()] == ["codes.npz"]


def test_the_codes_of_a_run_are_codes_like_any_other(trained, disent):
    assert disent("metrics", "reconstruction", trained, "--json").code == 0  # encodes
    of_run = disent("metrics", "dependence", trained, "--json").json
    of_file = disent("metrics", "dependence", "--codes", trained / "codes.h5", "--json").json
    assert of_file["values"] == of_run["values"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"content": np.full((120, 2), np.nan)}, "codes.npz has NaN or infinity in 'content'."),
        ({"style": np.zeros((119, 3))}, "codes.npz has 120 rows in 'content' but 119 in 'style'."),
        ({"labels": np.zeros(120, int)}, "codes.npz holds one class only."),
        ({"labels": None}, "codes.npz has neither 'labels' nor 'factors'."),
        ({"style": None}, "codes.npz has no array 'style'."),
        ({"style": np.full((120, 3), -np.inf)}, "codes.npz has NaN or infinity in 'style'."),
        ({"content": np.ones((120, 2)), "style": np.ones((120, 3))}, "codes.npz holds the same codes in every row."),
        ({"labels": np.linspace(0, 1, 120)}, "codes.npz has 'labels' that are no whole numbers (type float64)."),
        ({"labels": np.arange(120)}, "codes.npz holds as many classes as rows."),
        ({"labels": np.array([None, 1] * 60)}, "codes.npz holds Python objects in 'labels'."),
        ({"content": np.array([[0.0, None]] * 120)}, "codes.npz holds Python objects in 'content'."),
        ({"split": np.zeros(120, int)}, "codes.npz has no test rows."),
        ({"split": np.full(120, 2)}, "codes.npz has no train rows."),
        ({"split": np.array([0, 2])}, "codes.npz has 120 rows in 'content' but 2 in 'split'."),
        (
            {"content": np.eye(120, 2) + 1e8},
            "codes.npz has numbers in 'content', column 0 (counted from 0), that 32-bit floats cannot hold.",
        ),
        ({"codes": np.eye(120, 5)}, "codes.npz has 'codes' and also 'content' and 'style'."),
        ({"labels": np.full(120, np.nan)}, "codes.npz has 'labels' with missing values."),
    ],
)
def test_unusable_codes_are_refused(arrays, disent, changes, text):
    found = disent("metrics", "leakage", "--codes", arrays(**changes), "--json")
    assert (found.code, found.out) == (2, "")
    what, why, hint = found.err.splitlines()
    assert what == f"error: {text}"
    assert why.strip()
    assert hint.strip()


@pytest.mark.parametrize("name", ["mig", "dci", "leakage"])
def test_more_values_than_samples_is_told(arrays, disent, name):
    found = disent("metrics", name, "--codes", arrays(labels=None, factors=np.arange(120)[:, None] % 90))
    assert (found.code, found.out) == (2, "")
    what, why, hint = found.err.splitlines()[-3:]
    assert "error: The factor 'factor0'" in what
    assert "2 rows a value" in why
    assert hint.endswith("or merge values.")


@pytest.mark.parametrize("content", [b"", b"content,style\n1,2\n", b"\x93NUMPY\x01\x00"])
def test_a_file_of_another_kind_is_told(disent, tmp_path, content):
    (tmp_path / "codes.csv").write_bytes(content)
    found = disent("metrics", "mig", "--codes", "codes.csv")
    assert (found.code, found.out) == (2, "")
    what, why, hint = found.err.splitlines()
    assert what == "error: codes.csv is neither an .npz nor an HDF5 file."
    assert repr(content[:16]) in why if content else "It is empty." in why
    assert "Save it with numpy.savez." in hint


def test_a_folder_is_told_from_a_file(disent, tmp_path):
    (tmp_path / "codes.npz").mkdir()
    found = disent("metrics", "mig", "--codes", "codes.npz")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: codes.npz is a folder.")


def test_what_is_left_out_of_a_suite_says_how_it_could_be_measured(arrays, disent):
    found = disent("metrics", "all", "--codes", whole(arrays), "--groups", "leakage")
    assert "--content 0:2 --style 2:5" in " ".join((found.out + found.err).split())


def whole(arrays) -> Path:
    """The content (2 columns) and the style (3) of ``arrays`` as one array."""
    both = np.load(arrays())
    return arrays(content=None, style=None, codes=np.concatenate([both["content"], both["style"]], axis=1))


def test_one_array_is_measured_in_the_blocks_that_are_named(arrays, disent):
    in_two = disent("metrics", "dependence", "--codes", arrays(), "--json")
    blocks = ("--content", "0:2", "--style", "2:5")
    in_one = disent("metrics", "dependence", "--codes", whole(arrays), *blocks, "--json")
    assert in_one.code == 0, in_one.err
    assert in_one.json["values"] == in_two.json["values"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", "compares content and style, and the codes of codes.npz are in one piece."),
        ("", "Say which columns are which, for example: --content 0:2 --style 2:5"),
        ("--content 0:2 --style 1:5", "The blocks content and style overlap."),
        ("--content 0:2 --style 3:5", "The blocks content and style leave a gap."),
        ("--content 0:2 --style 2:6", "The block style '2:6' runs beyond the columns."),
        ("--content 0:2 --style half", "The block style 'half' is not START:STOP."),
        ("--content 0:5", "The block style is missing."),
    ],
)
def test_blocks_that_do_not_fit_are_refused(arrays, disent, arguments, text):
    found = disent("metrics", "probe", "--codes", whole(arrays), *arguments.split())
    assert (found.code, found.out) == (2, "")
    assert text in found.err


def test_the_codes_of_a_run_are_not_cut(disent):
    found = disent("metrics", "probe", "--content", "0:2", "--style", "2:5")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: --content and --style were given without --codes.")


def test_a_preset_sets_the_options_and_is_named_in_the_result(arrays, disent, monkeypatch):
    monkeypatch.setattr(Probe, "presets", {"quick": {"presets": "strong", "inputs": "mean"}}, raising=False)
    found = disent("metrics", "probe", "--codes", arrays(), "--as", "quick", "--json")
    assert found.code == 0, found.err
    assert (found.json["settings"]["preset"], found.json["settings"]["presets"]) == ("quick", "strong")
    assert {name.split("/")[2] for name in found.json["values"] if name.count("/") == 2} == {"strong"}


def test_an_unknown_preset_is_refused(arrays, disent):
    found = disent("metrics", "probe", "--codes", arrays(), "--as", "dlibb")
    assert (found.code, found.out) == (2, "")
    assert "error: Metric 'probe' has no preset 'dlibb'." in found.err


def test_a_missing_file_of_codes_is_named(disent):
    found = disent("metrics", "probe", "--codes", "nothing.npz")
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("error: There is no file nothing.npz.")


@pytest.mark.parametrize(
    "name", ["swap-grid", "interpolation", "samples", "reconstruction", "swap", "exact-swap", "cycle"]
)
def test_what_needs_a_decoder_says_so(arrays, disent, name):
    found = disent("metrics", name, "--codes", arrays())
    assert (found.code, found.out) == (2, "")
    assert f"error: Metric '{name}' needs decoder" in found.err
    assert f"Measure a run instead: disent metrics {name} RUN" in found.err


# Listings


def test_the_metrics_are_listed_with_what_they_need(disent):
    found = disent("metrics", "list", "--json")
    assert (found.code, found.err) == (0, "")
    entries = {entry["name"]: entry for entry in found.json}
    assert set(entries) >= {"probe", "reconstruction", "swap-grid", "interpolation", "samples"}
    assert entries["probe"]["needs"] == ["codes"]
    assert all(set(e) == {"name", "summary", "needs", "reference", "distribution", "version"} for e in entries.values())
    assert "disent metrics NAME" in disent("metrics", "list").out


def test_every_metric_is_a_command_with_help_and_options(disent):
    listed = disent("metrics", "--help").out
    for entry in disent("metrics", "list", "--json").json:
        assert entry["name"] in listed
        assert disent("metrics", entry["name"], "--help").code == 0
        assert disent("metrics", entry["name"], "--options").code == 0
    assert "bootstrap" in disent("metrics", "probe", "--options").out


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("probe runs/tiny --as misspelt", "Metric 'probe' has no preset 'misspelt'."),
        ("all runs/tiny --as misspelt", "No metric has a preset 'misspelt'."),
        ("leakage runs/tiny --set nothing=1", "Unknown option 'nothing'"),
        ("leakage runs/tiny --set bootstrap=1000000000", "bootstrap=1000000000 is out of bounds"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_before_a_run_is_read(trained, disent, monkeypatch, command, words):
    monkeypatch.setattr("disent_plugins.measuring.trained.open_run", lambda *a, **k: pytest.fail("it was read"))
    found = disent("metrics", *command.split())
    assert (found.code, found.out) == (2, "")
    assert words in found.err
