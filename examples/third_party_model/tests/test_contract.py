from disent_plain_vae.model import PlainVAE

from disent_plugins.testing import check_model


def test_contract():
    check_model(PlainVAE)
