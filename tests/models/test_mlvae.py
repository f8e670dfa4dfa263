"""ML-VAE's loss against the ELBO of one group after the other, with fixed noise."""

from __future__ import annotations

import math

import pytest
import torch
from helpers.model_stubs import DATA, GROUP_COUNT, GROUPS, batch, members_of, product, stubbed
from torch.distributions import Normal, kl_divergence

from disent_plugins.contracts import Gaussian, ImageSpec, TrainingData
from disent_plugins.models.groups import product_of_gaussians
from disent_plugins.models.mlvae import MLVAE
from disent_plugins.options import build
from disent_plugins.testing import ContractError, check_model


def ramp(like: torch.Tensor) -> torch.Tensor:
    """Noise that a test can foresee."""
    return torch.linspace(-0.8, 0.9, like.numel()).reshape(like.shape)


@pytest.fixture
def fixed_noise(monkeypatch):
    monkeypatch.setattr(torch, "randn_like", ramp)
    monkeypatch.setattr(Gaussian, "sample", lambda self: self.mean + (0.5 * self.logvar).exp() * ramp(self.mean))


def kl(mean, variance):
    return kl_divergence(Normal(mean, variance.sqrt()), Normal(0.0, 1.0)).sum()


def negative_elbos(model, images, *, prior=0.0, noise_scale=1.0, per_group=False):
    """-ELBO_G of every group by a loop; an image without a group is a group of its own."""
    z = model.encoder(None)
    content, style = z.content, z.style
    groups = list(members_of(GROUPS).items()) + [(None, [i]) for i in range(len(GROUPS)) if GROUPS[i] < 0]
    image_noise, group_noise = ramp(content.mean), ramp(torch.empty(GROUP_COUNT, content.mean.shape[1]))
    found = []
    for g, members in groups:
        mean, variance = product(content.mean, content.logvar, members, prior=prior if g is not None else 0.0)
        elbo = -kl(mean, variance)  # once per group
        for i in members:
            noise = group_noise[g] if per_group and g is not None else image_noise[i]
            c = mean + noise_scale * variance.sqrt() * noise
            s = style.mean[i] + (0.5 * style.logvar[i]).exp() * ramp(style.mean)[i]
            raw = 0.2 * c.sum() - 0.1 * s.sum()
            assert raw.abs() < 1, "the line below is the output non-linearity between -1 and 1"
            elbo = elbo - (images[i] - 0.5 * (raw + 1)).square().sum() - kl(style.mean[i], style.logvar[i].exp())
        found.append(-elbo)
    return torch.stack(found)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"reparam": "per_group"}, {"per_group": True}),
        ({"content_noise": 0.1}, {"noise_scale": 0.1}),
        ({"content_noise": 0}, {"noise_scale": 0.0}),
        ({"include_prior_in_product": True}, {"prior": 1.0}),
    ],
    ids=str,
)
@pytest.mark.usefixtures("fixed_noise")
def test_the_loss_is_the_mean_of_the_groups_negative_elbos(options, expected):
    model, images = stubbed(MLVAE, **options), batch()
    found = negative_elbos(model, images.images, **expected)
    assert len(found) == 6, "four groups and two images without one"
    torch.testing.assert_close(model.loss(images).total, found.mean())


@pytest.mark.usefixtures("fixed_noise")
def test_normalise_divides_by_groups_or_by_images():
    by_groups, by_images = (stubbed(MLVAE, normalise=which).loss(batch()).total for which in ("groups", "batch"))
    torch.testing.assert_close(by_groups * 6, by_images * 10)


def test_a_groups_kl_counts_once_however_many_members_it_has():
    model = stubbed(MLVAE)
    together, each = torch.zeros(10, dtype=torch.int64), torch.arange(10)
    content = model.encoder(None).content
    mean, variance = product(content.mean, content.logvar, list(range(10)))
    torch.testing.assert_close(model.loss(batch(together, 1)).terms["kl_content_per_group"], kl(mean, variance))
    own = torch.stack([kl(content.mean[i], content.logvar[i].exp()) for i in range(10)]).mean()
    torch.testing.assert_close(model.loss(batch(each, 10)).terms["kl_content_per_group"], own)


@pytest.mark.usefixtures("fixed_noise")
def test_an_image_without_a_group_is_a_group_of_its_own():
    named = GROUPS.clone()
    named[GROUPS < 0] = torch.tensor([3, 5])
    model = stubbed(MLVAE)
    torch.testing.assert_close(model.loss(batch()).total, model.loss(batch(named)).total)


def draws(model) -> torch.Tensor:
    """The content codes that the decoder was given."""
    seen = []
    hook = model.decoder.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0].detach()))
    model.loss(batch())
    hook.remove()
    return seen[0]


@pytest.mark.parametrize(("reparam", "same"), [("per_group", True), ("per_sample", False)])
def test_members_share_a_draw_or_have_their_own(reparam, same):
    content = draws(stubbed(MLVAE, reparam=reparam))
    assert bool((content[0] == content[1]).all()) is same
    assert bool((content[0] == content[2]).all()) is same
    assert not (content[0] == content[3]).any(), "groups differ"
    assert not (content[6] == content[7]).any(), "images without a group are alone"


