"""What a data adapter says of its data set, checked in its form before anything is named, built or split by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from disent_plugins.content import Factor
from disent_plugins.contracts.broken import demand
from disent_plugins.contracts.classes import name_of
from disent_plugins.contracts.data import DatasetInfo, ImageSpec
from disent_plugins.errors import shown

A = TypeVar("A")


def check_adapter(adapter: A) -> A:
    """Check an adapter's ``info``, and give the adapter back.

    Raises:
        ContractError: It is no ``DatasetInfo``, or a part of it is of the wrong type or contradicts another.
    """
    name, info = name_of(type(adapter)), getattr(adapter, "info", None)
    demand(isinstance(info, DatasetInfo), f"{name}.info is {shown(info)}.", "Make it a disent_plugins.DatasetInfo.")
    assert isinstance(info, DatasetInfo)
    for part in ("name", "content", "preprocessing", "licence", "reference"):
        text = getattr(info, part)
        demand(isinstance(text, str), f"{name}.info.{part} is {shown(text)}.", "It is a text.")
    demand(
        isinstance(info.image, ImageSpec)
        and all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in info.image.shape),
        f"{name}.info.image is {shown(info.image)}.",
        "It is an ImageSpec of three whole numbers: channels, height, width.",
    )
    demand(
        isinstance(info.factors, tuple | list) and all(isinstance(factor, Factor) for factor in info.factors),
        f"{name}.info.factors is {shown(info.factors)}.",
        "They are a tuple of Factor.",
    )
    names = [factor.name for factor in info.factors]
    demand(names and len(set(names)) == len(names), f"{name}.info has factors {names}.", "Name each factor once.")
    demand(
        info.content in names or set(info.content.split("+")) <= set(names),
        f"{name}.info.content is '{info.content}', which is none of its factors {names}.",
        "Name the factor that the members of a group share.",
    )
    demand(
        isinstance(info.options, Mapping),
        f"{name}.info.options is {shown(info.options)}.",
        "Leave it out: it is set to what was chosen of Config.",
    )
    return adapter
