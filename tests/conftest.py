from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder with the digits in it, and arithmetic in one thread: the same numbers as in any process."""
    import torch
    from helpers.command_line import call

    folder = tmp_path_factory.mktemp("cache")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISENT_CACHE", str(folder))
        assert call("data", "prepare", "digits").code == 0
    yield folder
    torch.set_num_threads(before)


@pytest.fixture
def disent(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """The command, run in ``tmp_path``: ``disent("models", "list").out``."""
    from helpers.command_line import call

    monkeypatch.setenv("DISENT_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    return call


@pytest.fixture(scope="session")
def trained_once(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A tiny run on the digits, made by ``disent run --json``, and the document it printed. Not to be changed."""
    from helpers.command_line import TINY, call

    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISENT_CACHE", str(cache))
        patch.chdir(folder)
        outcome = call("run", "--epochs", "2", *TINY, "--out", "runs/tiny", "--json")
    assert outcome.code == 0, outcome.err
    (folder / "stderr.txt").write_text(outcome.err)
    return folder / "runs" / "tiny", outcome.json


@pytest.fixture
def trained(trained_once: tuple[Path, dict], disent: Callable, tmp_path: Path) -> Path:
    """A copy of the tiny run, as ``runs/tiny`` in the current folder."""
    shutil.copytree(trained_once[0], tmp_path / "runs" / "tiny")
    return Path("runs/tiny")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux"):
        pytest.skip("a small file system is mounted on Linux only")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"mounting a small file system is not permitted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
