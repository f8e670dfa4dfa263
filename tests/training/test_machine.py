"""What is written down of the machine."""

from __future__ import annotations

import platform

from disent_plugins.training.machine import processor


def test_the_processor_is_named_as_the_system_names_it(tmp_path):
    told = tmp_path / "cpuinfo"
    told.write_text("processor\t: 0\nmodel name\t: Fast CPU @ 3 GHz\nprocessor\t: 1\nmodel name\t: Another\n")
    assert processor(told) == "Fast CPU @ 3 GHz"
    told.write_text("processor\t: 0\n")
    assert processor(told) == processor(tmp_path / "none") == (platform.processor() or platform.machine())
