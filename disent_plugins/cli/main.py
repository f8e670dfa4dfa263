"""The entry point: global flags, errors and exit codes."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from disent_plugins import interrupts
from disent_plugins.cli import (
    bench,
    compare,
    data,
    doctor,
    encode,
    metrics,
    models,
    report,
    reproduce,
    run,
    runs,
    state,
    sweep,
)
from disent_plugins.cli.surroundings import prepare, refuse_empty
from disent_plugins.errors import DisentError, Interrupted, UsageError
from disent_plugins.registry.guard import told
from disent_plugins.version import __version__

ANYWHERE = ("--version", "--debug", "--no-plugins")
"""Global flags that may also stand behind a command, where people type them."""


class Commands(TyperGroup):
    """The command group; Ctrl-C becomes our own error, with its own exit code."""

    def make_context(self, *arguments: Any, **named: Any) -> Any:
        with interrupted():
            return super().make_context(*arguments, **named)

    def invoke(self, ctx: Any) -> Any:
        try:
            with interrupted():
                found = super().invoke(ctx)
                state.result.flush()
                return found
        except BrokenPipeError:
            # Whoever read our output has gone, as in `disent models list | head -1`: not worth a word.
            return None


@contextlib.contextmanager
def interrupted() -> Iterator[None]:
    """Turn a signal, and whatever a library made of it, into what a person is told."""
    try:
        yield
    except Interrupted:
        raise
    except BaseException as error:
        if not (isinstance(error, KeyboardInterrupt) or interrupts.received()):
            raise
        raise Interrupted(
            "Interrupted.",
            "What was being written was not put in place; nothing old is lost.",
            "Start the same command again when you like.",
        ) from error


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Pull content and style apart, and measure how far apart they are.\n\nStart with: [bold]disent run[/bold]",
    epilog="Exit codes: 0 done, 1 the work failed, 2 usage or configuration, 3 data missing or unreachable, "
    "4 plugin failure, 130 interrupted.",
)
app.command("run")(run.run)
app.command("sweep")(sweep.sweep)
app.command("reproduce")(reproduce.reproduce)
app.add_typer(runs.app, name="runs")
app.command("encode")(encode.encode)
app.command("compare")(compare.compare)
app.command("report")(report.report)
app.add_typer(metrics.app, name="metrics")
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.command("bench")(bench.bench)
app.command("plugins")(doctor.plugins)
app.command("doctor")(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Leave third-party plugins out.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    state.third_party = not no_plugins


def main() -> None:
    """The entry point: the process, and then the command."""
    prepare()
    if os.environ.get("WORLD_SIZE", "1") == "1":
        command()
        return
    code: object = 0
    try:
        command()
    except SystemExit as done:
        code = done.code or 0
    # One of several: what the exchange between processes leaves running can abort an interpreter that ends in order,
    # and torchrun would then stop the process that is still measuring.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


@interrupts.listening()
def command() -> None:
    """Run the command line; every expected failure ends in a clear message and its exit code."""
    arguments = sys.argv[1:]
    flags = [flag for flag in ANYWHERE if flag in arguments]
    arguments = flags + [argument for argument in arguments if argument not in flags]
    debug = "--debug" in flags
    try:
        refuse_empty(arguments)
        app(args=arguments, prog_name="disent")
    except DisentError as error:
        if debug:
            raise
        for line, prefix in zip(str(error).splitlines(), ["error: ", *["       "] * 100], strict=False):
            state.say(prefix + line)
        sys.exit(error.exit_code)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError):
            name = f" {str(error.filename)[:_SHOWN]}" if error.filename else ""
            state.say(f"error: The system refused to read or write{name}: {error.strerror or error}.")
            state.say("       See where with --debug.")
            sys.exit(UsageError.exit_code if error.errno in _BAD_NAME else 1)
        state.say(f"error: {told(error)}")
        state.say("       This is a bug in disent. See where with --debug, and please report it.")
        sys.exit(1)


_SHOWN = 100
"""Letters of a file's name that an error shows."""

_BAD_NAME = {errno.ENAMETOOLONG, errno.ELOOP}


if __name__ == "__main__":
    main()
