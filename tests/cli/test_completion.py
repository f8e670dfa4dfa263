"""What a shell is offered when Tab is pressed."""

from __future__ import annotations

import pytest

from disent_plugins.cli import completion


@pytest.mark.parametrize(
    ("arguments", "offered", "not_offered"),
    [
        ("run --model ", {"gmvae", "mlvae"}, "digits"),
        ("run --model gm", {"gmvae"}, "mlvae"),
        ("run --data ", {"digits", "mnist"}, "gmvae"),
        ("run --sampler ", {"random", "blocks", "pairs"}, "pack"),
        ("run --measure ", {"probe", "all", "none"}, "gmvae"),
        ("sweep --model ", {"gmvae"}, "digits"),
        ("models show ", {"gmvae"}, "digits"),
        ("data show ", {"celeba", "sprites"}, "gmvae"),
        ("data prepare m", {"mnist"}, "digits"),
        ("metrics ", {"probe", "all", "list"}, "gmvae"),
        ("metrics check ", {"mig"}, "gmvae"),
    ],
)
def test_names_are_offered(disent, monkeypatch, arguments, offered, not_offered):
    words = arguments.split(" ")
    monkeypatch.setenv("_DISENT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"disent {arguments}")
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    found = disent()
    lines = set(found.out.split())
    assert offered <= lines, found.err
    assert not_offered not in lines
    assert found.err == ""


def test_offers_begin_with_what_was_typed():
    assert completion.samplers("b") == ["blocks"]
    assert completion.models("nothing") == []


def test_runs_are_offered_where_there_are_any(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert completion.runs("") == []
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "config.json").write_text("{}")
    assert completion.runs("ru") == ["runs/mine"]
