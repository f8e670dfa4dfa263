"""What the tests of the conformance checks share."""

from __future__ import annotations

import pytest

from disent_plugins.testing import ContractError


def broken(check, toy, words: str, **arguments) -> None:
    """The check fails and says so in these words, and what to do."""
    with pytest.raises(ContractError, match=words) as caught:
        check(toy, **arguments)
    assert isinstance(caught.value, AssertionError)
    assert toy.__name__ in caught.value.what
    assert caught.value.remedy
