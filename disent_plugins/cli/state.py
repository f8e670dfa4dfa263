"""What one invocation shares: the registry, and the consoles. stdout is the result, stderr is for people."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from typing import Any, TextIO

from rich.console import Console

from disent_plugins.registry.host import Plugin, Registry, from_environment


class Out(Console):
    """stdout; when whoever read it has gone, that is for ``main`` to answer."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Err(Console):
    """stderr; when whoever read it has gone, the work goes on unheard."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        drop(sys.stderr)


def drop(stream: TextIO) -> None:
    """Let the rest of a stream go nowhere, so that nothing fails when it is flushed at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


err = Err(stderr=True, highlight=False, emoji=False)
out = Out(highlight=False, emoji=False)

third_party = True
"""Cleared by --no-plugins before any command runs."""


@cache
def registry() -> Registry:
    """The plugins of this invocation; skipped ones cost one line each on stderr."""
    found = from_environment(os.environ, third_party=third_party)
    for plugin in found.skipped:
        _say_skipped(plugin)
    found.on_skip = _say_skipped
    return found


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    from disent_plugins.measuring.documents import plain

    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def say(text: str) -> None:
    """A line for people, on stderr; text is printed as it is, never as markup."""
    err.print(text, markup=False, soft_wrap=True)


def _say_skipped(plugin: Plugin) -> None:
    say(f"warning: {plugin.line}")
