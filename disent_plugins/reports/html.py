"""Templates filled in: everything that comes from elsewhere is text, escaped and without control characters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from disent_plugins.measuring.numbers import number
from disent_plugins.printable import printable
from disent_plugins.reports import charts
from disent_plugins.reports.bars import bar_of
from disent_plugins.version import __version__

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

COLORS, DASHES = 8, 4
"""Colours and patterns of lines that the style sheet has."""


def fill(template: str, **context: Any) -> Markup:
    """The template with its variables filled in, safe to stand in another one."""
    from markupsafe import Markup

    return Markup(environment().get_template(template).render(**context))


@cache
def environment() -> Environment:
    """Where the templates are. All variables are escaped, and a name that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("disent_plugins.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    made.filters |= {"number": number, "count": _count, "bar": bar_of}
    made.globals |= {
        "version": __version__,
        "colors": COLORS,
        "size": SimpleNamespace(width=charts.WIDTH, height=charts.HEIGHT, left=charts.LEFT, right=charts.RIGHT,
                                bottom=charts.BOTTOM),
    }  # fmt: skip
    return made


def named(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> named(["a"]), named(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), *words[-1:]]) if len(words) > 1 else "".join(words)


def _plain(value: Any) -> Any:
    # Only text itself: what is Markup came out of a template.
    return printable(value) if type(value) is str else value


def _count(value: int | None) -> str:
    return f"{value:,}" if value else ""
