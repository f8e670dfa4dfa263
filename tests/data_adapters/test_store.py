"""The front door: which cache a data set gets, and that no name leads out of the folder of caches."""

from __future__ import annotations

import dataclasses
import types
from pathlib import Path

import numpy as np
import pytest
from helpers import data_files

from disent_plugins.contracts import Factor, ImageSpec
from disent_plugins.data_adapters.adapter import RawFile
from disent_plugins.data_adapters.cache import cache_path
from disent_plugins.data_adapters.code import code_hash
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import DataMissing, PluginFailure


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The cache folder of a test; the network is off."""
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DISENT_OFFLINE", "1")
    return tmp_path / "cache"


@pytest.mark.parametrize(
    "name", ["../out", "/tmp/out", "a/b", "..", ".", ".hidden", "", "a\\b", "a\nb", "a\0", 7, None]
)
def test_a_data_set_whose_name_leads_elsewhere_cannot_be_described(name):
    with pytest.raises(ValueError, match="cannot be named"):
        dataclasses.replace(data_files.Tiny.info, name=name)


@pytest.mark.parametrize(
    "name", ["../out", "/tmp/out", "a/../../b", "a//b", "..", ".", "", "a/", "a\\b", "C:x", "a\0", "./a"]
)
def test_a_raw_file_whose_name_leads_elsewhere_cannot_be_described(name):
    with pytest.raises(ValueError, match="inside the source folder"):
        RawFile(name)


def test_raw_files_may_lie_in_folders():
    assert RawFile("images/part 1/a..b.zip").name == "images/part 1/a..b.zip"


@pytest.mark.parametrize(
    "change",
    [
        {"info": types.SimpleNamespace(**vars(data_files.Tiny.info) | {"name": "../out"})},
        {"files": (types.SimpleNamespace(name="../out", urls=("http://nowhere",), hash="", size=0, obtain=""),)},
    ],
    ids=["info", "files"],
)
def test_only_descriptions_that_were_checked_are_taken(folder, change):
    adapter = data_files.Tiny()
    vars(adapter).update(change)
    with pytest.raises(PluginFailure, match="broke its contract"):
        prepare(adapter)
    assert not folder.parent.joinpath("out").exists()
    assert not folder.exists()


INFO = data_files.Tiny.info


@pytest.mark.parametrize(
    "change",
    [
        {"preprocessing": "inverted"},
        {"content": "pose"},
        {"groups_are_distinct": False},
        {"options": {"size": 2}},
        {"image": ImageSpec(1, 2, 3)},
        {"factors": (Factor("kind", 5), Factor("pose", 2))},
        {"factors": (Factor("kind", 4, "ordered"), Factor("pose", 2))},
        {"factors": (Factor("kind", 4), Factor("pose", 2, values=("a", "b")))},
    ],
    ids=str,
)
def test_all_that_decides_a_result_is_the_identity_of_a_cache(change):
    assert cache_path(INFO) != cache_path(dataclasses.replace(INFO, **change))


def test_another_content_under_the_same_preprocessing_is_another_table():
    adapter, other = data_files.Tiny(), data_files.Tiny()
    other.info = dataclasses.replace(INFO, content="pose", groups_are_distinct=False)
    before, after = prepare(adapter), prepare(other)
    assert (before.info.content, after.info.content) == ("kind", "pose")
    assert (after.labels == before.factors[:, 1]).all()
    assert before.digest != after.digest
    assert prepare(adapter).info.content == "kind"


def test_words_that_decide_nothing_are_the_adapters_own():
    adapter = data_files.Tiny()
    digest = prepare(adapter).digest
    adapter.info = dataclasses.replace(INFO, licence="other words")
    assert prepare(adapter).digest == digest


SOURCE = '''
"""A data set."""
import numpy as np
from helpers import data_files

TRAIN = {train}

class Changing(data_files.Tiny):
    """{docstring}"""

    def read(self, source):
        """{docstring}"""
        table = super().read(source)
        table.split = np.where(np.arange(6) < TRAIN, 0, 2).astype(np.uint8)  # {docstring}
        return table
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes and imports the module of an adapter; another call is another version of it."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(train: int, docstring: str = "One.", name: str = "changing_adapter") -> object:
        import importlib
        import sys

        (tmp_path / f"{name}.py").write_text(SOURCE.format(train=train, docstring=docstring))
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        return importlib.import_module(name).Changing()

    return write


def test_another_split_in_the_code_is_another_table(module):
    said = []
    assert len(prepare(module(4)).rows("train")) == 4
    table = prepare(module(3), report=lambda *step: said.append(step[2]))
    assert len(table.rows("train")) == 3
    assert said[0].endswith("was built by other code than tiny has now: building anew")


def test_a_cache_of_other_code_is_not_used_where_it_cannot_be_built_again(module, tmp_path):
    prepare(module(4))
    with pytest.raises(DataMissing, match="There is no folder"):
        prepare(module(3), tmp_path / "nowhere")


def test_comments_and_docstrings_do_not_make_other_code(module):
    assert code_hash(module(4)) == code_hash(module(4, "Two."))
    assert code_hash(module(4)) != code_hash(module(3))


def test_code_that_was_typed_in_counts_by_its_bases():
    typed = type("Typed", (data_files.Tiny,), {"__module__": "nowhere"})
    assert code_hash(typed()) == code_hash(typed())
    assert len(prepare(typed()).images) == 6
    assert np.array_equal(prepare(typed()).images, data_files.Tiny.images)
