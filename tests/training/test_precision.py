"""bf16: convolutions run in it, and nothing else loses digits; a step of one's own sees its weights change."""

from __future__ import annotations

import json

import pytest
import torch
from helpers.training_files import begin
from torch import nn

from disent_plugins.errors import UsageError
from disent_plugins.training.precision import calculating, check_precision

CPU = torch.device("cpu")


def test_convolutions_run_in_bf16_and_codes_losses_and_weights_stay_fp32(tmp_path):
    ready = begin(tmp_path / "run", precision="bf16", epochs=1)
    model, seen, codes = ready.trainer.model, set(), []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(lambda module, given, out: seen.add(out.dtype))
    model.encoder.register_forward_hook(lambda module, given, out: codes.append(out))
    ready.fit()
    assert seen == {torch.bfloat16}
    assert {z.content.mean.dtype for z in codes} == {z.style.logvar.dtype for z in codes} == {torch.float32}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    with torch.no_grad():
        assert model.decode(codes[0].content.mean, codes[0].style.mean).dtype == torch.float32


def test_the_loss_is_that_of_fp32_to_three_digits(tmp_path):
    lines = []
    for precision in ("fp32", "bf16"):
        ready = begin(tmp_path / precision, precision=precision, epochs=2)
        ready.fit()
        lines.append(json.loads(ready.run.folder.losses.read_text().splitlines()[-1])["total"])
    assert lines[0] != lines[1]
    assert lines[0] == pytest.approx(lines[1], rel=5e-3)


def test_a_second_forward_pass_of_one_step_sees_the_weights_that_the_first_has_changed():
    layer = nn.Linear(1, 1, bias=False)
    with calculating("bf16", CPU):
        before = layer(torch.ones(1, 1)).item()
        with torch.no_grad():
            layer.weight += 1.0
        assert layer(torch.ones(1, 1)).item() == pytest.approx(before + 1.0, abs=0.02)


def test_a_gpu_without_it_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Old GPU")
    with pytest.raises(UsageError, match=r"Old GPU has no bfloat16 arithmetic\.(.|\n)*--precision fp32"):
        check_precision("bf16", torch.device("cuda"))
    check_precision("fp32", torch.device("cuda"))
    check_precision("bf16", CPU)
