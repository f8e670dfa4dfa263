"""Our models, registered the way an outsider's are."""

from __future__ import annotations

from disent_plugins.registry.hookspecs import hookimpl
from disent_plugins.registry.specs import ModelSpec


@hookimpl
def disent_models() -> list[ModelSpec]:
    """GM-VAE and ML-VAE."""
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
    ]
