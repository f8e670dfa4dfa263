"""The leak penalty: 0 for what tells nothing, more for what tells more; a critic is turned against the encoder."""

from __future__ import annotations

import math

import pytest
import torch
from helpers.model_stubs import DATA, batch
from torch import nn
from torch.nn.functional import cross_entropy

from disent_plugins.models.gmvae import GMVAE
from disent_plugins.models.leak import SCALES, Leak, LeakOptions, contrast, kernel_distance, named
from disent_plugins.options import build

GROUP = torch.tensor([0, 1, 0, -1, 1, 2, 0])


def test_the_distance_agrees_with_a_loop():
    codes = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
    kernels: dict[bool, list[float]] = {True: [], False: []}
    for i in range(7):
        for j in range(7):
            if i == j or GROUP[i] < 0 or GROUP[j] < 0:
                continue
            squared = float((codes[i] - codes[j]).square().sum())
            kernel = sum(math.exp(-squared / (2 * scale * 3)) for scale in SCALES) / len(SCALES)
            kernels[bool(GROUP[i] == GROUP[j])].append(kernel)
    expected = sum(kernels[True]) / len(kernels[True]) - sum(kernels[False]) / len(kernels[False])
    assert kernel_distance(codes, GROUP) == pytest.approx(expected, rel=1e-5)


def test_what_tells_nothing_costs_nothing_and_what_tells_more_costs_more():
    generator = torch.Generator().manual_seed(1)
    group = torch.arange(600) % 6
    noise = torch.randn(600, 4, generator=generator)
    centres = torch.randn(6, 4, generator=generator)
    costs = [float(kernel_distance(noise + share * centres[group], group)) for share in (0.0, 0.5, 1.0, 2.0)]
    assert abs(costs[0]) < 0.005
    assert costs == sorted(costs)
    assert costs[2] > 0.05


@pytest.mark.parametrize("group", [torch.full((4,), -1), torch.zeros(4, dtype=torch.int64), torch.arange(4)])
def test_without_both_kinds_of_pairs_nothing_is_said(group):
    codes = torch.randn(4, 2, requires_grad=True)
    for told in (kernel_distance(codes, group), contrast(codes, group) if group.max() != 0 else codes.sum() * 0):
        assert told == 0
        told.backward()
        assert codes.grad.isfinite().all()


def test_the_contrast_agrees_with_a_loop():
    codes = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    unit = nn.functional.normalize(codes, dim=1)
    each = []
    for i in range(7):
        mates = [j for j in range(7) if j != i and GROUP[j] == GROUP[i] and GROUP[i] >= 0]
        if not mates:
            continue
        others = [j for j in range(7) if j != i and GROUP[j] >= 0]
        weights = {j: math.exp(float(unit[i] @ unit[j]) / 0.2) for j in others}
        each.append(-sum(math.log(weights[j] / sum(weights.values())) for j in mates) / len(mates))
    assert contrast(codes, GROUP) == pytest.approx(sum(each) / len(each), rel=1e-4)


@pytest.mark.parametrize(
    ("kind", "learnt"),
    [
        ("adversary", lambda answers, given: contrast(answers, given.group)),
        ("classifier", lambda answers, given: cross_entropy(answers, given.identity, ignore_index=-1)),
    ],
)
def test_the_critic_follows_its_loss_and_the_encoder_goes_against_it(kind: str, learnt):
    leak = Leak(build(LeakOptions, {"leak": 3.0, "leak_kind": kind, "leak_warmup": 0.0}, owner="t"), 3, 6)
    codes, given = torch.randn(7, 3, requires_grad=True), batch(GROUP, 6, image=DATA.image)
    told, _ = leak(codes, given)
    told.backward()
    reversed_gradient = codes.grad.clone()
    codes.grad = None
    learnt(leak.critic(codes), given).backward()
    torch.testing.assert_close(reversed_gradient, -3.0 * codes.grad)


def test_the_weight_rises_with_the_training_and_is_off_by_default():
    options = build(LeakOptions, {"leak": 8.0, "leak_warmup": 0.5}, owner="t")
    codes, given = torch.randn(7, 3), batch(GROUP, 6)
    told = kernel_distance(codes, GROUP)
    for progress, share in ((0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (1.0, 1.0)):
        given.progress = torch.tensor(progress)
        total, terms = Leak(options, 3, 2)(codes, given)
        assert total == pytest.approx(float(8 * share * told), rel=1e-5, abs=1e-7)
        assert terms["leak"] == told
    assert Leak(LeakOptions(), 3, 2)(codes, given) == (0, {})


def test_a_shared_deviation_tells_no_image():
    config = build(GMVAE.Config, {"width": 0.1, "style_variance": "shared"}, owner="t")
    model = GMVAE(config, DATA).eval()
    z = model.encode(torch.rand(5, 1, 16, 16))
    assert (z.style.logvar == z.style.logvar[0]).all()
    assert not (z.content.logvar == z.content.logvar[0]).all()


def test_a_batch_without_a_known_group_is_no_loss():
    unknown = torch.full((4,), -1)
    assert named(torch.randn(4, 3), unknown) == 0
    assert contrast(torch.randn(4, 3), unknown) == 0
