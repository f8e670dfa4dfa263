"""Text of others made safe to show: nothing in it moves the cursor, changes colours or hides what is beside it."""

from __future__ import annotations

import re

# C0 and C1 controls, and the marks that turn or hide text: direction, line and paragraph ends, zero width.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def printable(text: str) -> str:
    """The text with every control character but tab and new line as a visible sign of the same width.

    >>> printable("red \\x1b[31m")
    'red ␛[31m'
    """
    return _UNSAFE.sub(lambda found: _sign(ord(found.group())), text)


def escaped(document: str) -> str:
    r"""A JSON document, in which such characters stand in texts only, with their JSON escapes instead.

    >>> escaped('"\x9b31m"')
    '"\\u009b31m"'
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", document)


def _sign(code: int) -> str:
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"
