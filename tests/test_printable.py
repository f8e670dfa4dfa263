from __future__ import annotations

import json

import pytest

from disent_plugins.printable import escaped, printable

HOSTILE = ["\x1b[2J", "\x9b31m", "\x1b]0;title\x07", "a\rb", "a\x08b", "\x7f", "\u202eabc", "a\u2028b", "\u200bx", "\0"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_steers_a_terminal_is_left(text):
    shown = printable(text)
    assert len(shown) == len(text)
    assert shown != text
    assert shown.isprintable()
    document = escaped(json.dumps([text], ensure_ascii=False))
    assert document.isprintable()
    assert json.loads(document) == [text]


@pytest.mark.parametrize("text", ["plain", "Größe 大小 ↑ █", "two\nlines\tand a tab", "क्\u200dष"])
def test_text_stays_as_it_is(text):
    assert printable(text) == escaped(text) == text
