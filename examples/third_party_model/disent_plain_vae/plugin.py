"""What this package adds to disent. Read by every command, so it loads no torch: the target is imported when used."""

from disent_plugins import ModelSpec, hookimpl


@hookimpl
def disent_models():
    return [
        ModelSpec(
            name="plain-vae",
            summary="A plain VAE with two codes that no group holds apart: what every other model has to beat.",
            target="disent_plain_vae.model:PlainVAE",
            recipes={"digits": {"epochs": 20, "options": {"width": 0.5}}},
        )
    ]
