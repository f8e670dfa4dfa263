"""A cache that lies: other rows, another description, other types, with hashes that fit or not."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import data_files

from disent_plugins.contracts import Factor
from disent_plugins.data_adapters.cache_hash import content_hash, seal
from disent_plugins.data_adapters.cache_read import _info_from, open_table, verify
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import DataMissing


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    """A cache; the network is off."""
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "cache"))
    return prepare(data_files.Tiny()).path


def rows(**arrays: np.ndarray):
    def change(file: h5py.File) -> None:
        for name, array in arrays.items():
            del file[name]
            file[name] = array

    return change


def attribute(name: str, value: object):
    def change(file: h5py.File) -> None:
        file.attrs[name] = value

    return change


def described(**fields: object):
    def change(file: h5py.File) -> None:
        file.attrs["info"] = json.dumps(json.loads(file.attrs["info"]) | fields)

    return change


FACTORS = data_files.Tiny().read(None).factors
LIES = {
    "shuffled labels": (rows(factors=FACTORS[::-1].copy()), "its factors, split and description hash to"),
    "another split": (rows(split=np.array([2, 0, 0, 0, 1, 0], np.uint8)), "its factors, split and description hash"),
    "licence": (described(licence="public domain"), "its attributes are not those that were written"),
    "distinct groups": (described(groups_are_distinct=False), "its attributes are not those"),
    "sources": (attribute("sources", "{}"), "its attributes are not those"),
    "maker": (attribute("maker", "somebody"), "its attributes are not those"),
    "preprocessing": (attribute("preprocessing", "none at all"), "its attributes are not those"),
    "dataset": (attribute("dataset", "mnist"), "its attributes are not those"),
}
SEALED_LIES = {
    "float factors": (rows(factors=FACTORS.astype(float)), r"'factors' is float64 \(6, 2\), not"),
    "text factors": (rows(factors=FACTORS.astype("S8")), r"'factors' is \|S8"),
    "short factors": (rows(factors=FACTORS.astype(np.int32)), "'factors' is int32"),
    "huge factors": (rows(factors=FACTORS + 2**62), r"'kind' has values from 4.6\S*e\+18 to"),
    "negative factors": (rows(factors=FACTORS - 2), "'kind' has values from -2"),
    "one factor": (rows(factors=FACTORS[:, :1]), r"'factors' is int64 \(6, 1\)"),
    "flat factors": (rows(factors=FACTORS[:, 0]), r"'factors' is int64 \(6,\)"),
    "split out of range": (rows(split=np.array([0, 0, 0, 0, 1, 7], np.uint8)), "a split lies outside 0..2"),
    "split of floats": (rows(split=np.zeros(6)), "'split' is float64"),
    "no test image": (rows(split=np.zeros(6, np.uint8)), "it has no test image"),
    "a split too long": (rows(split=np.zeros(7, np.uint8)), "'images' is uint8"),
    "no split": (rows(split=np.uint8(1)), "it lacks something"),
    "images of floats": (rows(images=data_files.Tiny.images.astype(float)), "'images' is float64"),
    "size as text": (described(image={"channels": "3", "height": 2, "width": 3}), "no whole number"),
    "image as a list": (described(image=[3, 2, 3]), "lacks or holds something"),
    "a name that leads out": (described(name="../tiny"), "cannot be named"),
    "no factors": (described(factors=None), "lacks or holds something"),
    "unknown kind": (described(factors=[{"name": "k", "size": 4, "kind": "odd", "values": []}] * 2), "of kind 'odd'"),
    "another content": (described(content="pose"), "of another description"),
    "another factor name": (described(factors=[vars(Factor("odd", 4)), vars(Factor("pose", 2))]), "of another"),
    "bytes": (attribute("info", np.bytes_(b"{}")), "its 'info' is bytes_ and no text"),
    "a number": (attribute("sources", 7), "its 'sources' is int64 and no text"),
    "a list": (attribute("content_hash", ["a", "b"]), "its 'content_hash' is ndarray and no text"),
    "version as text": (attribute("format_version", "3"), "its 'format_version' is str and no number"),
    "deep description": (attribute("info", "[" * 50_000), "not JSON"),
    "a link": (lambda file: (file.move("images", "i"), file.__setitem__("images", h5py.SoftLink("/i"))), "is a link"),
}  # fmt: skip


def seal_again(path: Path) -> None:
    """Make the hashes of a cache fit what it holds, as somebody would who knows how; where it can be done at all."""
    with h5py.File(path, "r+") as file:
        kept = dict(file.attrs)
        try:
            info = _info_from(json.loads(kept["info"]), path, "tiny")
            of = kept["images_hash"]
            found = content_hash(info, file["images"].shape, of, file["factors"][:], file["split"][()])
            kept |= {"content_hash": found} if isinstance(kept["content_hash"], str) else {}
            kept["seal"] = seal(kept | {"format_version": int(kept["format_version"])})
            file.attrs.update(kept)
        except (DataMissing, TypeError, ValueError, AttributeError, RecursionError):
            pass


@pytest.mark.parametrize(("change", "why"), LIES.values(), ids=LIES)
def test_a_cache_that_lies_is_refused(path, change, why):
    with h5py.File(path, "r+") as file:
        change(file)
    for action in (lambda: open_table(path, data_files.Tiny.info), lambda: verify(path)):
        with pytest.raises(DataMissing, match=why) as error:
            action()
        assert "disent data prepare tiny" in error.value.hint


@pytest.mark.parametrize(("change", "why"), SEALED_LIES.values(), ids=SEALED_LIES)
def test_a_cache_that_lies_with_hashes_that_fit_is_refused_by_name(path, change, why):
    with h5py.File(path, "r+") as file:
        change(file)
    seal_again(path)
    with pytest.raises(DataMissing, match=why) as error:
        open_table(path, data_files.Tiny.info)
    assert "disent data prepare tiny" in error.value.hint


def test_damage_anywhere_in_the_file_is_refused_or_does_no_harm(path):
    """HDF5 has many words for it; none of them reaches people as an error of another kind."""
    good, table = path.read_bytes(), open_table(path, data_files.Tiny.info)
    content, factors, info = table.images.tobytes(), table.factors, table.info
    random = np.random.default_rng(0)
    for place in random.integers(0, len(good), 60):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        with contextlib.suppress(DataMissing):
            found = open_table(path, data_files.Tiny.info)
            assert (found.images.tobytes(), found.info) == (content, info)
            assert (found.factors == factors).all()
