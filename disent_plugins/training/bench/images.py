"""Images to measure speed on: of a data set where it is at hand, otherwise generated ones of its form."""

from __future__ import annotations

import numpy as np

from disent_plugins.contracts import DatasetInfo, ImageTable, Report
from disent_plugins.data_adapters.cache import cache_path
from disent_plugins.data_adapters.cache_read import open_table
from disent_plugins.errors import DataMissing
from disent_plugins.training.parts import Parts

UNKNOWN_SIZE = 100
"""Values of a factor whose number is known only when its data set has been prepared."""


def images_for(parts: Parts, count: int, report: Report) -> tuple[ImageTable, str]:
    """The table of a run's data set, and which images they are in words; nothing is downloaded.

    Args:
        parts: Of the run.
        count: Images to generate where the data set is not prepared and needs raw files.
        report: Progress of preparing a data set that needs none.
    """
    info = parts.adapter.info
    if not parts.adapter.files:
        return parts.table(None, report), f"images of {info.name}"
    try:
        return open_table(cache_path(info), info, report), f"images of {info.name}"
    except DataMissing:
        return generated(info, count), f"generated images, as {info.name} is not prepared"


def generated(info: DatasetInfo, count: int) -> ImageTable:
    """Training images of a data set's form, of noise, with factors drawn at random."""
    random, image = np.random.default_rng(0), info.image
    images = random.integers(0, 256, (count, image.height, image.width, image.channels), dtype=np.uint8)
    sizes = [factor.size or UNKNOWN_SIZE for factor in info.factors]
    return ImageTable(info, images, random.integers(0, sizes, (count, len(sizes))), np.zeros(count, np.uint8), "")
