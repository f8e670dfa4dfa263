"""``disent run``: what is accepted, what is refused and how, and what is left behind."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path

import pytest
from helpers.command_line import TINY
from helpers.training_files import change_checkpoint, fill

from disent_plugins.measuring import after_training, not_kept
from disent_plugins.training import session


def interrupt(*arguments, **more):
    raise KeyboardInterrupt


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_run_leaves_everything_a_metric_needs(trained_once):
    folder, printed = trained_once
    kept = {name for name in files(folder) if not name.endswith(".lock")}
    drawn = ("swap-grid", "interpolation", "samples")
    figures = {f"figures/{name}.{kind}" for name in drawn for kind in ("png", "npz")}
    assert kept >= figures | {
        "config.json", "environment.json", "data.json", "metrics.jsonl", "log.txt", "checkpoints/last.pt",
        "checkpoints/best.pt", "codes.h5", "codes.json", "results.json",
    }  # fmt: skip
    assert not [name for name in kept if name.endswith(".partial")]
    assert set(printed) == {"run", "results"}
    assert printed["run"] == "runs/tiny"
    assert list(printed["results"]) == ["probe", "reconstruction", "swap-grid", "interpolation", "samples"]
    assert json.loads((folder / "results.json").read_text()) == printed["results"]
    for name, found in printed["results"].items():
        assert found["metric"] == name
        assert found.keys() >= {"metric", "values", "reference", "settings", "artifacts"}
        assert found["values"].keys() == found["reference"].keys()
    reference = printed["results"]["probe"]["reference"]["content/mean/strong"]
    assert reference["floor"] == pytest.approx(0.1)
    assert reference["n"] == 300


def test_progress_is_on_stderr_one_plain_line_per_epoch(trained_once):
    text = (trained_once[0].parents[1] / "stderr.txt").read_text()
    lines = text.splitlines()
    assert lines[0] == "gmvae on digits: 64 training and 300 test images, cpu"
    assert [line.split(":")[0] for line in lines if line.startswith("epoch ")] == ["epoch 1/2", "epoch 2/2"]
    assert "run folder: runs/tiny" in text
    assert "\x1b" not in text


def test_the_end_of_a_run_names_what_it_made_and_what_comes_next(trained, disent):
    found = disent("run", "--resume", trained)  # already trained: it only measures
    assert found.code == 0, found.err
    assert "epoch " not in found.err.replace("epochs ", "")
    for text in ("chance", "content", "style", "swap-grid.png", "metrics probe runs/tiny", "run folder  runs/tiny"):
        assert text in found.out


# Settings


def test_a_dry_run_prints_a_file_that_reproduces_it(disent, tmp_path):
    flags = ("--model", "mlvae", "--data", "cars3d", "--limit", "99", "--lr", "1e-5", "--set", "reparam=per_group")
    first = disent("run", "--dry-run", *flags)
    assert (first.code, first.err) == (0, "")
    settings = tomllib.loads(first.out)
    assert (settings["model"], settings["data"], settings["limit"], settings["lr"]) == ("mlvae", "cars3d", 99, 1e-5)
    assert settings["milestones"] == [200, 400]
    assert settings["options"]["reparam"] == "per_group"
    (tmp_path / "a.toml").write_text(first.out)
    assert disent("run", "--dry-run", "--config", "a.toml").out == first.out
    assert tomllib.loads(disent("run", "--dry-run", "--config", "a.toml", "--lr", "0.5").out)["lr"] == 0.5
    assert files(tmp_path) == {"a.toml"}


def test_every_setting_of_a_recipe_has_a_flag(disent):
    flags = ("--milestones", "3,4", "--gamma", "0.5", "--leftovers", "drop")
    settings = tomllib.loads(disent("run", "--dry-run", *flags).out)
    assert (settings["milestones"], settings["gamma"], settings["leftovers"]) == ([3, 4], 0.5, "drop")
    assert tomllib.loads(disent("run", "--dry-run", "--milestones", "none").out)["milestones"] == []


def test_the_configuration_of_a_run_makes_another_like_it(trained, disent):
    found = disent("run", "--config", trained / "config.json", "--seed", "7", "--dry-run")
    assert found.code == 0, found.err
    settings, before = tomllib.loads(found.out), json.loads((trained / "config.json").read_text())
    same = ("model", "epochs", "limit", "lr", "milestones")
    assert (settings["seed"], [settings[key] for key in same]) == (7, [before[key] for key in same])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--model ada-gvae --sampler random", "needs pairs, and the sampler is 'random'"),
        ("--model lord-lite --visible 0.5", "needs every image's group, and only 0.5"),
        ("--milestones 1.5", "It takes whole numbers"),
        ("--epochs 1000000000000000000", "out of bounds"),
        ("--set content_size=1e8", "content_size=100000000 is out of bounds"),
        ("--set k=1e308", "k=1e+308 is out of bounds"),
    ],
)
def test_a_dry_run_refuses_what_a_run_refuses(disent, arguments, words):
    found = disent("run", "--dry-run", *arguments.split())
    assert (found.code, found.out) == (2, "")
    assert words in found.err


def test_a_run_says_so_if_chance_puts_few_of_a_group_together(disent, monkeypatch, trained_once):
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # nothing to measure: done sooner
    tiny = ("--epochs", "1", "--limit", "64", "--set", "width=0.25")
    few = disent("run", *tiny, "--batch-size", "4", "--out", "few")
    assert "warning: in batches of 4 drawn at random, 83% of the images have no other" in few.err, few.err
    assert "--sampler blocks" in few.err
    assert "--sampler blocks" in Path("few/log.txt").read_text()
    assert "drawn at random" not in (trained_once[0].parents[1] / "stderr.txt").read_text()


def test_a_dry_run_of_a_resumed_run_only_prints(trained, disent):
    before = files(trained)
    found = disent("run", "--resume", trained, "--epochs", "9", "--dry-run")
    assert found.code == 0
    assert tomllib.loads(found.out)["epochs"] == 9
    assert files(trained) == before


def test_a_file_may_name_out_and_source(disent, tmp_path, monkeypatch):
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # nothing to measure: done sooner
    (tmp_path / "a.toml").write_text('epochs = 1\nlimit = 32\nbatch_size = 16\nout = "x"\n[options]\nwidth = 0.25\n')
    found = disent("run", "--config", "a.toml", "--json")
    assert found.code == 0, found.err
    assert found.json["run"] == "x"
    assert disent("run", "--config", "a.toml").err.startswith("error: x already holds a run.")


_SEE = "See them all with: "


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ("--model gmvea", ["There is no model 'gmvea'.", "Did you mean 'gmvae'?", _SEE + "disent models list"]),
        ("--data digit", ["There is no data set 'digit'.", "Did you mean 'digits'?", _SEE + "disent data list"]),
        ("--set widht=1", ["Unknown option 'widht' for model 'gmvae'.", "Did you mean 'width'?"]),
        ("--set width=9", ["width=9.0 is out of bounds for model 'gmvae'.", "It takes a number > 0 and <= 8."]),
        ("--set width", ["--set 'width' is not of the form key=value.", "For example: --set k=3"]),
        ("--set k_mode=x", ["k_mode=x does not fit model 'gmvae'.", "It takes one of 'mean_only', 'prior_precision'."]),
        ("--epochs 0", ["epochs=0 is out of bounds for the run.", "It takes a whole number >= 1 and <= 1,000,000."]),
        ("--visible 0", ["visible=0.0 is out of bounds for the run.", "It takes a number > 0 and <= 1."]),
        ("--sampler block", ["sampler=block does not fit the run.", "It takes one of 'random', 'blocks', 'pairs'."]),
        ("--device gpu", ["There is no device 'gpu'.", "It is auto, cpu, cuda or cuda:n."]),
        ("--batch-size 9999", ["A batch of 9999 images cannot be drawn from 1297."]),
        ("--config nowhere.toml", ["There is no configuration file nowhere.toml."]),
        ("--config bad.toml", ["The configuration file bad.toml cannot be read."]),
        ("--config unknown.toml", ["Unknown key 'epoch' in unknown.toml.", "Did you mean 'epochs'?"]),
        ("--out taken/run", ["Cannot write taken/run.", "The system says: Not a directory."]),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_before_anything_is_made(disent, tmp_path, arguments, lines):
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "bad.toml").write_text("epochs = ")
    (tmp_path / "unknown.toml").write_text("epoch = 3")
    before = files(tmp_path)
    found = disent("run", *arguments.split())
    assert found.code == 2
    assert found.out == ""
    said = [line.removeprefix("error: ").strip() for line in found.err.splitlines()]
    assert [line for line in said if line in lines] == lines, found.err
    assert files(tmp_path) == before


def test_a_gpu_that_is_not_there_is_named(disent, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    found = disent("run", "--device", "cuda")
    assert found.code == 2
    assert "error: The device 'cuda' is not available." in found.err
    assert "Use what there is with --device auto, or see: disent doctor" in found.err


def test_what_is_measured_can_be_chosen(trained, disent, monkeypatch):
    """And what is kept is not measured again, unless it is of other options, of another seed, or has lost its file."""
    made, measure = [], not_kept.measure

    def noted(registry, name, *rest):
        made.append(name)
        return measure(registry, name, *rest)

    monkeypatch.setattr(not_kept, "measure", noted)
    before = (trained / "results.json").read_text()
    assert disent("run", "--resume", trained).code == 0
    assert (made, (trained / "results.json").read_text()) == ([], before)
    found = disent("run", "--resume", trained, "--measure", "retrieval, swap-grid", "--json")
    assert found.code == 0, found.err
    assert (made, list(found.json["results"])) == (["retrieval"], ["retrieval", "swap-grid"])
    assert disent("metrics", "retrieval", trained, "--set", "samples=100").code == 0
    (trained / "figures" / "swap-grid.png").unlink()
    assert disent("run", "--resume", trained, "--measure", "retrieval,swap-grid").code == 0
    assert made[1:] == ["retrieval", "swap-grid"]
    document = json.loads((trained / "results.json").read_text())
    document["retrieval"]["settings"]["seed"] = 7
    (trained / "results.json").write_text(json.dumps(document))
    assert disent("run", "--resume", trained, "--measure", "retrieval").code == 0
    assert made[3:] == ["retrieval"]
    nothing = disent("run", "--resume", trained, "--measure", "none", "--json")
    assert (nothing.code, nothing.json["results"], len(made)) == (0, {}, 4)


def test_all_leaves_out_what_cannot_be_measured_or_fails(trained, disent, monkeypatch):
    names = ("exact-swap", "retrieval", "mig")
    monkeypatch.setattr(after_training, "suite", lambda registry: [("", name) for name in names])
    fails = {"mig": RuntimeError("no luck")}
    measure = not_kept.measure

    def some(registry, name, *rest):
        if name in fails:
            raise fails[name]
        return measure(registry, name, *rest)

    monkeypatch.setattr(not_kept, "measure", some)
    found = disent("run", "--resume", trained, "--measure", "all", "--json")
    assert found.code == 0, found.err
    assert list(found.json["results"]) == ["retrieval"]
    for text in (found.err, (trained / "log.txt").read_text()):
        assert "left out: exact-swap: There are no style factors." in text
        assert "left out: mig: It failed: RuntimeError: no luck." in text
    by_name = disent("run", "--resume", trained, "--measure", "mig")
    assert by_name.code == 1
    assert "RuntimeError: no luck" in by_name.err


@pytest.mark.parametrize(("asked", "words"), [("prob", "Did you mean 'probe'?"), (",", "--measure names no metric.")])
def test_a_metric_that_there_is_not_is_refused_before_training(disent, asked, words):
    found = disent("run", "--measure", asked, "--out", "a")
    assert (found.code, Path("a").exists()) == (2, False)
    assert words in found.err


def test_ctrl_c_before_training_ends_with_130(disent, monkeypatch):
    monkeypatch.setattr(session, "start", interrupt)
    found = disent("run")
    assert (found.code, found.out) == (130, "")
    assert found.err.startswith("error: Interrupted.\n")


def test_ctrl_c_while_measuring_tells_how_to_measure(trained, disent, monkeypatch):
    monkeypatch.setattr("disent_plugins.measuring.trained.encode", interrupt)
    (trained / "codes.json").unlink()
    (trained / "results.json").unlink()
    found = disent("run", "--resume", trained)
    assert (found.code, found.out) == (130, "")
    assert "error: Interrupted while measuring; the training is done and saved." in found.err
    assert "Measure it with: disent run --resume runs/tiny" in found.err


def test_a_flag_that_does_not_exist_is_a_usage_error(disent):
    found = disent("run", "--epoch", "3")
    assert (found.code, found.out) == (2, "")
    assert "No such option" in found.err


def test_debug_shows_where_an_error_was_raised(disent):
    with pytest.raises(Exception, match="There is no model 'x'"):
        disent("run", "--model", "x", "--debug")


def test_a_bug_is_told_as_one(disent, monkeypatch):
    monkeypatch.setattr("disent_plugins.training.parts.resolve", lambda *a, **k: 1 / 0)
    found = disent("run")
    assert found.code == 1
    assert found.err.splitlines()[0] == "error: ZeroDivisionError: division by zero"
    assert "This is a bug in disent" in found.err


def test_a_loss_that_turns_nan_ends_with_one(disent, tmp_path):
    found = disent("run", *TINY, "--lr", "1e30", "--out", "a")
    assert (found.code, found.out) == (1, "")
    assert "error: The loss is no longer a finite number in epoch 1, batch 2 (" in found.err
    assert "No epoch was finished, so there is no checkpoint." in found.err
    missing = disent("metrics", "probe", "a")
    assert missing.code == 2
    assert "error: a has no checkpoint last.pt." in missing.err
    again = disent("run", "--resume", "a")  # begins again with the same settings
    assert again.code == 1
    assert "error: The loss is no longer a finite number in epoch 1, batch 2 (" in again.err


# Resuming


def test_more_epochs_on_a_finished_run(trained, disent, monkeypatch):
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # nothing to measure: done sooner
    found = disent("run", "--resume", trained, "--epochs", "3", "--json")
    assert found.code == 0, found.err
    assert [line.split(":")[0] for line in found.err.splitlines() if line.startswith("epoch ")] == ["epoch 3/3"]
    assert [json.loads(line)["epoch"] for line in (trained / "metrics.jsonl").read_text().splitlines()] == [1, 2, 3]
    assert json.loads((trained / "config.json").read_text())["epochs"] == 3


def test_results_of_fewer_epochs_are_set_aside_when_a_run_goes_on(trained, disent):
    """Also where nothing is measured afterwards, and those of metrics that ``disent run`` does not measure."""
    before = disent("metrics", "leakage", trained, "--json").json
    change_checkpoint(trained / "checkpoints" / "last.pt", best=math.inf)  # so that the next epoch is the best
    best = disent("metrics", "samples", trained, "--checkpoint", "best", "--json").json
    assert before["of"]["epoch"] == 2
    drawn = {path.name: path.read_bytes() for path in (trained / "figures").glob("*.png")}
    old = json.loads((trained / "results.json").read_text())
    assert {"leakage", "probe", "samples"} <= set(old)
    assert {"leakage.png", "samples.png"} <= set(drawn)
    found = disent("run", "--resume", trained, "--epochs", "3", "--json")
    assert found.code == 0, found.err
    now = json.loads((trained / "results.json").read_text())
    assert now == found.json["results"]
    assert {(document["of"]["epoch"], document["of"]["weights"]) for document in now.values()} == {
        (3, now["probe"]["of"]["weights"])
    }
    assert not (trained / "figures" / "leakage.png").exists()
    assert json.loads((trained / "best" / "results.json").read_text()) == {}
    (was_best,) = (trained / "best" / "superseded").iterdir()
    assert json.loads((was_best / "results.json").read_text())["samples"]["of"] == best["of"]
    (aside,) = (trained / "superseded").iterdir()
    assert aside.name == f"last-epoch2-{before['of']['weights'].removeprefix('sha256:')[:8]}"
    kept = json.loads((aside / "results.json").read_text())
    assert {name: document["values"] for name, document in kept.items()} == {
        name: document["values"] for name, document in old.items()
    }
    assert {path.name: path.read_bytes() for path in (aside / "figures").glob("*.png")} == drawn
    assert all(Path(path).is_file() for document in kept.values() for path in document["artifacts"].values())
    assert {document["of"]["weights"] for document in kept.values()} == {before["of"]["weights"]}


def test_stale_results_are_not_shown_if_nothing_was_measured_after_going_on(trained, disent, monkeypatch):
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")
    assert disent("run", "--resume", trained, "--epochs", "3", "--json").code == 0
    assert json.loads((trained / "results.json").read_text()) == {}
    assert not list((trained / "figures").rglob("*.png"))
    (aside,) = (trained / "superseded").iterdir()
    assert "probe" in json.loads((aside / "results.json").read_text())


def test_fewer_epochs_than_were_trained_are_refused(trained, disent):
    found = disent("run", "--resume", trained, "--epochs", "1")
    assert found.code == 2
    assert "error: runs/tiny has already trained 2 epochs, not just 1." in found.err
    assert disent("run", "--resume", trained, "--epochs", "0").code == 2
    assert json.loads((trained / "config.json").read_text())["epochs"] == 2


def test_resuming_as_another_run_lists_what_differs(trained, disent):
    before = (trained / "config.json").read_text()
    found = disent(
        "run", "--resume", trained, "--model", "mlvae", "--lr", "0.5", "--seed", "3", "--set", "k=9", "--out", "other"
    )
    assert found.code == 2
    assert found.err.splitlines() == [
        "error: runs/tiny was started with other settings.",
        "         model: gmvae -> mlvae",
        "         lr: 0.002 -> 0.5",
        "         seed: 0 -> 3",
        "         options.k: 2.0 -> 9.0",
        "         out: runs/tiny -> other",
        "       Leave them out to go on with the run (only --epochs, --device, --precision, --graph and --compile "
        "may change): disent run --resume runs/tiny",
    ]
    assert (trained / "config.json").read_text() == before


def test_resuming_with_the_same_settings_spelled_otherwise_is_fine(trained, disent, tmp_path):
    (tmp_path / "same.toml").write_text(disent("run", "--resume", trained, "--dry-run").out)
    same = ("--config", "same.toml", "--lr", "2e-3", "--set", "k=2", "--set", "width=.25", "--device", "cpu")
    found = disent("run", "--resume", trained, *same, "--dry-run")
    assert found.code == 0, found.err
    assert tomllib.loads(found.out)["device"] == "cpu"


@pytest.mark.parametrize("arguments", [["--resume", "nothing"], ["--resume", "."]])
def test_resuming_what_is_no_run(disent, arguments):
    found = disent("run", *arguments)
    assert (found.code, found.out) == (2, "")
    assert "is not a run." in found.err
    assert "disent run" in found.err


def test_resuming_with_a_bad_option_is_checked(trained, disent):
    found = disent("run", "--resume", trained, "--set", "widht=1")
    assert found.code == 2
    assert "Did you mean 'width'?" in found.err


def test_a_full_disk_ends_with_one_and_keeps_the_checkpoint(disent, small_disk, monkeypatch):
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # nothing to measure: done sooner
    small = ("--limit", "32", "--batch-size", "16", "--set", "width=0.125", "--epochs", "1")
    first = disent("run", *small, "--out", small_disk / "a", "--json")
    assert first.code == 0, first.err
    kept = (small_disk / "a" / "checkpoints" / "last.pt").read_bytes()
    fill(small_disk, 60_000)
    found = disent("run", "--resume", small_disk / "a", "--epochs", "2", "--json")
    assert (found.code, found.out) == (1, "")
    assert "error: The disk is full: " in found.err
    assert "Free some space" in found.err
    assert "bug" not in found.err
    assert (small_disk / "a" / "checkpoints" / "last.pt").read_bytes() == kept
    (small_disk / "filler").unlink()
    assert disent("run", "--resume", small_disk / "a", "--epochs", "2", "--json").code == 0
