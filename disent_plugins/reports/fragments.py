"""Results and comparisons as HTML fragments, for notebooks: the tables of the report with their own style."""

from __future__ import annotations

from typing import TYPE_CHECKING

from disent_plugins.contracts import Result
from disent_plugins.measuring.documents import document
from disent_plugins.reports.html import fill
from disent_plugins.reports.rows import rows_of

if TYPE_CHECKING:
    from disent_plugins.studies.comparison import Comparison


def result_html(result: Result) -> str:
    """The values of a result between chance and ceiling, its notes and files."""
    found = document(result)
    rows = list(rows_of({result.metric: found}))
    files = list(found["artifacts"].items())
    return fill("result.html.j2", title=result.metric, rows=rows, notes=found["notes"], files=files)


def comparison_html(comparison: Comparison) -> str:
    """The table of models on one data set."""
    return fill("comparison.html.j2", table=comparison)
