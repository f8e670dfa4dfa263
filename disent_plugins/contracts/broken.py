"""The error of a broken contract: what is broken, and how its author mends it."""

from __future__ import annotations

from typing import Any


class ContractError(AssertionError):
    """A plugin breaks its contract. A command names the plugin with it; a test of its author's fails with it.

    Args:
        what: One sentence, what is broken.
        remedy: One sentence, how to mend it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}")
        self.what, self.remedy = what, remedy


def demand(condition: Any, what: str, remedy: str) -> None:
    """Raise :class:`ContractError` unless ``condition`` holds."""
    if not condition:
        raise ContractError(what, remedy)
