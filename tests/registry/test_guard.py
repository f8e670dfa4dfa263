"""What code of plugins may raise and do, and what is left of it."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from disent_plugins.registry.guard import LONGEST, guarded, own_copy, told


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


class Leaving(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


class Stopping(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


def throw(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(2), KeyboardInterrupt(), GeneratorExit(), Mute()])
def test_whatever_is_raised_is_returned(error):
    assert guarded(lambda: throw(error)) == (error, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_passes_through(number):
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            guarded(lambda: signal.raise_signal(number))
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_it_works_in_threads_too():
    found = []
    thread = threading.Thread(target=lambda: found.append(guarded(lambda: throw(KeyboardInterrupt()))[0]))
    thread.start()
    thread.join()
    assert isinstance(found[0], KeyboardInterrupt)


def test_the_current_folder_is_put_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    assert guarded(lambda: os.chdir("other")) == (None, None)
    assert Path.cwd() == tmp_path
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir("gone")
    (tmp_path / "gone").rmdir()
    assert guarded(lambda: 7) == (None, 7)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\n lines"), "ValueError: two lines"),
        (KeyError(), "KeyError"),
        (SystemExit(3), "it called sys.exit(3)"),
        (Mute(), "Mute, whose message cannot be read"),
        (Leaving(), "Leaving, whose message cannot be read"),
        (Stopping(), "Stopping, whose message cannot be read"),
        (SystemExit(Mute()), "it called sys.exit(Mute())"),
        (ValueError("x" * 10_000), "ValueError: " + "x" * LONGEST + "..."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_error_is_told_in_one_short_line(error, line):
    assert told(error) == line


@dataclass(frozen=True)
class Settings:
    options: dict = field(default_factory=dict)


@dataclass
class Run:
    settings: Settings
    folder: Path


def test_a_copy_shares_nothing_that_can_be_changed():
    run = Run(Settings({"k": [1]}), Path("a"))
    value = {"run": run, "losses": {"total": 1.0}, "pair": ({"a": 1}, 2)}
    copy = own_copy(value)
    assert copy == value
    copy["run"].settings.options["k"].append(2)
    copy["run"].folder = Path("b")
    copy["losses"].clear()
    copy["pair"][0].clear()
    assert value == {"run": Run(Settings({"k": [1]}), Path("a")), "losses": {"total": 1.0}, "pair": ({"a": 1}, 2)}
