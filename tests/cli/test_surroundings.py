"""What a process finds around it: closed and full streams, ASCII, no HOME, odd backends and paths, empty arguments."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.command_line import TINY, Outcome

FULL = Path("/dev/full")


@pytest.fixture
def shell(tmp_path, cache):
    """``disent ...`` as a line of a shell, warnings as people have them."""

    def run(line: str, **environment: str) -> Outcome:
        mine = {key: value for key, value in os.environ.items() if key not in ("PYTHONWARNINGS", "HOME")}
        mine |= {"DISENT_CACHE": str(cache), "OMP_NUM_THREADS": "1", "HOME": str(tmp_path), **environment}
        line = line.replace("disent", f"{sys.executable} -m disent_plugins", 1)
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=mine, capture_output=True, text=True, timeout=120, check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("flags", ["", "--json"])
def test_a_full_stdout_is_one_clear_error(shell, flags):
    found = shell(f"disent models list {flags} >/dev/full")
    assert found.code == 1
    assert found.err == (
        "error: The result could not be written to stdout.\n       The system says: No space left on device.\n"
    )


@pytest.mark.parametrize(
    ("line", "code", "err"),
    [
        ("disent models list --json >&-", 0, "warning: stdout is closed, so the result is not printed; "),
        ("disent models list --json 2>&- <&-", 0, ""),
        ("disent models show nothing 2>&-", 2, ""),
        ("disent models show nothing 2>/dev/full", 2, ""),
    ],
)
def test_a_stream_that_is_closed_or_full_costs_no_more_than_itself(shell, line, code, err):
    found = shell(line)
    assert found.code == code
    assert found.err.startswith(err)
    assert len(found.err.splitlines()) == bool(err)


@pytest.mark.parametrize("command", ["models list", "metrics list --json", "run --data nothing"])
def test_a_terminal_that_knows_only_ascii_is_enough(shell, command):
    found = shell(f"disent {command}", PYTHONIOENCODING="ascii:strict")
    assert found.code == (2 if "nothing" in command else 0), found.err
    assert (found.out + found.err).isascii()


def test_libraries_find_a_backend_and_keep_their_warnings(tmp_path):
    program = (
        "from disent_plugins.cli.surroundings import prepare; prepare(); import warnings, matplotlib\n"
        "from matplotlib.figure import Figure; print(matplotlib.get_backend()); warnings.warn('of a library')"
    )
    mine = {key: value for key, value in os.environ.items() if key not in ("PYTHONWARNINGS", "HOME")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, env={**mine, "MPLBACKEND": "nonsense"}, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (done.stdout.lower(), done.stderr) == ("agg\n", "")


# In this process


def test_a_run_folder_whose_name_is_no_unicode(disent, tmp_path, monkeypatch):
    monkeypatch.setenv("DISENT_DISABLE_PLUGINS", "metrics")  # nothing to measure: done sooner
    folder = os.fsdecode(b"odd-\xff\x1b")
    found = disent("run", "--epochs", "1", *TINY, "--out", folder, "--json")
    assert found.code == 0, found.err
    assert found.json["run"] == folder
    command = json.loads((tmp_path / folder / "environment.json").read_text())["command"]
    assert folder in command
    assert disent("run", "--resume", folder, "--dry-run").code == 0
    assert "\x1b" not in found.out + found.err


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["run", "--out", ""], "--out"),
        (["run", "--out="], "--out"),
        (["run", "--resume", ""], "--resume"),
        (["run", "--data", ""], "--data"),
        (["run", "--config", ""], "--config"),
        (["metrics", "probe", "--codes", ""], "--codes"),
        (["metrics", "probe", ""], "An argument"),
        (["data", "show", ""], "An argument"),
    ],
)
def test_an_empty_argument_is_refused(disent, arguments, name):
    found = disent(*arguments)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(f"error: {name} is empty.\n")


@pytest.mark.parametrize(
    "line", ['out = ""', 'out = " "', 'source = ""', 'out = "a\\u0000b"', 'data = ""', 'model = ""']
)
def test_an_empty_setting_is_refused(disent, tmp_path, line):
    (tmp_path / "a.toml").write_text(line)
    found = disent("run", "--config", "a.toml")
    assert (found.code, found.out) == (2, "")
    assert "bug in disent" not in found.err


@pytest.mark.parametrize(
    "arguments",
    [["run", "--out"], ["run", "--resume"], ["run", "--config"], ["metrics", "probe", "--codes"]],
    ids=" ".join,
)
def test_a_path_that_is_too_long_is_one_clear_error(disent, arguments):
    found = disent(*arguments, "x" * 5000)
    assert found.code == 2, found.err
    assert "bug in disent" not in found.err
    assert len(found.err.splitlines()) <= 3


def test_the_cache_needs_a_home_or_a_name(disent, monkeypatch):
    def nowhere(self):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("DISENT_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "expanduser", nowhere)
    found = disent("data", "show", "digits")
    assert found.code == 2
    assert "Name a folder: DISENT_CACHE=FOLDER disent ..." in found.err
