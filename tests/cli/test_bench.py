"""``disent bench``: a table for people, a document for scripts."""

from __future__ import annotations

import pytest

FEW = ("--set", "width=0.1", "--batch-size", "16", "--steps", "2", "--rounds", "1")


def test_the_table_has_the_sides_the_goals_and_what_was_measured(disent, tmp_path):
    found = disent("bench", "--data", "digits", "--precision", "fp32", *FEW)
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert lines[0].startswith("gmvae, images of digits: 1 rounds of 2 steps of 16, cpu, ")
    assert lines[1] == "precision fp32 (asked for)"
    for text in ("bare step", "training loop", "plain PyTorch", "loop to bare", "0.97", "loop to plain", "1.2"):
        assert text in found.out
    assert "reached" in found.out or "missed" in found.out
    assert list(tmp_path.iterdir()) == []


def test_as_one_document(disent):
    found = disent("bench", "--data", "digits", "--model", "cycle-vae", "--precision", "bf16", "--json", *FEW)
    assert found.code == 0, found.err
    document = found.json
    assert document["precision"] == {"used": "bf16", "why": "asked for"}
    assert document["images_per_second"].keys() == {"bare", "loop", "whole", "plain"}
    assert document["ratios"]["loop to plain"]["goal"] == 1.8
    assert document["reached"]["loop to bare"] == (document["ratios"]["loop to bare"]["value"] >= 0.97)
    assert document["own_loss"] is True


def test_generated_images_are_said_to_be(disent, monkeypatch, tmp_path):
    monkeypatch.setenv("DISENT_CACHE", str(tmp_path / "empty"))
    found = disent("bench", "--json", *FEW)
    assert found.code == 0, found.err
    assert found.json["images"] == "generated images, as mnist is not prepared"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--graph", "on", "--device", "cpu"), "There are no graphs on the device 'cpu'"),
        (("--precision", "fp8"), "precision"),
        (("--model", "gmvea"), "Did you mean 'gmvae'?"),
    ],
)
def test_what_cannot_be_is_refused(disent, arguments, text):
    found = disent("bench", *FEW, *arguments)
    assert found.code == 2
    assert text in found.err
