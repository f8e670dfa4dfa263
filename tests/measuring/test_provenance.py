"""What a result is of: digests of content, and names for folders that differ where the subject does."""

from __future__ import annotations

import hashlib

import pytest
import torch

from disent_plugins.measuring.provenance import label, of_file, of_run, of_runs
from disent_plugins.training.checkpoint import Checkpoint, Progress, load, save

HEX = "0123456789abcdef" * 4


def checkpoint(change: float = 0.0, **progress) -> Checkpoint:
    model = {
        "layer.weight": torch.arange(6.0).reshape(2, 3) + change,
        "half": torch.ones(2, dtype=torch.bfloat16),
        "count": torch.tensor(3),
        "empty": torch.zeros(0, 4),
        "_extra_state": {"tau": 0.5},
    }
    return Checkpoint(model, Progress(**{"epoch": 4, **progress}))


def test_equal_weights_have_equal_digests_in_whatever_file_and_order(tmp_path):
    one, other = checkpoint(), checkpoint(seconds=99.0, best=1.0)
    other.model = dict(reversed(other.model.items()))
    other.model["layer.weight"] = other.model["layer.weight"].t().contiguous().t()  # another layout in memory
    save(tmp_path / "a.pt", one)
    assert {one.weights_digest(), other.weights_digest(), load(tmp_path / "a.pt").weights_digest()} == {
        one.weights_digest()
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model["layer.weight"].view(-1)[0].add_(1e-7),
        lambda model: model.update({"layer.weight": model["layer.weight"].reshape(3, 2)}),
        lambda model: model.update({"layer.weight": model["layer.weight"].view(torch.int32)}),
        lambda model: model.update({"layer.bias": model.pop("layer.weight")}),
        lambda model: model.update({"_extra_state": {"tau": 0.25}}),
    ],
)
def test_other_weights_have_another_digest(change):
    one, other = checkpoint(), checkpoint()
    change(other.model)
    assert one.weights_digest() != other.weights_digest()


def test_a_run_is_its_checkpoint_epoch_weights_and_data():
    found = of_run("best", checkpoint(step=2), HEX)
    digest = checkpoint().weights_digest()
    assert found == {
        "checkpoint": "best", "epoch": 3, "step": 2, "weights": f"sha256:{digest}", "data": f"sha256:{HEX}"
    }  # fmt: skip
    assert label(found) == f"best-epoch3-step2-{digest[:8]}"


def test_a_run_on_a_subset_names_it():
    published, other = (of_run("last", checkpoint(), HEX, subset) for subset in ("", "first-1000"))
    assert other == published | {"subset": "first-1000"}
    assert "subset" not in published


def test_a_file_is_its_bytes_and_what_was_said_of_its_columns(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"codes")
    digest = f"sha256:{hashlib.sha256(b'codes').hexdigest()}"
    assert of_file(tmp_path / "a.npz", None) == {"codes": digest}
    assert of_file(tmp_path / "a.npz", ("0:8", "8:16")) == {"codes": digest, "blocks": ["0:8", "8:16"]}


def test_different_subjects_have_different_names():
    last = of_run("last", checkpoint(), HEX)
    codes = {"codes": f"sha256:{HEX}"}
    subjects = [
        last, of_run("best", checkpoint(), HEX), of_run("last", checkpoint(epoch=5), HEX),
        of_run("last", checkpoint(step=1), HEX), of_run("last", checkpoint(change=1.0), HEX), codes,
        codes | {"blocks": ["0:1", "1:3"]}, codes | {"blocks": ["0:2", "2:3"]}, {"codes": f"sha256:1{HEX}"},
        of_runs([last, codes]), of_runs([codes, last]), {},
    ]  # fmt: skip
    names = [label(of) for of in subjects]
    assert len(set(names)) == len(subjects)
    assert not set("".join(names)) & set("/\\: ")
