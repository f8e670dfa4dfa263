"""GM-VAE's loss against Eq. 5 written out image by image, and against closed-form KLs."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from helpers.model_stubs import DATA, GROUP_COUNT, GROUPS, batch, members_of, product, stubbed
from torch.distributions import Normal, kl_divergence

from disent_plugins.contracts import Gaussian
from disent_plugins.errors import UsageError
from disent_plugins.models.gmvae import GMVAE
from disent_plugins.options import build


def content_term(group=GROUPS, **options) -> tuple[torch.Tensor, Gaussian]:
    """The mean content part of the loss, and the posterior it was computed from."""
    model = stubbed(GMVAE, **options)
    return model.loss(batch(group)).terms["kl_content"], model.encoder(None).content


def centers(content: Gaussian, group=GROUPS, *, leave_out: bool = False) -> torch.Tensor:
    """mu_G of every image by loops; 0 where the group is unknown."""
    found = torch.zeros_like(content.mean)
    for members in members_of(group).values():
        for i in members:
            others = [j for j in members if j != i] if leave_out and len(members) > 1 else members
            found[i] = product(content.mean, content.logvar, others)[0]
    return found


def eq_5(mean, logvar, center, k) -> torch.Tensor:
    """Eq. 5, content part, one image and one dimension after the other, averaged over the images."""
    mean, logvar, center = (values.detach().tolist() for values in (mean, logvar, center))
    total = 0.0
    for i in range(len(mean)):
        for d in range(len(mean[i])):
            variance = math.exp(logvar[i][d])
            total += 0.5 * (variance + k[i] * (mean[i][d] - center[i][d]) ** 2 - 1 - math.log(variance))
    return torch.tensor(total / len(mean))


@pytest.mark.parametrize("k", [0.0, 0.5, 2.0, 4.0])
def test_the_content_part_is_eq_5(k):
    found, content = content_term(k=k)
    torch.testing.assert_close(found, eq_5(content.mean, content.logvar, centers(content), [k] * 10))


@pytest.mark.parametrize(("k", "k_mode"), [(1.0, "mean_only"), (1.0, "prior_precision"), (3.0, "prior_precision")])
def test_it_is_the_kl_to_the_prior_around_the_group_mean(k, k_mode):
    """N(mu_G, I) for k = 1 in either mode, N(mu_G, I/k) in the consistent variant; mu_G = 0 without a group."""
    found, content = content_term(k=k, k_mode=k_mode)
    posterior = Normal(content.mean, (0.5 * content.logvar).exp())
    expected = kl_divergence(posterior, Normal(centers(content), k**-0.5)).sum(dim=1).mean()
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("k_unlabelled", [None, 1.0])
def test_images_without_a_group_are_drawn_to_the_origin(k_unlabelled):
    group = torch.full((10,), -1)
    found, content = content_term(group, k=2.5, k_unlabelled=k_unlabelled)
    k = 2.5 if k_unlabelled is None else k_unlabelled
    torch.testing.assert_close(found, eq_5(content.mean, content.logvar, torch.zeros(10, 3), [k] * 10))


def test_images_without_a_group_enter_neither_repulsion_nor_regularisation():
    known = GROUPS >= 0
    terms = stubbed(GMVAE).loss(batch()).terms
    model = stubbed(GMVAE)
    model.encoder.content.data = model.encoder.content.data[known]
    model.encoder.style.data = model.encoder.style.data[known]
    without = model.loss(batch(GROUPS[known])).terms
    torch.testing.assert_close(terms["repulsion"], without["repulsion"])
    torch.testing.assert_close(terms["regularisation"], without["regularisation"])


@pytest.mark.parametrize("singleton", ["own_group", "prior", "skip"])
def test_a_group_of_one_image(singleton):
    """Its own group: no attraction. Prior: as if unlabelled. Skip: no attraction, and no group term knows it."""
    model = stubbed(GMVAE, k=2.0, k_unlabelled=3.0, singleton=singleton)
    terms = model.loss(batch()).terms
    content = model.encoder(None).content
    center, k = centers(content), [3.0 if g < 0 else 2.0 for g in GROUPS]
    alone = 5
    if singleton == "prior":
        center[alone], k[alone] = 0.0, 3.0
    torch.testing.assert_close(terms["kl_content"], eq_5(content.mean, content.logvar, center, k))
    groups = members_of(GROUPS) if singleton == "own_group" else {0: [0, 1, 2], 1: [3, 4], 4: [8, 9]}
    means = [product(content.mean, content.logvar, members)[0] for members in groups.values()]
    u = torch.stack([mean.square().sum() for mean in means]).mean()
    pairs = itertools.combinations(means, 2)
    f_r = torch.stack([1 / ((a - b).square().sum() + 1.0) for a, b in pairs]).mean()
    torch.testing.assert_close(terms["regularisation"], u)
    torch.testing.assert_close(terms["repulsion"], f_r)
    assert terms["singleton_share"].item() == pytest.approx(1 / 8)


@pytest.mark.parametrize("k", [1.0, 2.0])
def test_leave_one_out_attracts_to_the_mean_of_the_others(k):
    found, content = content_term(k=k, center="leave_one_out")
    expected = eq_5(content.mean, content.logvar, centers(content, leave_out=True), [k] * 10)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def gradient(*, equal_precisions: bool, **options) -> torch.Tensor:
    model = stubbed(GMVAE, **options)
    if equal_precisions:
        model.encoder.content.data[:, 3:] = 0.4
    model.loss(batch()).terms["kl_content"].backward()
    return model.encoder.content.grad[:, :3]  # of the means


def test_a_gradient_through_the_centre_makes_no_difference_for_equal_precisions():
    through, cut = (gradient(equal_precisions=True, center_gradient=flag) for flag in (True, False))
    torch.testing.assert_close(through, cut, rtol=1e-4, atol=1e-6)
    through, cut = (gradient(equal_precisions=False, center_gradient=flag) for flag in (True, False))
    assert (through - cut).abs().max() > 1e-3


def test_cutting_the_centre_leaves_repulsion_and_regularisation_their_gradient():
    for term in ("repulsion", "regularisation"):
        model = stubbed(GMVAE, center_gradient=False)
        model.loss(batch()).terms[term].backward()
        assert model.encoder.content.grad[:, :3].abs().sum() > 0


def test_the_whole_loss_is_the_weighted_sum(monkeypatch):
    monkeypatch.setattr(Gaussian, "sample", lambda self: self.mean + 0.7 * (0.5 * self.logvar).exp())
    model = stubbed(GMVAE, k=2.0, repulsion=30.0, regularisation=0.25, delta=0.5, reconstruction=0.5)
    images = batch()
    loss = model.loss(images)
    z = model.encoder(None)
    content, style = z.content.sample(), z.style.sample()
    raw = 0.2 * content.sum(dim=1) - 0.1 * style.sum(dim=1)
    assert raw.abs().max() < 1, "the line below is the output non-linearity between -1 and 1"
    grey = 0.5 * (raw + 1)
    error = (images.images - grey[:, None, None, None]).square().sum(dim=(1, 2, 3)).mean()
    kl_style = eq_5(z.style.mean, z.style.logvar, torch.zeros(10, 2), [1.0] * 10)
    kl_content = eq_5(z.content.mean, z.content.logvar, centers(z.content), [2.0] * 10)
    means = [product(z.content.mean, z.content.logvar, m)[0] for m in members_of(GROUPS).values()]
    f_r = torch.stack([1 / ((a - b).square().sum() + 0.5) for a, b in itertools.combinations(means, 2)]).mean()
    u = torch.stack([mean.square().sum() for mean in means]).mean()
    torch.testing.assert_close(loss.total, 0.5 * error + kl_content + kl_style + 30 * f_r + 0.25 * u)
    torch.testing.assert_close(loss.terms["reconstruction"], error)


def test_every_image_has_its_own_content_code():
    """Eq. 4: not one code per group; that is ML-VAE."""
    z = stubbed(GMVAE).encoder(None)
    torch.manual_seed(0)
    draws = torch.stack([z.content.sample() for _ in range(4000)])
    torch.testing.assert_close(draws.mean(dim=0), z.content.mean.detach(), rtol=0, atol=0.2)
    torch.testing.assert_close(draws.var(dim=0), z.content.logvar.exp().detach(), rtol=0.15, atol=0.01)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"center": "leave_one_out", "singleton": "prior", "k_unlabelled": 0.0},
        {"k_mode": "prior_precision", "k": 0.0, "singleton": "skip"},
        {"variance": "softplus_std", "delta": 1e-6},
    ],
    ids=str,
)
@pytest.mark.parametrize("group", [GROUPS, torch.full((10,), -1), torch.zeros(10, dtype=torch.int64), torch.arange(10)])
def test_loss_and_gradients_are_finite_whatever_the_groups(options, group):
    """Also where the encoder's numbers are huge: log-variances are clamped."""
    model = GMVAE(build(GMVAE.Config, {"width": 0.1, **options}, owner="test"), DATA)
    with torch.no_grad():
        for head in (model.encoder.content_head, model.encoder.style_head):
            head.weight.mul_(300)
    loss = model.loss(batch(group, count=16))
    assert loss.total.isfinite()
    loss.total.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_rows_without_members_do_not_matter():
    model = stubbed(GMVAE)
    for name, value in model.loss(batch(count=GROUP_COUNT)).terms.items():
        if name != "reconstruction":  # its noise differs
            torch.testing.assert_close(value, model.loss(batch(count=200)).terms[name])


def test_gradients_reach_both_heads():
    model = GMVAE(build(GMVAE.Config, {"width": 0.1}, owner="test"), DATA)
    model.loss(batch()).total.backward()
    for head in (model.encoder.content_head, model.encoder.style_head):
        assert (head.weight.grad.abs().sum(dim=1) > 0).all(), "every mean and every log-variance is trained"


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        ({}, ("groups", "distinct_groups")),
        ({"repulsion": 0}, ("groups",)),
        ({"assume_distinct": True}, ("groups",)),
    ],
)
def test_repulsion_needs_groups_that_are_known_to_differ(options, needs):
    assert stubbed(GMVAE, **options).requires == needs


@pytest.mark.parametrize("options", [{"k": -1}, {"delta": 0}, {"content_size": 0}, {"singleton": "alone"}, {"kk": 1}])
def test_options_out_of_bounds_are_refused(options):
    with pytest.raises(UsageError):
        build(GMVAE.Config, options, owner="model 'gmvae'")
