"""Our models, registered the way an outsider's are."""

from __future__ import annotations

from disent_plugins.registry.hookspecs import hookimpl
from disent_plugins.registry.specs import ModelSpec


@hookimpl
def disent_models() -> list[ModelSpec]:
    """GM-VAE and ML-VAE, and the neighbours they are compared with."""
    return [
        ModelSpec(
            name="gmvae",
            summary="Gaussian-mixture VAE: one content code per image, attracted to the mean of its group.",
            target="disent_plugins.models.gmvae:GMVAE",
            reference="Morshuis, Samplawski, Nabi: Weakly Supervised Content and Style Disentanglement with "
            "Gaussian Mixture VAEs",
            requires=("groups", "distinct_groups"),
        ),
        ModelSpec(
            name="mlvae",
            summary="Multi-level VAE: one content posterior per group, the product of its members' Gaussians.",
            target="disent_plugins.models.mlvae:MLVAE",
            reference="Bouchacourt, Tomioka, Nowozin: Multi-Level Variational Autoencoder. AAAI 2018",
            requires=("groups",),
        ),
        ModelSpec(
            name="vae",
            summary="Two-block VAE (beta-VAE): told of no groups, the floor of every table.",
            target="disent_plugins.models.vae:VAE",
            reference="Kingma, Welling: Auto-Encoding Variational Bayes. ICLR 2014; Higgins et al.: beta-VAE. "
            "ICLR 2017",
        ),
        ModelSpec(
            name="gvae",
            summary="Group VAE: one content posterior per group, the average of its members' parameters.",
            target="disent_plugins.models.gvae:GVAE",
            reference="Hosoya: Group-based Learning of Disentangled Representations with Generalizability for Novel "
            "Contents. IJCAI 2019",
            requires=("groups",),
        ),
        ModelSpec(
            name="ada-gvae",
            summary="Adaptive GVAE: averages the dimensions that two images share; the content block is found.",
            target="disent_plugins.models.ada:AdaGVAE",
            reference="Locatello et al.: Weakly-Supervised Disentanglement Without Compromises. ICML 2020",
            requires=("pairs",),
        ),
        ModelSpec(
            name="ada-mlvae",
            summary="Adaptive ML-VAE: the product in the dimensions that two images share; the content block is found.",
            target="disent_plugins.models.ada:AdaMLVAE",
            reference="Locatello et al.: Weakly-Supervised Disentanglement Without Compromises. ICML 2020",
            requires=("pairs",),
        ),
        ModelSpec(
            name="cycle-vae",
            summary="Cycle-consistent VAE: a style that went into an image must come out of it, whatever the content.",
            target="disent_plugins.models.cycle_vae:CycleVAE",
            reference="Jha, Anand, Singh, Veeravasarapu: Disentangling Factors of Variation with Cycle-Consistent "
            "Variational Auto-Encoders. ECCV 2018",
            requires=("groups",),
        ),
        ModelSpec(
            name="adversarial-vae",
            summary="Adversarial VAE: a classifier of the style code is left at a loss about the group.",
            target="disent_plugins.models.adversarial_vae:AdversarialVAE",
            reference="Mathieu et al.: Disentangling Factors of Variation in Deep Representations Using Adversarial "
            "Training. NeurIPS 2016; Nemeth: Adversarial Disentanglement with Grouped Observations. AAAI 2020",
            requires=("groups",),
        ),
        ModelSpec(
            name="lord-lite",
            summary="Latent optimisation: an embedding per group and per image, encoders learned afterwards.",
            target="disent_plugins.models.lord_lite:LordLite",
            reference="Gabbay, Hoshen: Demystifying Inter-Class Disentanglement. ICLR 2020 (here with a pixel loss)",
            requires=("groups", "identities"),
        ),
    ]
