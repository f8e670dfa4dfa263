"""A signal stays one, whatever a library makes of the exception that it raises."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
from helpers.command_line import call

from disent_plugins import interrupts
from disent_plugins.registry.host import OURS, Plugin, Registry


def signalled(number: int, error: BaseException | None) -> None:
    """As a library does that is being imported: catches everything and raises something of its own."""
    try:
        os.kill(os.getpid(), number)
    except KeyboardInterrupt:
        if error is not None:
            raise error from None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("error", [ImportError("numpy is badly installed"), SystemExit(3), RuntimeError()])
def test_a_guarded_call_passes_a_signal_on(number, error):
    registry = Registry(points=[])
    with interrupts.listening(), pytest.raises(KeyboardInterrupt):
        registry.call(Plugin("other", "of-others", "1"), "It failed", lambda: signalled(number, error))
    with pytest.raises(type(error)):  # and without a signal an error is an error
        registry.call(Plugin("own", OURS, "1"), "It failed", lambda: (_ for _ in ()).throw(error))


@pytest.mark.parametrize("error", [ImportError("numpy is badly installed"), RuntimeError(), OSError()])
def test_a_command_that_was_interrupted_in_an_import_says_so(monkeypatch, disent, error):
    monkeypatch.setattr("disent_plugins.cli.models.list_specs", lambda *_, **__: signalled(signal.SIGINT, error))
    found = call("models", "list")
    assert (found.code, found.out) == (130, "")
    assert found.err.startswith("error: Interrupted.\n")
    assert "bug" not in found.err


def test_a_signal_in_a_destructor_is_not_lost():
    class Slow:
        def __del__(self):
            signalled(signal.SIGINT, KeyboardInterrupt())

    def forget() -> None:
        thing = Slow()
        del thing
        end = time.monotonic() + 10
        while time.monotonic() < end:
            pass

    before = sys.unraisablehook, signal.getsignal(signal.SIGTERM)
    with interrupts.listening(), pytest.raises(KeyboardInterrupt):
        forget()
    assert (sys.unraisablehook, signal.getsignal(signal.SIGTERM)) == before
    assert not interrupts.received()
