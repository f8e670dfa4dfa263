"""``disent report``: where it writes, what it says, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest
from helpers.report_files import Page, document, run, write_run


def page(path) -> Page:
    found = Page(Path(path).read_text(encoding="utf-8"))
    found.check()
    return found


def test_the_newest_run(trained, disent):
    found = disent("report")
    assert found.code == 0, found.err
    assert found.out == "runs/tiny/report.html\n"
    assert "a report of 1 run" in found.err
    assert "gmvae on digits, seed 0" in page("runs/tiny/report.html").text


def test_a_run_by_name_into_a_file(disent, tmp_path):
    write_run(tmp_path / "runs" / "a")
    found = disent("report", "a", "--out", "new/folder/my.html")
    assert (found.code, found.out) == (0, "new/folder/my.html\n")
    page("new/folder/my.html")
    assert not (tmp_path / "runs" / "a" / "report.html").exists()


def test_a_folder_of_runs(disent, tmp_path):
    for seed, name in enumerate("ab"):
        write_run(tmp_path / "sweeps" / "s" / name, run(settings={"seed": seed}))
    found = disent("report", "sweeps/s")
    assert (found.code, found.out) == (0, "sweeps/s/report.html\n")
    assert "not compared" not in found.err
    shown = page("sweeps/s/report.html")
    assert "2 runs of gmvae on digits" in shown.text
    assert "Comparison" in shown.text


def test_a_folder_of_one_run_is_the_place_of_its_report(disent, tmp_path):
    write_run(tmp_path / "s" / "s")
    found = disent("report", "s")
    assert (found.code, found.out) == (0, "s/report.html\n")


def test_runs_that_cannot_be_compared_are_reported_all_the_same(disent, tmp_path):
    for number, version in enumerate("12"):
        documents = {"probe": document(version=version)}
        write_run(tmp_path / "s" / version, run(settings={"model": f"m{number}"}, documents=documents))
    found = disent("report", "s")
    assert found.code == 0, found.err
    assert "warning: the runs are not compared." in found.err
    shown = page("s/report.html")
    assert "The runs are not compared" in shown.text
    assert "metric version" in shown.text
    assert "--force" in shown.text
    forced = disent("report", "s", "--force")
    assert (forced.code, "not compared" in forced.err) == (0, False)
    assert "Put together all the same" in page("s/report.html").text


def test_several_runs_are_reported_here(disent, tmp_path):
    for seed, name in enumerate("ab"):
        write_run(tmp_path / name / "r", run(settings={"seed": seed}))
    found = disent("report", "a/r", "b/r")
    assert (found.code, found.out) == (0, "report.html\n")
    assert "2 runs" in page("report.html").text


def test_again_over_the_old_one(disent, tmp_path):
    folder = write_run(tmp_path / "a")
    assert disent("report", "a").code == 0
    (folder / "results.json").write_text(json.dumps({"probe": document(value=0.77)}))
    assert disent("report", "a").code == 0
    assert "0.770" in page("a/report.html").text
    assert sorted(path.name for path in folder.iterdir() if "report" in path.name) == ["report.html"]


def test_it_can_be_shown(disent, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    write_run(tmp_path / "a")
    assert disent("report", "a", "--open").code == 0
    assert opened == [(tmp_path / "a" / "report.html").as_uri()]


def test_there_is_no_run(disent, tmp_path):
    (tmp_path / "empty").mkdir()
    for arguments, words in (
        ([], "There is no run yet."),
        (["absent"], "There is no such folder."),
        (["empty"], "No folder there has a config.json."),
    ):
        found = disent("report", *arguments)
        assert (found.code, found.out) == (2, "")
        assert words in found.err
        assert "disent run" in found.err


@pytest.mark.parametrize("place", ["file.txt/report.html", "folder"])
def test_a_place_that_cannot_be_written(disent, tmp_path, place):
    write_run(tmp_path / "a")
    (tmp_path / "file.txt").write_text("mine")
    (tmp_path / "folder").mkdir()
    found = disent("report", "a", "--out", place)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"error: Cannot write {place}.\n")
    assert "--out FILE.html" in found.err
    assert (tmp_path / "file.txt").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_to_read_only(disent, tmp_path):
    folder = write_run(tmp_path / "a")
    folder.chmod(0o500)
    found = disent("report", "a")
    folder.chmod(0o700)
    assert (found.code, found.out) == (2, "")
    assert "--out FILE.html" in found.err


def test_a_full_disk(disent, small_disk, tmp_path):
    write_run(tmp_path / "a")
    (small_disk / "fill").write_bytes(bytes(8 * 2**20 - 2 * 2**12))
    found = disent("report", "a", "--out", small_disk / "report.html")
    assert (found.code, found.out) == (1, "")
    assert "The disk is full" in found.err
    assert [path.name for path in small_disk.iterdir()] == ["fill"]


@pytest.mark.parametrize("name", ["data.json", "environment.json", "metrics.jsonl", "results.json"])
def test_a_folder_half_deleted(disent, tmp_path, name):
    folder = write_run(tmp_path / "a")
    (folder / name).unlink()
    found = disent("report", "a")
    assert found.code == 0, found.err
    expected = {
        "data.json": "It has no data.json.",
        "environment.json": "It has no environment.json.",
        "metrics.jsonl": "0 of 2 epochs are done",
        "results.json": "Nothing was measured",
    }
    assert expected[name] in page("a/report.html").text


def test_a_folder_without_its_settings_is_no_run(disent, tmp_path):
    (write_run(tmp_path / "a") / "config.json").unlink()
    found = disent("report", "a")
    assert (found.code, found.out) == (2, "")
    assert not (tmp_path / "a" / "report.html").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"probe": {"values": {"a": NaN}}}', '{"probe": 5, "b": {"metric": "b"}}'])
def test_results_that_are_damaged_are_told(disent, tmp_path, text):
    (write_run(tmp_path / "a") / "results.json").write_text(text)
    found = disent("report", "a")
    assert found.code == 0, found.err
    assert "Records are missing or damaged" in page("a/report.html").text


def test_names_that_are_hostile(disent, tmp_path):
    name = os.fsdecode(b"<script>alert(1)<|script>'\"\n\x1b[31m\xff")
    write_run(tmp_path / name, run(settings={"model": "<img src=x onerror=alert(1)>", "data": "\x1b]0;t\x07"}))
    found = disent("report", name)
    assert found.code == 0, found.err
    assert "\x1b" not in found.out + found.err
    shown = page(tmp_path / name / "report.html")
    assert "alert(1)" in shown.text
    assert "\x1b" not in shown.text


def test_it_loads_no_torch(tmp_path):
    for seed, name in enumerate("ab"):
        write_run(tmp_path / name, run(settings={"seed": seed}))
    program = (
        "import sys; from disent_plugins.cli.main import command\n"
        "sys.argv = ['disent', 'report', 'a', 'b']; command()\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "report.html\n"
