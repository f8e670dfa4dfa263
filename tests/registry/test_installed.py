"""Whose an entry point is: our name is no proof."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest
from helpers.plugin_files import MODEL, entry_points_in, write_plugin

from disent_plugins.registry.host import OURS, Registry
from disent_plugins.registry.installed import CLAIMED, GROUP, installed, origin

CLAIM = "Metadata-Version: 2.1\nName: {}\nVersion: 9\n"


@pytest.mark.parametrize("name", ["disent-plugins", "Disent_Plugins", "disent.plugins"])
def test_a_distribution_that_claims_our_name_is_not_ours(tmp_path, monkeypatch, name):
    monkeypatch.syspath_prepend(tmp_path)
    write_plugin(tmp_path, "claimer", "raise RuntimeError('mine')", metadata=CLAIM.format(name))
    (point,) = entry_points_in(tmp_path)
    assert origin(point) == (CLAIMED, "9")
    ours = [point for point in entry_points(group=GROUP) if point.value.startswith("disent_plugins.")]
    found = Registry(points=[point, *ours])
    (plugin,) = found.skipped  # that one of ours fails would end the command
    assert plugin.cure == "disable it with DISENT_DISABLE_PLUGINS=claimer, or leave all out with --no-plugins"
    assert found.plugins[0].distribution == OURS
    assert not Registry(points=[point, *ours], third_party=False).skipped


def test_a_distribution_of_our_name_does_not_hide_ours(tmp_path, monkeypatch):
    before = {(point.name, point.value) for point in installed()}
    write_plugin(tmp_path, "disent-plugins", MODEL.format(name="evil", target="a:A"), version="99")
    monkeypatch.syspath_prepend(tmp_path)
    assert before <= {(point.name, point.value) for point in installed()}
    found = Registry()
    assert "gmvae" in found.models.names()
    assert found.models.find("evil")[1].distribution == CLAIMED


def test_metadata_that_cannot_be_read_name_nobody(tmp_path):
    write_plugin(tmp_path, "odd", "")
    (tmp_path / "odd-1.0.dist-info" / "METADATA").write_bytes(b"Name: \xff\xfe\nVersion: 1\n")
    (point,) = entry_points_in(tmp_path)
    name, version = origin(point)
    assert name.isprintable()
    assert len((name + version).splitlines()) == 1
    write_plugin(tmp_path, "folded", "", metadata="Metadata-Version: 2.1\nName: a\n b\nVersion: 1\n 2\n")
    (folded,) = [point for point in entry_points_in(tmp_path) if point.name == "folded"]
    assert origin(folded) == ("a b", "1 2")


def test_a_package_whose_entry_points_cannot_be_read_costs_the_others_nothing(tmp_path, monkeypatch):
    before = {(point.name, point.value) for point in installed()}
    write_plugin(tmp_path, "unread", "")
    (tmp_path / "unread-1.0.dist-info" / "entry_points.txt").write_bytes(b"[disent]\n\xff = unread_plugin\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UnicodeDecodeError):
        entry_points(group=GROUP)
    assert {(point.name, point.value) for point in installed()} == before
