"""Plugins that no process survives, found by one that may die of them."""

from __future__ import annotations

import pytest
from helpers.plugin_files import MODEL, entry_points_in, write_plugin

from disent_plugins.registry.alone import load_alone

CASES = {
    "good": (MODEL.format(name="good", target="a:A"), ""),
    "loud": ("import os; os.write(1, b'loud\\n')\n" + MODEL.format(name="loud", target="a:A"), ""),
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "hangs": ("while True: pass", "it is still being imported after "),
    "crashes": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "importing it crashes Python (SIGSEGV)"),
    "leaves": ("import os; os._exit(0)", "importing it ends the process (exit code 0)"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_plugin_does_alone_is_told(tmp_path, monkeypatch, case):
    source, words = CASES[case]
    write_plugin(tmp_path, case, source)
    monkeypatch.syspath_prepend(tmp_path)
    (point,) = entry_points_in(tmp_path)
    error = load_alone(point, seconds=2.0 if case == "hangs" else 60.0)
    assert error.startswith(words)
    assert bool(error) == bool(words)
