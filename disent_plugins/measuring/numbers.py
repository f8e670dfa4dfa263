"""Numbers as tables show them."""

from __future__ import annotations


def number(value: float | None) -> str:
    """Three digits behind the point, fewer for numbers of ten and more; nothing for None.

    >>> number(0.98765), number(12.345), number(1234.56), number(None)
    ('0.988', '12.35', '1,234.6', '')
    """
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}" if abs(value) < 100 else f"{value:,.1f}"
