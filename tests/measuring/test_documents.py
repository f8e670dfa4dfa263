"""Results as plain documents."""

from __future__ import annotations

import json

import numpy as np

from disent_plugins import Result, Value
from disent_plugins.measuring.documents import document, plain


def test_documents_are_plain(tmp_path):
    settings = {"n": np.int64(3), "path": tmp_path, "x": float("inf"), "list": (np.float32(0.5), None), 1: True}
    values, files = {"a": Value(np.float64(1.5), "nats", floor=0.0)}, {"png": tmp_path / "a.png"}
    result = Result("odd", values, settings, files, ["n"])
    found = document(result, subject="mine", group="quality", of={"epoch": np.int64(2), "weights": "sha256:ab"})
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == [
        "schema", "metric", "version", "maker", "subject", "of", "group", "values", "reference", "options", "settings",
        "fingerprint", "artifacts", "notes",
    ]  # fmt: skip
    assert (found["subject"], found["group"]) == ("mine", "quality")
    assert found["of"] == {"epoch": 2, "weights": "sha256:ab"}
    assert found["values"] == {"a": 1.5}
    assert found["settings"] == {"n": 3, "path": str(tmp_path), "x": None, "list": [0.5, None], "1": True}
    assert found["artifacts"] == {"png": str(tmp_path / "a.png")}
    assert found["reference"]["a"]["floor"] == 0.0
    assert found["reference"]["a"]["normalised"] is None
    assert plain(np.arange(3)) == [0, 1, 2]