def test_without_noise_the_content_is_the_groups_mean():
    model = stubbed(MLVAE, content_noise=0)
    content, posterior = draws(model), model.encoder(None).content
    for members in members_of(GROUPS).values():
        mean, _ = product(posterior.mean, posterior.logvar, members)
        for i in members:
            torch.testing.assert_close(content[i], mean)
    torch.testing.assert_close(content[6], posterior.mean[6])


@pytest.mark.parametrize("reparam", ["per_group", "per_sample"])
def test_draws_have_the_groups_mean_and_variance(reparam):
    torch.manual_seed(0)
    model = stubbed(MLVAE, reparam=reparam)
    posterior = model.encoder(None).content
    groups = product_of_gaussians(posterior.mean, posterior.logvar, GROUPS, GROUP_COUNT)
    with torch.no_grad():
        found = torch.stack([model._draw_content(posterior, GROUPS, groups)[1] for _ in range(2000)])
    mean, variance = product(posterior.mean, posterior.logvar, [0, 1, 2])
    torch.testing.assert_close(found.mean(dim=0), mean.detach(), rtol=0, atol=0.08)
    torch.testing.assert_close(found.var(dim=0), variance.detach(), rtol=0.15, atol=0)


@pytest.mark.usefixtures("fixed_noise")
def test_the_learned_gaussian_is_a_density():
    """-log N(x; mean, exp logvar) per pixel, the log-variance bounded by 6 tanh."""
    model, images = stubbed(MLVAE, channels=2, likelihood="gaussian_learned"), batch()
    seen = []
    model.decoder.register_forward_hook(lambda module, arguments, output: seen.append(output.detach()))
    terms = model.loss(images).terms
    mean, raw = seen[0][:, :1], seen[0][:, 1:]
    expected = -Normal(mean, (3.0 * raw.tanh()).exp()).log_prob(images.images).sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(terms["reconstruction"], expected)


def test_the_learned_gaussians_images_are_its_means():
    model = MLVAE(build(MLVAE.Config, {"likelihood": "gaussian_learned", "width": 0.1}, owner="test"),
                  TrainingData(ImageSpec(3, 32, 32), 4, 2)).eval()  # fmt: skip
    with torch.no_grad():
        content, style = 9 * torch.randn(4, 8), 9 * torch.randn(4, 8)
        images = model.decode(content, style)
        raw = model.decoder(content, style)
    assert raw.shape == (4, 6, 32, 32)
    torch.testing.assert_close(images, raw[:, :3].clamp(0, 1))


@pytest.mark.parametrize(
    "options",
    [{}, {"likelihood": "gaussian_learned"}, {"reparam": "per_group", "include_prior_in_product": True}],
    ids=str,
)
@pytest.mark.parametrize("group", [GROUPS, torch.full((10,), -1), torch.zeros(10, dtype=torch.int64), torch.arange(10)])
def test_loss_and_gradients_are_finite_whatever_the_groups(options, group):
    """Also where the encoder's numbers are huge: log-variances are clamped."""
    model = MLVAE(build(MLVAE.Config, {"width": 0.1, **options}, owner="test"), DATA)
    with torch.no_grad():
        for head in (model.encoder.content_head, model.encoder.style_head):
            head.weight.mul_(300)
    loss = model.loss(batch(group, count=16))
    assert loss.total.isfinite()
    loss.total.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.usefixtures("fixed_noise")
def test_rows_without_members_do_not_matter():
    model = stubbed(MLVAE)
    torch.testing.assert_close(model.loss(batch(count=GROUP_COUNT)).total, model.loss(batch(count=200)).total)


def test_gradients_reach_both_heads():
    model = MLVAE(build(MLVAE.Config, {"width": 0.1}, owner="test"), DATA)
    model.loss(batch()).total.backward()
    for head in (model.encoder.content_head, model.encoder.style_head):
        assert (head.weight.grad.abs().sum(dim=1) > 0).all(), "every mean and every log-variance is trained"


class DetachedMLVAE(MLVAE):
    """The defect of the widely copied public code: the content posterior is cut off before the product."""

    def encode(self, images):
        z = super().encode(images)
        z.content = Gaussian(z.content.mean.detach(), z.content.logvar.detach())
        return z


def test_the_public_codes_defect_is_found():
    config = build(MLVAE.Config, {"width": 0.1, "content_noise": 0.1, "reparam": "per_group"}, owner="test")
    with pytest.raises(ContractError, match=r"encoder\.content_head\.weight"):
        check_model(DetachedMLVAE, config=config)
    check_model(MLVAE, config=config)


def test_the_learned_variance_stays_within_its_bounds():
    model = stubbed(MLVAE, channels=2, likelihood="gaussian_learned")
    output = torch.cat([torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 1e6)], dim=1)
    nats = model._likelihood(torch.zeros(1, 1, 2, 2), output)
    assert nats.item() == pytest.approx(4 * 0.5 * (6.0 + math.log(2 * math.pi)))
