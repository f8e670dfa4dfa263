"""A spec names a thing, says what it is in one line, and where to find it. It is data: making one imports nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

API_VERSION = 1
"""The plugin interface this release speaks. A plugin module may declare the one it was written for as
``DISENT_API_VERSION = 1``; another number is refused with a clear line."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


_TEXTS = {"name", "summary", "target", "reference", "group", "install", "place"}
_LISTS = {"requires", "provides", "needs"}


def _by_name(table: Any) -> bool:
    return isinstance(table, Mapping) and all(isinstance(key, str) for key in table)


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What all kinds have.

    Args:
        name: What people type: lower case letters, digits, ``-`` and ``_``.
        summary: One line.
        target: ``"package.module:Object"``; imported when it is used, not when it is listed.
        reference: The publication.
    """

    name: str
    summary: str
    target: str
    reference: str = ""

    def __post_init__(self) -> None:
        for part in _TEXTS & set(vars(self)):
            if not isinstance(getattr(self, part), str):
                raise TypeError(f"{part}={getattr(self, part)!r} is no text")
        for part in _LISTS & set(vars(self)):
            texts = getattr(self, part)
            if not isinstance(texts, tuple | list) or not all(isinstance(text, str) for text in texts):
                raise TypeError(f"{part}={texts!r} is no tuple of texts")
        recipes = getattr(self, "recipes", {})
        if not _by_name(recipes) or not all(
            _by_name(one) and _by_name(one.get("options", {})) for one in recipes.values()
        ):
            raise TypeError(f"recipes={recipes!r} are no tables of settings by name")
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is not a name: lower case letters, digits, - and _ only")
        if not _TARGET.fullmatch(self.target):
            raise ValueError(f"target {self.target!r} is not of the form 'package.module:Object'")


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Spec):
    """A model class (see ``disent_plugins.contracts.Model``).

    Args:
        requires: What its loss needs of the data: any of ``groups``, ``pairs``, ``dataset_index``, ``distinct_groups``.
        recipes: Data set name (or ``"default"``) to a recipe, with the keys that ``disent models show gmvae`` prints.
    """

    requires: tuple[str, ...] = ()
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DatasetSpec(Spec):
    """A data adapter class (see ``disent_plugins.data_adapters.adapter.DataAdapter``).

    Args:
        provides: Capabilities: ``groups``, ``pairs``, ``dataset_index``, ``distinct_groups``.
        recipes: Model name (or ``"default"``, for every model) to a recipe, with the keys of a model's recipe: what
            these images need, such as ``{"default": {"sampler": "blocks"}}`` for many classes. A model's own recipe
            goes before it.
        place: What stands behind the name, if anything does: with ``"PATH"`` it is typed as ``name:PATH``, and the
            class is called with its ``Config`` and that text. An attribute ``place`` of what it makes is the text that
            a run keeps, such as the absolute path.
    """

    provides: tuple[str, ...] = ("groups", "pairs", "dataset_index")
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class MetricSpec(Spec):
    """A metric class (see ``disent_plugins.contracts.Metric``).

    Args:
        needs: ``codes``, a content and a style block, or ``factors``, codes in one piece or two with their factors;
            also ``decoder``, ``encoder`` and ``images`` where a model is needed. Where ``codes`` are not named, a model
            whose codes are in one piece will do.
        group: Where it stands in the table of all metrics: ``leakage``, ``swap``, ``blocks``, ``factors``, ``quality``,
            ``pictures`` or any other word.
    """

    needs: tuple[str, ...] = ("codes",)
    group: str = "other"


@dataclass(frozen=True, kw_only=True)
class LoggerSpec(Spec):
    """A class whose objects implement run hooks. It is called without arguments where a run asks for it by its name.

    Args:
        install: The command that installs what ``target`` imports, told where that is missing.
    """

    install: str = ""
