"""How results show themselves in a notebook: as HTML, made by a part that is loaded only when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def shown_by(target: str) -> Callable[[Any], str | None]:
    """A ``_repr_html_`` for a class that must not import what draws it.

    Args:
        target: ``"package.module:function"``, which takes the object and gives HTML.

    Returns:
        The method. It gives None, for which a notebook shows the text, where drawing fails.
    """
    module, _, name = target.partition(":")

    def _repr_html_(self: Any) -> str | None:
        try:
            return str(getattr(import_module(module), name)(self))
        except Exception:  # how it looks is no reason to hide a result
            return None

    return _repr_html_
