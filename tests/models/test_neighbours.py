"""The neighbours of GM-VAE and ML-VAE: each loss against a loop over images, pairs or groups."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from helpers.model_stubs import DATA, GROUP_COUNT, GROUPS, batch, members_of, stubbed

from disent_plugins.contracts import Gaussian
from disent_plugins.models.ada import AdaGVAE, AdaMLVAE
from disent_plugins.models.adversarial_vae import AdversarialVAE
from disent_plugins.models.cycle_vae import CycleVAE
from disent_plugins.models.groups import average_of_gaussians, kl_of_groups, kl_to_standard_normal
from disent_plugins.models.gvae import GVAE
from disent_plugins.models.lord_lite import LordLite
from disent_plugins.models.networks import leaky_clip
from disent_plugins.models.pairs import ContentBlock, average, kl_by_dimension, product, shared_dimensions
from disent_plugins.models.vae import VAE
from disent_plugins.options import build
from disent_plugins.training.updates import Updates

N = len(GROUPS)


def made(model_class, **options):
    torch.manual_seed(0)
    return model_class(build(model_class.Config, {"width": 0.1, **options}, owner="test"), DATA).train()


def test_the_vae_is_blind_to_groups():
    model = stubbed(VAE, beta=3.0)
    torch.manual_seed(1)
    first = model.loss(batch())
    torch.manual_seed(1)
    other = model.loss(batch(torch.zeros(N, dtype=torch.int64)))
    assert torch.equal(first.total, other.total)
    terms = first.terms
    expected = terms["reconstruction"] + 3 * (terms["kl_content"] + terms["kl_style"])
    assert first.total.item() == pytest.approx(expected.item(), rel=1e-6)


def test_averages_agree_with_a_loop():
    generator = torch.Generator().manual_seed(3)
    mean, logvar = (torch.randn(N, 3, generator=generator) for _ in range(2))
    found = average_of_gaussians(mean, logvar, GROUPS, GROUP_COUNT)
    for g, members in members_of(GROUPS).items():
        torch.testing.assert_close(found.mean[g], mean[members].mean(dim=0))
        torch.testing.assert_close(found.variance[g], logvar[members].exp().mean(dim=0))
        assert found.size[g] == len(members)
    absent = [g for g in range(GROUP_COUNT) if g not in members_of(GROUPS)]
    assert (found.mean[absent] == 0).all()
    assert (found.variance[absent] == 1).all()


def test_the_kl_of_groups_counts_every_group_once():
    content = Gaussian(torch.randn(N, 3), torch.randn(N, 3))
    groups = average_of_gaussians(content.mean, content.logvar, GROUPS, GROUP_COUNT)
    total, count = kl_of_groups(content, GROUPS, groups)
    by_hand = sum(kl_to_standard_normal(groups.mean[[g]], groups.variance[[g]].log()) for g in members_of(GROUPS))
    by_hand += kl_to_standard_normal(content.mean[GROUPS < 0], content.logvar[GROUPS < 0]).sum()
    torch.testing.assert_close(total, by_hand.squeeze())
    assert count == len(members_of(GROUPS)) + 2


def test_gvae_divides_by_groups_and_draws_once_for_each():
    model = stubbed(GVAE)
    torch.manual_seed(1)
    loss = model.loss(batch())
    groups = len(members_of(GROUPS)) + 2
    summed = N * loss.terms["reconstruction"] + N * loss.terms["kl_style"]
    assert loss.total.item() == pytest.approx((summed / groups + loss.terms["kl_content_per_group"]).item(), rel=1e-5)
    seen = []
    model.decoder.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    model.loss(batch())
    for members in members_of(GROUPS).values():
        assert (seen[0][members] == seen[0][members[0]]).all()  # one content for a whole group


def test_the_kl_of_a_dimension_is_the_closed_form():
    first, second = (Gaussian(torch.randn(4, 5), torch.randn(4, 5)) for _ in range(2))
    of = [torch.distributions.Normal(z.mean, (0.5 * z.logvar).exp()) for z in (first, second)]
    torch.testing.assert_close(kl_by_dimension(first, second), torch.distributions.kl_divergence(*of))


def test_a_pair_shares_what_differs_less_than_the_middle():
    first = Gaussian(torch.zeros(1, 4), torch.zeros(1, 4))
    second = Gaussian(torch.tensor([[0.0, 0.1, 2.0, 1.3]]), torch.zeros(1, 4))  # KL 0, .005, 2, .845; middle 1
    assert shared_dimensions(first, second).tolist() == [[True, True, False, True]]
    assert shared_dimensions(second, first).tolist() == [[True, True, False, True]]
    assert shared_dimensions(first, first).all()  # two that agree share everything


def test_average_and_product_of_a_pair():
    first = Gaussian(torch.tensor([[0.0]]), torch.tensor([[0.0]]))
    second = Gaussian(torch.tensor([[2.0]]), torch.tensor([[math.log(4.0)]]))
    assert average(first, second).mean.item() == 1.0
    assert average(first, second).logvar.exp().item() == pytest.approx(2.5)
    assert product(first, second).mean.item() == pytest.approx(0.4)  # (0 / 1 + 2 / 4) / (1 + 1 / 4)
    assert product(first, second).logvar.exp().item() == pytest.approx(0.8)
    assert product(first, first).logvar.exp().item() == pytest.approx(0.5)  # two public suites give 1


@pytest.mark.parametrize(("model_class", "combine"), [(AdaGVAE, average), (AdaMLVAE, product)])
def test_the_adaptive_models_share_a_posterior_in_the_shared_dimensions(model_class, combine):
    model = made(model_class, size=6)
    images = batch().images
    pairs = torch.arange(N) // 2
    given = dataclasses.replace(batch(pairs, 6), partner=torch.arange(N) ^ 1)
    model.eval()
    z = model._code(images)
    found = model.loss(given)
    expected = []
    for i in range(N):
        one, mate = (Gaussian(z.mean[[j]], z.logvar[[j]]) for j in (i, i ^ 1))
        shared, both = shared_dimensions(one, mate), combine(one, mate)
        mean, logvar = torch.where(shared, both.mean, one.mean), torch.where(shared, both.logvar, one.logvar)
        expected.append(kl_to_standard_normal(mean, logvar))
    assert found.terms["kl"].item() == pytest.approx(torch.cat(expected).mean().item(), rel=1e-4)


def test_the_content_block_is_what_pairs_share():
    block = ContentBlock(3)
    assert block.content.all()
    for _ in range(200):
        block.note(torch.tensor([[True, False, True], [True, False, False]]))
    assert block.share.tolist() == pytest.approx([1.0, 0.99**200, 0.5 + 0.5 * 0.99**200], rel=1e-4)
    assert block.content.tolist() == [True, False, True]
    z = Gaussian(torch.randn(4, 3), torch.randn(4, 3))
    parts = block.split(z)
    assert parts.content.mean.shape == (4, 2)
    assert torch.equal(block.join(parts.content.mean, parts.style.mean), z.mean)


def test_where_pairs_share_most_dimensions_the_least_shared_are_style():
    block = ContentBlock(4)
    block.share.copy_(torch.tensor([0.6, 1.0, 0.92, 0.78]))
    assert block.content.tolist() == [False, True, True, False]


def test_the_cycles_of_cycle_vae():
    model = made(CycleVAE)
    z = model.encode(batch().images)
    assert z.content.logvar is None
    assert torch.equal(z.content.sample(), z.content.mean)
    before = {name: value.clone() for name, value in model.named_parameters()}
    updates = Updates(model, 1e-3)
    updates(model._reverse(batch().images), "reverse")
    moved = {name.split(".")[0] for name, value in model.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {"encoder"}
    loss = model.training_step(batch(), updates)
    assert list(loss.terms) == ["reconstruction", "reconstruction_of_mate", "kl_style", "reverse"]
    assert updates.idle == []


def test_a_style_that_any_image_keeps_costs_the_reverse_cycle_nothing():
    model = made(CycleVAE)

    class Reads(torch.nn.Module):
        """Draws the style's first number, and reads it again."""

        def forward(self, content, style):
            return 2 * style[:, :1, None, None].clamp(0, 1).expand(-1, 1, 16, 16) - 1

    model.decoder = Reads()
    model.encode = lambda images: type(model).encode(model, images)
    assert model._reverse(batch().images).item() < 1e-4  # the two images are equal, whatever their content


