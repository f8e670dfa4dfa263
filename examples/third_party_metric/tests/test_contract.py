import numpy as np
from disent_spread.metric import Spread, spread

from disent_plugins.testing import check_metric


def test_contract():
    check_metric(Spread, name="spread")


def test_endpoints():
    labels = np.repeat([0, 1], 500)
    assert spread(labels[:, None] * 3.0, labels) == 1.0
    assert spread(np.tile([[0.0], [1.0]], (500, 1)), labels) == 0.0
