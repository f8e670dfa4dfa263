"""Our own data sets, registered the way an outsider's are."""

from __future__ import annotations

from disent_plugins.registry.hookspecs import hookimpl
from disent_plugins.registry.specs import DatasetSpec

# The labels are true classes: two groups of different label differ in content.
_GROUPED = ("groups", "pairs", "dataset_index", "distinct_groups")

# As few images as people have of their own: small batches, and as many epochs as the digits take.
_OWN = {"default": {"epochs": 60, "batch_size": 64, "lr": 2e-3, "milestones": [40, 52]}}


@hookimpl
def disent_datasets() -> list[DatasetSpec]:
    """Digits, sprites, MNIST, Cars3D and CelebA, and what people have of their own."""
    return [
        DatasetSpec(
            name="digits",
            summary="1,797 real handwritten digits, embedded: no download, 32x32 grey, group = digit.",
            target="disent_plugins.data_adapters.digits:Digits",
            reference="Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998",
            provides=_GROUPED,
        ),
        DatasetSpec(
            name="sprites",
            summary="17,280 rendered shapes, embedded: no download, 64x64 colour, group = shape and hue.",
            target="disent_plugins.data_adapters.sprites:Sprites",
            reference="rendered by disent-plugins",
            provides=_GROUPED,
        ),
        DatasetSpec(
            name="mnist",
            summary="70,000 handwritten digits, 32x32 grey, group = digit.",
            target="disent_plugins.data_adapters.mnist:Mnist",
            reference="LeCun et al., Gradient-based learning applied to document recognition, 1998",
            provides=_GROUPED,
        ),
        DatasetSpec(
            name="cars3d",
            summary="17,568 renderings of 183 cars from 24 azimuths and 4 elevations, 64x64 colour, group = car.",
            target="disent_plugins.data_adapters.cars3d:Cars3d",
            reference="Reed, Zhang, Zhang and Lee, Deep visual analogy-making, NIPS 2015",
            provides=_GROUPED,
        ),
        DatasetSpec(
            name="celeba",
            summary="202,599 faces of 10,177 people, 64x64 colour, group = person; files to be fetched by hand.",
            target="disent_plugins.data_adapters.celeba:Celeba",
            reference="Liu, Luo, Wang and Tang, Deep learning face attributes in the wild, ICCV 2015",
            provides=_GROUPED,
            recipes={"default": {"sampler": "blocks"}},  # groups of ten whenever possible
        ),
        DatasetSpec(
            name="folder",
            summary="Your own pictures: a folder for each class, or a CSV file of paths and factors.",
            target="disent_plugins.data_adapters.own.folder:Folder",
            provides=_GROUPED,
            recipes=_OWN,
            place="PATH",
        ),
        DatasetSpec(
            name="arrays",
            summary="Your own arrays: images and labels or factors.",
            target="disent_plugins.data_adapters.own.arrays:Arrays",
            provides=_GROUPED,
            recipes=_OWN,
            place="FILE.npz",
        ),
    ]
