"""What one invocation shares: the registry, and the consoles. stdout is the result, stderr is for people."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, TextIO

from rich.console import Console
from rich.segment import Segment

from disent_plugins.errors import WorkFailed
from disent_plugins.printable import escaped, printable
from disent_plugins.registry.host import Plugin, Registry, from_environment


class Safe(Console):
    """A console on which names, summaries, messages and values of others are text and nothing else."""

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        """Segments whose text has no control characters; rich's own controls are marked as such."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


class Out(Safe):
    """stdout; when whoever read it has gone, that is for ``main`` to answer."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Stream:
    """stdout or stderr, whatever it is now. One that fails is dropped, so that nothing fails again at exit."""

    def __init__(self, name: str) -> None:
        self.name = name

    def write(self, text: str) -> int:
        """Write; of stderr that is lost the work goes on unheard, of stdout there is no result.

        Raises:
            WorkFailed: It is stdout, and the system refuses.
            BrokenPipeError: It is stdout, and nobody reads it any more.
        """
        self._try(lambda stream: stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush likewise."""
        self._try(lambda stream: stream.flush())

    def __getattr__(self, name: str) -> Any:
        if name == _BEHIND:
            raise AttributeError(name)
        return getattr(getattr(sys, self.name), name)

    def _try(self, what: Callable[[TextIO], object]) -> None:
        stream = getattr(sys, self.name)
        stream = getattr(stream, _BEHIND, stream)
        try:
            what(stream)
        except OSError as error:
            drop(stream)
            if self.name == "stderr":
                return
            if isinstance(error, BrokenPipeError):
                raise
            why = f"The system says: {error.strerror}."
            raise WorkFailed("The result could not be written to stdout.", why) from error


_BEHIND = "rich_proxied_file"
"""What rich calls the stream behind the one that it puts in the place of stderr while a bar is drawn."""


def drop(stream: TextIO) -> None:
    """Let the rest of a stream go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


result = Stream("stdout")
err = Safe(file=Stream("stderr"), highlight=False, emoji=False)  # type: ignore[arg-type]
out = Out(file=result, highlight=False, emoji=False)  # type: ignore[arg-type]

COMPLETING = "_DISENT_COMPLETE"
"""Set by a shell that asks what could be typed here."""

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

    letters = (result.encoding or "utf-8").lower().startswith("utf")
    text = json.dumps(plain(value), indent=2, ensure_ascii=not letters, allow_nan=False)
    # A name that is no Unicode, such as a path in another encoding, has half characters: JSON can escape them.
    result.write(escaped(text).encode("utf-8", "backslashreplace").decode() + "\n")


def say(text: str) -> None:
    """A line for people, on stderr; text is printed as it is, never as markup."""
    err.print(text, markup=False, soft_wrap=True)


@contextlib.contextmanager
def one_voice(heard: bool) -> Iterator[None]:
    """A context in which a process says something only if it is the one to be heard; its errors come after it."""
    out.quiet = err.quiet = not heard
    try:
        yield
    finally:
        out.quiet = err.quiet = False


def _say_skipped(plugin: Plugin) -> None:
    if COMPLETING not in os.environ:  # a person who presses Tab is in the middle of a line
        say(f"warning: {plugin.line}")
