"""The paper's networks: sizes, parameter counts, output non-linearity and log-variances."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from disent_plugins.contracts import ImageSpec, TrainingData
from disent_plugins.errors import UsageError
from disent_plugins.models.gmvae import GMVAE
from disent_plugins.models.mlvae import MLVAE
from disent_plugins.models.networks import (
    LOGVAR_RANGE,
    Decoder,
    Encoder,
    TransposedConvolution,
    leaky_clip,
    squared_error,
)
from disent_plugins.options import build

GREY, COLOUR = ImageSpec(1, 32, 32), ImageSpec(3, 64, 64)


def make(model_class, image, **options):
    return model_class(build(model_class.Config, options, owner="test"), TrainingData(image, images=100, groups=10))


def test_the_output_non_linearity_has_the_values_and_slopes_of_the_paper():
    x = torch.tensor([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0], requires_grad=True)
    y = leaky_clip(x)
    torch.testing.assert_close(y, torch.tensor([-0.02, 0.0, 0.25, 0.5, 0.75, 1.0, 1.02]))
    y.sum().backward()
    inside = [0, 2, 3, 4, 6]  # the kinks themselves have no slope
    torch.testing.assert_close(x.grad[inside], torch.tensor([0.01, 0.5, 0.5, 0.5, 0.01]))


def test_the_squared_error_is_a_sum_over_pixels_and_channels():
    images, output = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.5)
    assert squared_error(images, output).tolist() == [12.0, 12.0]


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 64, 64), (3, 64, 48), (1, 16, 16), (3, 128, 64)], ids=str)
@pytest.mark.parametrize("model_class", [GMVAE, MLVAE])
def test_what_comes_out_is_of_the_size_that_went_in(model_class, shape):
    model = make(model_class, ImageSpec(*shape), width=0.1, content_size=3, style_size=5).eval()
    with torch.no_grad():
        z = model.encode(torch.rand(2, *shape))
        images = model.decode(z.content.mean, z.style.mean)
    assert z.content.mean.shape == z.content.logvar.shape == (2, 3)
    assert z.style.mean.shape == z.style.logvar.shape == (2, 5)
    assert images.shape == (2, *shape)
    assert images.min() >= 0
    assert images.max() <= 1


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16], ids=str)
def test_a_transposed_convolution_is_that_of_torch(kind):
    ours, torchs = (
        layer(3, 5, kernel_size=4, stride=2, padding=1) for layer in (TransposedConvolution, nn.ConvTranspose2d)
    )
    ours.load_state_dict(torchs.state_dict())
    found = []
    for layer in (ours, torchs):
        x = torch.linspace(-1, 1, 4 * 3 * 8 * 8).view(4, 3, 8, 8).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
            y = layer(x)
        assert y.dtype == kind
        y.float().square().sum().backward()
        found.append((y, x.grad, layer.weight.grad, layer.bias.grad))
    for ours, torchs in zip(*found, strict=True):
        limit = 0.02 if kind == torch.bfloat16 else 1e-5
        torch.testing.assert_close(ours, torchs, rtol=limit, atol=limit * torchs.abs().max().item())


def test_a_padding_of_2_is_the_papers_padding_of_1_without_its_border():
    decoder = Decoder(GREY, 3, 3, width=0.25, channels=1).eval()
    content, style = torch.randn(2, 3), torch.randn(2, 3)
    with torch.no_grad():
        ours = decoder(content, style)
        decoder.output.padding = (1, 1)
        papers = decoder(content, style)
    assert papers.shape == (2, 1, 34, 34)
    torch.testing.assert_close(ours, papers[:, :, 1:-1, 1:-1], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("image", "size", "count"),
                         [(GREY, 8, 1_915_233), (COLOUR, 16, 8_148_547), (COLOUR, 32, 9_197_187)])  # fmt: skip
@pytest.mark.parametrize("model_class", [GMVAE, MLVAE])
def test_table_2_has_this_many_parameters(model_class, image, size, count):
    model = make(model_class, image, content_size=size, style_size=size)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_width_scales_the_channels():
    layers = Encoder(GREY, 8, 8, width=0.5).features[::3]
    assert [layer.out_channels for layer in layers] == [16, 32, 64, 128]
    narrowest = Encoder(GREY, 8, 8, width=1e-3)
    assert narrowest.features[0].out_channels == 4


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 40)])
def test_images_that_do_not_fit_are_refused_in_words(shape):
    with pytest.raises(UsageError, match="multiples of 16"):
        Encoder(ImageSpec(*shape), 8, 8, width=1.0)


@pytest.mark.parametrize("variance", ["log_variance", "softplus_std"])
@pytest.mark.parametrize(("raw", "bound"), [(-1e4, LOGVAR_RANGE[0]), (1e4, LOGVAR_RANGE[1])])
def test_log_variances_are_clamped_before_use(variance, raw, bound):
    encoder = Encoder(GREY, 2, 2, width=0.1, variance=variance)
    with torch.no_grad():
        encoder.content_head.bias[2:] = raw
    logvar = encoder(torch.rand(3, 1, 32, 32)).content.logvar
    assert (logvar == bound).all()
    logvar.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())


def test_softplus_std_reads_the_head_as_a_standard_deviation():
    encoder = Encoder(GREY, 2, 2, width=0.1, variance="softplus_std").eval()
    images = torch.rand(3, 1, 32, 32)
    raw = encoder.content_head(encoder.features(images).flatten(1))[:, 2:]
    sigma = torch.tensor([math.log1p(math.exp(value)) for value in raw.flatten().tolist()]).reshape(3, 2)
    torch.testing.assert_close((0.5 * encoder(images).content.logvar).exp(), sigma)
