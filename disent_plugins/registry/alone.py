"""A plugin loaded in a process of its own: one that hangs or crashes there costs that process only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import EntryPoint

from disent_plugins.registry.installed import GROUP

SECONDS = 60.0
"""That a plugin may take to be imported and to name what it adds."""

_DONE = "loaded"


def load_alone(point: EntryPoint, seconds: float | None = None) -> str:
    """Why a plugin cannot be used, "" if it can; other processes that it starts are ended with it."""
    seconds = SECONDS if seconds is None else seconds
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        child = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, point.name, point.value],
            stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.DEVNULL, env=environment, start_new_session=True,
        )  # fmt: skip
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"it is still being imported after {seconds:g} seconds, and would keep every command waiting"
        finally:
            _end(child)
        said.seek(0)
        last = said.read().rpartition("\0")[2]
    if code < 0:
        return f"importing it crashes Python ({signal.Signals(-code).name})"
    return f"importing it ends the process (exit code {code})" if not last else "" if last == _DONE else last


def _end(child: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all of them are gone
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()


def _main(name: str, value: str) -> None:
    from disent_plugins.registry.host import Registry

    (plugin,) = Registry(points=[EntryPoint(name, value, GROUP)]).plugins
    print(f"\0{plugin.error or _DONE}", end="", flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
