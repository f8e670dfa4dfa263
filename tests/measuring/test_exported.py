"""Exported models: the way out, the way back, and a model card that is only text."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from disent_plugins import DatasetInfo
from disent_plugins.errors import UsageError
from disent_plugins.measuring.exported import export_run, open_export
from disent_plugins.measuring.model_card import md
from disent_plugins.measuring.runs import open_run


@pytest.fixture
def exported(opened, tmp_path):
    opened.measure("dependence")
    export_run(opened, tmp_path / "exported")
    return tmp_path / "exported"


def test_the_way_back_gives_the_same_codes_and_images(opened, exported):
    model, images = open_export(exported), opened.table.images
    for one, other in zip(model.encode(images, logvars=True), opened.encode(images, logvars=True), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(model.swap(images, images[::-1]), opened.swap(images, images[::-1]))
    assert (model.image, model.made) == (opened.image, opened.made)
    assert {path.name for path in exported.iterdir()} == {"model.safetensors", "config.json", "README.md"}


def test_the_card_loads_the_model_both_ways(opened, exported, capsys):
    card = (exported / "README.md").read_text()
    by_us, by_hand = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    scope = {"folder": str(exported)}
    exec(by_us, scope)
    assert scope["content"].shape == (2, 3)
    hand = {"folder": str(exported)}
    exec(by_hand, hand)
    assert capsys.readouterr().out == "torch.Size([2, 3]) torch.Size([2, 3])\n"
    content = hand["model"].encode(torch.zeros(2, 1, 16, 16)).content.mean.detach().numpy()
    np.testing.assert_allclose(content, scope["content"], atol=1e-6)


def test_the_card_says_what_it_is_with_its_reference_points(opened, exported):
    card = (exported / "README.md").read_text()
    found = json.loads((opened.folder.path / "results.json").read_text())["dependence"]
    assert card.startswith("# gmvae on squares\n")
    for text in ("| licence of the data | none |", "| epochs | 2 (checkpoint last) |", "| option width | 0.125 |"):
        assert text in card
    for name, value in found["values"].items():
        assert re.search(rf"\| dependence \| {re.escape(md(name))} \| .* \| {re.escape(f'{value:.4g}')} \| ", card)
    opened.of = {**opened.of, "weights": "sha256:other"}
    export_run(opened, exported)
    assert "Nothing was measured of these weights." in (exported / "README.md").read_text()


HOSTILE = "x</td><script>alert(1)</script> ![i](http://e.x/i) [l](javascript:1) | a\n\n# b\n``` \x1b[31m"


def test_hostile_names_are_text_in_the_card(opened, tmp_path, monkeypatch):
    info: DatasetInfo = opened.parts.adapter.info
    opened.parts.adapter.info = replace(info, preprocessing=HOSTILE, licence=HOSTILE, reference=HOSTILE)
    opened.parts.spec = replace(opened.parts.spec, summary=HOSTILE)
    opened.settings = replace(opened.settings, model=HOSTILE, options={HOSTILE: HOSTILE})
    opened.made = HOSTILE
    export_run(opened, tmp_path / "exported")
    card = (tmp_path / "exported" / "README.md").read_text()
    bare = re.sub(r"\\.", "", card)
    assert not re.search(r"[<>\x1b]|!?\[[^\]]*\]\(|https?://", bare)
    assert len(re.findall(r"^```", card, re.MULTILINE)) == 4
    assert [line for line in card.splitlines() if line.startswith("# ")] == [card.splitlines()[0]]
    assert {line.count("|") for line in bare.splitlines() if "| option" in line} == {3}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: found.update(format_version=9), r"not that of a model exported by this version.\n.*version 9"),
        (lambda found: found.update(kind="bert"), r"Its kind is 'bert'"),
        (lambda found: found.update(options=3), "not that of a model exported by this version"),
        (lambda found: found.update(model="nothing"), "There is no model 'nothing'"),
        (lambda found: found["options"].update(wdith=1), "Did you mean 'width'"),
        (
            lambda found: found["options"].update(content_size=4),
            r"model\.safetensors cannot be loaded.\n.*size mismatch",
        ),
        (lambda found: found["training_data"].pop("image"), r"config\.json is damaged"),
        (lambda found: found["training_data"]["image"].pop("width"), r"config\.json is damaged"),
    ],
)
def test_an_export_that_was_changed_is_refused(exported, change, words):
    config = json.loads((exported / "config.json").read_text())
    change(config)
    (exported / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=words):
        open_export(exported)


def test_an_export_half_deleted_is_told(exported):
    weights = exported / "model.safetensors"
    with pytest.raises(UsageError, match=r"is an exported model, and no run.\n.*\n.*open_export\('"):
        open_run(exported)
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(UsageError, match=r"model\.safetensors cannot be loaded"):
        open_export(exported)
    (exported / "config.json").unlink()
    with pytest.raises(UsageError, match=r"config\.json is missing"):
        open_export(exported)
    weights.unlink()
    with pytest.raises(UsageError, match=r"is no exported model.\nIt has no model\.safetensors.\n.*disent runs export"):
        open_export(exported)


def test_nothing_of_others_is_overwritten(opened, exported, tmp_path, monkeypatch):
    export_run(opened, exported)  # its own may be
    with pytest.raises(UsageError, match=r"holds another config\.json"):
        export_run(opened, opened.folder.path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="lies among the runs"):
        export_run(opened, tmp_path / "runs" / "x")
    assert not (tmp_path / "runs").exists()


def test_what_is_no_tensor_cannot_be_exported(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(opened.model, "state_dict", lambda: {"weight": torch.zeros(1), "_extra_state": "text"})
    with pytest.raises(UsageError, match=r"keeps more than tensors: _extra_state"):
        export_run(opened, tmp_path / "exported")
    assert not (tmp_path / "exported").exists()


def test_without_safetensors_it_is_told(opened, exported, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    for call in (lambda: export_run(opened, tmp_path / "b"), lambda: open_export(exported)):
        with pytest.raises(UsageError, match=r"need safetensors.\n.*\npip install 'disent-plugins\[export\]'"):
            call()
