"""Codes that come as one array: which of its columns are content, and which are style."""

from __future__ import annotations

import re

import numpy as np

from disent_plugins.errors import UsageError, shown

Block = str | slice
"""Columns START to STOP, STOP not included: ``"0:8"`` or ``slice(0, 8)``."""


def _as_typed(content: str, style: str) -> str:
    return f'--content {content} --style {style} (in Python: blocks=("{content}", "{style}"))'


EXAMPLE = _as_typed("0:8", "8:16")
"""How blocks are named, on the command line and in Python."""


def example(columns: int) -> str:
    """How to say which of ``columns`` columns are which.

    >>> example(6)
    'Say which columns are which, for example: --content 0:3 --style 3:6 (in Python: blocks=("0:3", "3:6"))'
    """
    if columns < 2:
        return "A content and a style have at least a column each"
    half = columns // 2
    return f"Say which columns are which, for example: {_as_typed(f'0:{half}', f'{half}:{columns}')}"


def cut(codes: np.ndarray, blocks: tuple[Block | None, Block | None] | None) -> tuple[np.ndarray, np.ndarray]:
    """Content and style of ``codes`` [N, D]; without ``blocks`` all columns are content, and the style is [N, 0].

    Args:
        codes: [N, D] numbers.
        blocks: The columns of the content and of the style, which together are all columns, each of them once.

    Raises:
        UsageError: A block is missing or not START:STOP, runs beyond the columns, or the two overlap or leave a gap.

    >>> content, style = cut(np.arange(6).reshape(2, 3), ("1:3", "0:1"))
    >>> content.tolist(), style.tolist()
    ([[1, 2], [4, 5]], [[0], [3]])
    """
    columns = codes.shape[1]
    if blocks is None:
        return codes, codes[:, :0]
    if not isinstance(blocks, tuple | list) or len(blocks) != 2:
        raise UsageError(
            f"The blocks {shown(blocks)} are not two.", "One is the content, one the style.", example(columns)
        )
    content, style = (_bounds(name, block, columns) for name, block in zip(("content", "style"), blocks, strict=True))
    uses = np.zeros(columns, dtype=np.int64)
    for start, stop in (content, style):
        uses[start:stop] += 1
    if (uses > 1).any():
        raise UsageError(
            "The blocks content and style overlap.",
            f"Both hold column {uses.argmax()} (counted from 0).",
            example(columns),
        )
    if not uses.all():
        why = f"Column {uses.argmin()} of {columns} (counted from 0) is in neither."
        raise UsageError("The blocks content and style leave a gap.", why, example(columns))
    return codes[:, slice(*content)], codes[:, slice(*style)]


def _bounds(name: str, block: Block | None, columns: int) -> tuple[int, int]:
    if block is None:
        raise UsageError(
            f"The block {name} is missing.", "Content and style are named together, or neither.", example(columns)
        )
    if isinstance(block, slice):
        text = f"{block.start}:{block.stop}" + ("" if block.step is None else f":{block.step}")
    else:
        text = str(block)
    match = re.fullmatch(r"\s*(\d{1,18})\s*:\s*(\d{1,18})\s*", text, flags=re.ASCII)
    start, stop = (int(match[1]), int(match[2])) if match else (0, 0)
    if start >= stop:
        why = "START is the first column, counted from 0; STOP is the one after the last, and larger."
        raise UsageError(f"The block {name} {shown(text)} is not START:STOP.", why, example(columns))
    if stop > columns:
        why = f"The codes have {columns} columns, so STOP is at most {columns}."
        raise UsageError(f"The block {name} {text!r} runs beyond the columns.", why, example(columns))
    return start, stop
