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
            group="leakage",
        ),
        MetricSpec(
            name="swap-grid",
            summary="Picture: the content of some test images combined with the style of others.",
            target="disent_plugins.metrics.swap_grid:SwapGrid",
            reference=f"{_PAPER}, Figure 1",
            needs=("codes", "decoder", "images"),
            group="pictures",
        ),
        MetricSpec(
            name="interpolation",
            summary="Picture: from one test image to another, content along the columns and style along the rows.",
            target="disent_plugins.metrics.interpolation:Interpolation",
            reference=f"{_PAPER}, Figure 5",
            needs=("codes", "decoder", "images"),
            group="pictures",
        ),
        MetricSpec(
            name="samples",
            summary="Picture: images decoded from random codes.",
            target="disent_plugins.metrics.samples:Samples",
            reference=f"{_PAPER}, Figure 5",
            needs=("codes", "decoder"),
            group="pictures",
        ),
        MetricSpec(
            name="reconstruction",
            summary="Squared error and PSNR between test images and their reconstructions.",
            target="disent_plugins.metrics.reconstruction:Reconstruction",
            needs=("codes", "decoder", "images"),
            group="quality",
        ),
        MetricSpec(
            name="leakage",
            summary="What each of the two codes tells of the content and of every style factor, linearly or not.",
            target="disent_plugins.metrics.content_style.leakage:Leakage",
            reference="This package; probes after the GM-VAE paper, appendix D",
            needs=("codes",),
            group="leakage",
        ),
        MetricSpec(
            name="dependence",
            summary="How far the two codes depend on each other, and the nats each tells of the content.",
            target="disent_plugins.metrics.content_style.dependence:Dependence",
            reference="Szekely and Rizzo, The distance correlation t-test of independence in high dimension, 2013",
            needs=("codes",),
            group="leakage",
        ),
        MetricSpec(
            name="swap",
            summary="Whose content an independent classifier sees in images with content and style of two donors.",
            target="disent_plugins.metrics.content_style.swap:Swap",
            reference="This package",
            needs=("codes", "decoder", "images"),
            group="swap",
        ),
        MetricSpec(
            name="exact-swap",
            summary="Swapped images against the real images that show the same content and style.",
            target="disent_plugins.metrics.content_style.exact_swap:ExactSwap",
            reference="This package; protocol after Gabbay and Hoshen, LORD, 2020",
            needs=("codes", "decoder", "images"),
            group="swap",
        ),
        MetricSpec(
            name="cycle",
            summary="Whether a swapped image, encoded again, has the codes of its two donors.",
            target="disent_plugins.metrics.content_style.cycle:Cycle",
            reference="This package; after Jha et al., Cycle-consistent VAEs, 2018",
            needs=("codes", "decoder", "encoder"),
            group="swap",
        ),
        MetricSpec(
            name="blocks",
            summary="Which of the two blocks holds each factor, and how far one block alone does.",
            target="disent_plugins.metrics.content_style.blocks:Blocks",
            reference="This package; after Eastwood and Williams, 2018",
            needs=("codes",),
            group="blocks",
        ),
        MetricSpec(
            name="few-shot",
            summary="Telling test classes by their content code from one and from five examples.",
            target="disent_plugins.metrics.content_style.few_shot:FewShot",
            reference="Snell, Swersky and Zemel, Prototypical Networks, 2017",
            needs=("codes",),
            group="blocks",
        ),
        MetricSpec(
            name="retrieval",
            summary="Finding another test image of the same class by the content code.",
            target="disent_plugins.metrics.content_style.retrieval:Retrieval",
            reference="After Hosoya, Group-based Learning of Disentangled Representations, 2019",
            needs=("codes",),
            group="blocks",
        ),
        MetricSpec(
            name="dci",
            summary="Disentanglement, completeness and informativeness from the importances of trees.",
            target="disent_plugins.metrics.factors.dci:Dci",
            reference="Eastwood and Williams, A framework for the quantitative evaluation of disentanglement, 2018",
            needs=("factors",),
            group="factors",
        ),
        MetricSpec(
            name="mig",
            summary="Mutual information gap: does one code alone know each factor.",
            target="disent_plugins.metrics.factors.mig:Mig",
            reference="Chen et al., Isolating Sources of Disentanglement in VAEs, 2018, Eq. 6",
            needs=("factors",),
            group="factors",
        ),
        MetricSpec(
            name="modularity",
            summary="Does each code know at most one factor.",
            target="disent_plugins.metrics.factors.modularity:Modularity",
            reference="Ridgeway and Mozer, Learning Deep Disentangled Embeddings with the F-Statistic Loss, 2018",
            needs=("factors",),
            group="factors",
        ),
        MetricSpec(
            name="factor-vae",
            summary="Does one code stand still when a factor does: majority vote.",
            target="disent_plugins.metrics.factors.factor_vae:FactorVae",
            reference="Kim and Mnih, Disentangling by Factorising, 2018",
            needs=("factors",),
            group="factors",
        ),
        MetricSpec(
            name="beta-vae",
            summary="Can a linear classifier tell which factor two batches share.",
            target="disent_plugins.metrics.factors.beta_vae:BetaVae",
            reference="Higgins et al., beta-VAE, 2017",
            needs=("factors",),
            group="factors",
        ),
        MetricSpec(
            name="irs",
            summary="How little codes move when other factors change.",
            target="disent_plugins.metrics.factors.irs:Irs",
            reference="Suter et al., Robustly Disentangled Causal Mechanisms, 2019",
            needs=("factors",),
            group="factors",
        ),
        MetricSpec(
            name="info-mec",
            summary="Modularity, explicitness and compactness in terms of information, together.",
            target="disent_plugins.metrics.factors.info_mec:InfoMec",
            reference="Hsu et al., Disentanglement via Latent Quantization, 2023",
            needs=("factors",),
            group="factors",
        ),
        MetricSpec(
            name="kl",
            summary="Nats and active units of each block and each dimension.",
            target="disent_plugins.metrics.information:Information",
            reference="Burda, Grosse and Salakhutdinov, Importance Weighted Autoencoders, 2016",
            needs=("factors",),
            group="quality",
        ),
    ]
