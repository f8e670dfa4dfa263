"""What one invocation shares: the registry, and the consoles. stdout is the result, stderr is for people."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from typing import Any

from rich.console import Console

from disent_plugins.registry.host import Plugin, Registry, from_environment

err = Console(stderr=True, highlight=False)
out = Console(highlight=False)

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
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def say(text: str) -> None:
    """A line for people, on stderr; text is printed as it is, never as markup."""
    err.print(text, markup=False, soft_wrap=True)


def _say_skipped(plugin: Plugin) -> None:
    say(f"warning: {plugin.line}")
