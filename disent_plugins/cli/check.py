"""``disent metrics check``: metrics, or anybody's function, on representations of known quality."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from math import isfinite
from pathlib import Path
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from disent_plugins.cli import completion, state
from disent_plugins.cli.models import Json
from disent_plugins.errors import DisentError, PluginFailure, UsageError, WorkFailed, suggestion
from disent_plugins.registry.guard import told

if TYPE_CHECKING:
    from disent_plugins.metrics.oracles.check import Finding

GAP, INDENT = " " * 2, " " * 4


def check(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME | MODULE:FUNCTION]",
            help="A metric, or a function of codes [N, D] and factors [N, K] that gives a number or a dict "
            "(default: every metric that says what it expects).",
            show_default=False,
            autocompletion=completion.metrics,
        ),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="METRIC", help="Expect what this metric expects.", autocompletion=completion.metrics),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Of the oracles and the metric.")] = 0,
    jobs: Annotated[int, typer.Option(min=0, help="Processes, 0 for one a core; no finding depends on it.")] = 0,
    json: Json = False,
) -> None:
    """Check metrics on representations of known quality (oracles)."""
    from disent_plugins.cli.progress import reporting

    how: dict[str, Any] = {"seed": seed, "jobs": jobs}
    found: dict[str, list[Finding]] = {}
    for title, run in _jobs(name, like):
        with reporting() as report:
            found[title] = run(report=lambda d, t, w, title=title, say=report: say(d, t, f"{title}: {w}"), **how)
    if json:
        state.print_json({title: [_plain(finding) for finding in findings] for title, findings in found.items()})
    else:
        for title, findings in found.items():
            for line in _lines(title, sorted(findings, key=lambda finding: not finding.ok), state.out.width):
                state.out.print(line, soft_wrap=True)
            state.out.print()
    wrong = [(title, finding) for title, findings in found.items() for finding in findings if not finding.ok]
    total = sum(map(len, found.values()))
    if not wrong:
        state.say(f"All {total} expectations hold.")
        return
    raise WorkFailed(
        f"{len(wrong)} of {total} expectations do not hold.",
        "\n".join(f"{title} on {one.case}: {_sentence(one)}" for title, one in wrong),
        "What the oracles are: docs/metrics.md",
    )


def _jobs(name: str | None, like: str | None) -> list[tuple[str, Any]]:
    """Titles and what to call for findings."""
    if like is not None and (name is None or ":" not in name):
        raise UsageError(
            "--like says what a function is expected to equal, and no function was named.",
            hint="disent metrics check package.module:function --like mig",
        )
    if name is None:
        return [(title, _metric(title)) for title in _with_expectations()]
    try:
        return [(name, _metric(name))]
    except UsageError:
        if ":" not in name or name in _known():
            raise
    return [(name, _function(name, like))]


def _known() -> list[str]:
    return state.registry().metrics.names()


def _with_expectations() -> list[str]:
    names = []
    for name in _known():
        try:
            spec, plugin = state.registry().metrics.find(name)
            about = getattr(state.registry().load(spec, plugin), "about", None)
        except PluginFailure as failure:  # one broken plugin does not stop the check of the others
            state.say(f"warning: {failure.what} {failure.why}")
            continue
        if about is not None and about.expects:
            names.append(name)
    return names


def _metric(name: str) -> Any:
    from disent_plugins.metrics.oracles.check import check_metric_on_oracles

    spec, plugin = state.registry().metrics.find(name)
    metric = state.registry().load(spec, plugin)
    return partial(check_metric_on_oracles, metric, _expects(metric), spec.needs)


def _function(name: str, like: str | None) -> Any:
    from disent_plugins.metrics.oracles.check import check_function_on_oracles

    expects: Sequence[Any] = ()
    if like is not None:
        spec, plugin = state.registry().metrics.find(like)
        expects = _expects(state.registry().load(spec, plugin))
        if not expects:
            raise UsageError(f"Metric '{like}' says nothing of what it expects.", hint="Leave --like out.")
        if "factors" not in spec.needs:
            raise UsageError(
                f"No function can be expected to equal metric '{like}'.",
                f"It needs {', '.join(spec.needs)}; a function is given codes in one piece and factors.",
                "Make a metric of it, a class with Config and measure: docs/plugins.md",
            )
    return partial(check_function_on_oracles, _imported(name), expects)


def _expects(metric: type) -> Sequence[Any]:
    about = getattr(metric, "about", None)
    return () if about is None else about.expects


def _imported(name: str) -> Any:
    """The function that ``module:function`` names; modules of the current folder are found too."""
    module_name, _, attribute = name.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module_name)
    except DisentError:
        raise
    except (Exception, SystemExit) as error:  # the module is anybody's code
        raise UsageError(
            f"There is no metric '{name}', and module '{module_name}' cannot be imported.",
            told(error),
            f"{suggestion(name, _known())} Modules are looked up in {here} and where Python finds them.",
        ) from error
    try:
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        public = [key for key, value in vars(found).items() if callable(value) and not key.startswith("_")]
        raise UsageError(f"Module '{module_name}' has no '{attribute}'.", hint=suggestion(attribute, public)) from error
    if not callable(found):
        raise UsageError(f"'{name}' is no function.", f"It is of type {type(found).__name__}.")
    return found


def _lines(title: str, findings: Sequence[Finding], width: int) -> Iterator[Text]:
    """Two lines a finding, the numbers and the reason, in ``width`` columns; no name is broken or cut."""
    oracle = max((len(one.case) for one in findings), default=0)
    rows = [
        (f"{one.case:<{oracle}}  {one.value}", "none" if one.found is None else f"{one.found:.3f}", _interval(one),
         "ok" if one.ok else "WRONG", _because(one))
        for one in findings
    ]  # fmt: skip
    head = (f"{'oracle':<{oracle}}  value", "found", "expected")
    found, expected = (max(len(row[place]) for row in (head, *rows)) for place in (1, 2))
    right = found + expected + len("WRONG") + 3 * len(GAP)
    left = max(len(head[0]), min(max((len(row[0]) for row in rows), default=0), width - right))

    def line(name: str, number: str, interval: str, mark: str = "", style: str = "") -> Text:
        # Numbers of a name that is too long for its column stand below it.
        room = f"{name:<{left}}" if len(name) <= left else f"{name}\n{'':<{left}}"
        return Text(f"{room}{GAP}{number:>{found}}{GAP}{interval:<{expected}}{GAP}{mark}".rstrip(), style)

    reason = TextWrapper(
        width, initial_indent=INDENT, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False
    )
    yield Text(title, "bold")
    yield line(*head, style="bold")
    for name, number, interval, mark, because in rows:
        yield line(name, number, interval, mark, "" if mark == "ok" else "red")
        yield Text(reason.fill(because), "dim")


def _because(finding: Finding) -> str:
    words = f"normalised; {finding.source}" if finding.normalised else finding.source
    return f"{words} ({finding.error})" if finding.error else words


def _value(finding: Finding) -> str:
    return f"{finding.value}, normalised" if finding.normalised else finding.value


def _interval(finding: Finding) -> str:
    return f"{finding.low:.3g} to {finding.high:.3g}"


def _sentence(finding: Finding) -> str:
    if finding.found is None:
        return finding.error
    return f"{_value(finding)} is {finding.found:.3f}, expected {_interval(finding)} ({finding.source})"


def _plain(finding: Finding) -> dict[str, Any]:
    """JSON has no infinity: a bound that is none is null."""
    made = asdict(finding)
    numbers = {key: made[key] for key in ("found", "low", "high")}
    return made | {key: number if number is not None and isfinite(number) else None for key, number in numbers.items()}
