"""bf16: convolutions run in it, and nothing else loses digits; a step of one's own sees its weights change."""

from __future__ import annotations

import json

import pytest
import torch
from helpers.training_files import begin
from torch import nn

from disent_plugins.errors import UsageError
from disent_plugins.training import precision
from disent_plugins.training.precision import by_device, calculating, check_precision

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_convolutions_run_in_bf16_and_codes_losses_and_weights_stay_fp32(tmp_path):
    ready = begin(tmp_path / "run", precision="bf16", epochs=1)
    model, seen, codes = ready.trainer.model, set(), []
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(lambda module, given, out: seen.add(out.dtype))
    model.encoder.register_forward_hook(lambda module, given, out: codes.append(out))
    losses, loss = [], model.loss
    model.loss = lambda batch: losses.append(loss(batch)) or losses[-1]
    ready.fit()
    assert seen == {torch.bfloat16}
    assert {z.content.mean.dtype for z in codes} == {z.style.logvar.dtype for z in codes} == {torch.float32}
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    terms = [term for found in losses for term in (found.total, *found.terms.values())]
    assert {term.dtype for term in terms} == {torch.float32}
    assert len(terms) > len(losses) > 0
    with torch.no_grad(), calculating("bf16", CPU):
        assert model.decode(codes[0].content.mean, codes[0].style.mean).dtype == torch.float32


def test_the_loss_is_that_of_fp32_to_three_digits(tmp_path):
    lines = []
    for name in ("fp32", "bf16"):
        ready = begin(tmp_path / name, precision=name, epochs=2)
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
        check_precision("bf16", GPU)
    check_precision("fp32", GPU)
    check_precision("bf16", CPU)
    assert by_device(GPU).used == "fp32"


def test_a_gpu_that_has_it_uses_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: not including_emulation)
    assert by_device(GPU).used == "bf16"


@pytest.mark.parametrize(
    ("flags", "has"),
    [("fpu avx512f avx512_bf16", True), ("amx_tile amx_bf16", True), ("fpu avx512f avx512_bf16x", False), ("", False)],
)
def test_a_cpu_has_it_if_the_kernel_says_so(tmp_path, monkeypatch, flags, has):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: none\n")
    assert precision._cpu_has_bf16(tmp_path / "cpuinfo") == has
    monkeypatch.setattr(precision, "_cpu_has_bf16", lambda: has)
    assert (by_device(CPU) is None) == has


def test_where_no_kernel_says_torch_is_asked(tmp_path, monkeypatch):
    nowhere = tmp_path / "cpuinfo"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True, "avx512_bf16": False}, raising=False)
    assert precision._cpu_has_bf16(nowhere)
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not precision._cpu_has_bf16(nowhere)
