"""Our metrics, registered the way an outsider's are."""

from __future__ import annotations

from disent_plugins.registry.hookspecs import hookimpl
from disent_plugins.registry.specs import MetricSpec

_PAPER = "GM-VAE paper"


@hookimpl
def disent_metrics() -> list[MetricSpec]:
    """The metrics of this package."""
    return [
        MetricSpec(
            name="probe",
            summary="How well a classifier reads the content factor from the content code, and from the style code.",
            target="disent_plugins.metrics.probe:Probe",
            reference=f"{_PAPER}, Table 1 and appendix D",
            needs=("codes",),
        ),
        MetricSpec(
            name="swap-grid",
            summary="Picture: the content of some test images combined with the style of others.",
            target="disent_plugins.metrics.swap_grid:SwapGrid",
            reference=f"{_PAPER}, Figure 1",
            needs=("codes", "decoder", "images"),
        ),
        MetricSpec(
            name="interpolation",
            summary="Picture: from one test image to another, content along the columns and style along the rows.",
            target="disent_plugins.metrics.interpolation:Interpolation",
            reference=f"{_PAPER}, Figure 5",
            needs=("codes", "decoder", "images"),
        ),
        MetricSpec(
            name="samples",
            summary="Picture: images decoded from random codes.",
            target="disent_plugins.metrics.samples:Samples",
            reference=f"{_PAPER}, Figure 5",
            needs=("codes", "decoder"),
        ),
        MetricSpec(
            name="reconstruction",
            summary="Squared error and PSNR between test images and their reconstructions.",
            target="disent_plugins.metrics.reconstruction:Reconstruction",
            needs=("codes", "decoder", "images"),
        ),
    ]
