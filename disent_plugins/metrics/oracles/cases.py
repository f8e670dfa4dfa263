"""Toy representations whose quality is known without measuring it: the oracles, as documented data.

Cases of factors: independent uniform factors, six of eight values unless said, and codes in one array of D columns, of
which the first ceil(D / 2) are given as content and the rest as style; the content factor is ``factor0``.
Cases of content and style: content factor ``label`` of ten values, style factors ``angle`` of six and ``size`` of four.
Cases with a model (see ``scenes.py``): content factor ``shape`` of ten values, style factors ``row``, ``column`` and
``light``; every combination once in 960 rows, with decoder, encoder and images.
Two rows of three are to fit on (``train``), the rest to judge (``test``).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from disent_plugins.contracts import Codes
from disent_plugins.metrics.oracles.case import Case, Model, split_of
from disent_plugins.metrics.oracles.channels import CHANNELS
from disent_plugins.metrics.oracles.ends import ENDS
from disent_plugins.metrics.oracles.leaks import LEAKS
from disent_plugins.metrics.oracles.scenes import NAMES, PAINTERS, Painter, draw_scenes, paint
from disent_plugins.metrics.statistics.seeds import stream

SCENE_ROWS = 960


def _scenes_case(painter: Painter, seed: int, n: int) -> Codes:
    factors = draw_scenes(n, stream(seed, "oracles", "scenes"))
    content, style = (block.astype(np.float32) for block in painter.codes(factors))
    logvar = 2 * np.log(painter.deviation)
    return Codes(
        content=content,
        style=style,
        factors=factors,
        factor_names=NAMES,
        content_factor=NAMES[0],
        split=split_of(n),
        content_logvar=np.full_like(content, logvar),
        style_logvar=np.full_like(style, logvar),
        split_source="made: oracle",
    )


def _scenes_model(painter: Painter, codes: Codes) -> Model:
    return Model(painter.decode, painter.encode, lambda places: paint(codes.factors[places]))


_SCENES = tuple(
    Case(one.name, one.summary, one.source, partial(_scenes_case, one), SCENE_ROWS, partial(_scenes_model, one))
    for one in PAINTERS
)

CASES: dict[str, Case] = {case.name: case for case in (*ENDS, *CHANNELS, *LEAKS, *_SCENES)}
"""Every oracle by name."""