def test_the_adversary_learns_and_the_encoder_hides():
    model = made(AdversarialVAE, confusion=1.0)
    updates = Updates(model, 1e-3)
    first = model.training_step(batch(), updates).terms["classifier"]
    for _ in range(30):
        last = model.training_step(batch(), updates).terms["classifier"]
    assert last < first
    with torch.no_grad():
        for layer in model.classifier:
            if isinstance(layer, torch.nn.Linear):
                layer.weight.zero_()
                layer.bias.zero_()
    assert model.loss(batch()).terms["confusion"].abs() < 1e-6  # a classifier at a loss has nothing left to hide


def test_lord_lite_learns_embeddings_first_and_encoders_afterwards():
    model = made(LordLite, second_stage=0.5)
    known = batch(torch.arange(N) % 6, 6)
    updates = Updates(model, 1e-3)

    def moved(progress: float) -> set[str]:
        before = {name: value.clone() for name, value in model.named_parameters()}
        model.training_step(dataclasses.replace(known, progress=torch.tensor(progress)), updates)
        return {name.split(".")[0] for name, value in model.named_parameters() if not torch.equal(value, before[name])}

    assert moved(0.0) == {"content", "style", "decoder"}
    assert moved(0.9) == {"encoder", "decoder"}
    model.eval()
    z = model.encode(known.images)
    assert z.content.logvar is None
    assert (z.style.logvar == 0).all()
    expected = (known.images - leaky_clip(model.decoder(z.content.mean, z.style.mean))).square().flatten(1).sum(dim=1)
    assert model.loss(known).total.item() == pytest.approx(expected.mean().item(), rel=1e-5)


def test_embeddings_are_as_many_as_the_data_has():
    model = made(LordLite)
    assert model.style.weight.shape == (DATA.images, 8)
    assert model.content.weight.shape == (DATA.groups, 8)
