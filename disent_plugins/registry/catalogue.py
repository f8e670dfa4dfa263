"""Names -> specs: the plugins that were found and what they name; a name is one spec or one error."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from disent_plugins.errors import PluginFailure, UsageError, suggestion
from disent_plugins.registry.installed import OURS
from disent_plugins.registry.specs import Spec

S = TypeVar("S", bound=Spec)


@dataclass(frozen=True)
class Plugin:
    """A plugin that was found: its entry-point name, its distribution, and why it was skipped, if it was.

    A logger that a run asked for is one as well, under its own name.
    """

    name: str
    distribution: str
    version: str
    error: str = ""
    disabled: bool = False
    logger: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether its failure is ours, and ends the command; that of a logger never does."""
        return self.distribution == OURS and not self.logger

    @property
    def key(self) -> str:
        """What tells it from all others, its logger of the same name included."""
        return f"{self.distribution}:{'logger ' * self.logger}{self.name}"

    @property
    def cure(self) -> str:
        """How to get rid of it."""
        if self.logger:
            return "the run goes on without it"
        known = not self.distribution.startswith("(")
        removal = f", or: pip uninstall {self.distribution}" if known else ", or leave all out with --no-plugins"
        return f"disable it with DISENT_DISABLE_PLUGINS={self.name}{removal}"

    @property
    def line(self) -> str:
        """One line for people: what was skipped, why, and the cure."""
        kind = "logger" if self.logger else "plugin"
        return f"{kind} '{self.name}' of {self.distribution} {self.version} was skipped: {self.error}; {self.cure}"


@dataclass
class Catalogue(Generic[S]):
    """The specs of one kind, by name, with their owners."""

    kind: str
    entries: list[tuple[S, Plugin]] = field(default_factory=list)
    _by_name: dict[str, list[tuple[S, Plugin]]] = field(default_factory=dict, repr=False, compare=False)
    _indexed: int = field(default=0, repr=False, compare=False)

    def names(self) -> list[str]:
        """Every name that can be typed, sorted; a name two plugins claim appears in its qualified forms."""
        return sorted(self.labels())

    def labels(self) -> list[str]:
        """The name of each of ``entries``, with its distribution where it is ambiguous, and its place if it has one."""
        claims = Counter(spec.name for spec, _ in self.entries)
        names = [s.name if claims[s.name] == 1 else f"{p.distribution}:{s.name}" for s, p in self.entries]
        places = [getattr(spec, "place", "") for spec, _ in self.entries]
        return [f"{name}:{place}" if place else name for name, place in zip(names, places, strict=True)]

    def find(self, name: str) -> tuple[S, Plugin]:
        """The spec that ``name`` or ``distribution:name`` stands for, and its owner.

        Raises:
            UsageError: Nothing has that name.
            PluginFailure: Two plugins claim it.
        """
        name, place = self.split(name)
        owner, _, bare = name.rpartition(":")
        found = [(s, p) for s, p in self._claims(bare) if owner in ("", p.distribution)]
        if len(found) == 1:
            if wanted := getattr(found[0][0], "place", "") if not place else "":
                hint = f"For example: {name}:{wanted}"
                raise UsageError(f"The {self.kind} '{name}' is named with a place behind a colon.", hint=hint)
            return found[0]
        if not found:
            raise UsageError(
                f"There is no {self.kind} '{name}'.",
                suggestion(name, self.names()),
                "See them all with: " + _LIST_COMMAND[self.kind],
            )
        owners = " and ".join(f"plugin '{p.name}' of {p.distribution} {p.version}" for _, p in found)
        qualified = " or ".join(f"{p.distribution}:{bare}" for _, p in found)
        raise PluginFailure(
            f"Two plugins register the {self.kind} '{bare}'.",
            f"They are {owners}.",
            f"Say which one you mean: {qualified}; or disable one with DISENT_DISABLE_PLUGINS.",
        )

    def split(self, name: str) -> tuple[str, str]:
        """A name such as ``folder:PATH`` as the name of a spec and its place; of other names the place is empty."""
        for count in (1, 2):  # the second with the distribution before it
            *head, place = name.split(":", count)
            if len(head) == count and any(getattr(spec, "place", "") for spec, _ in self._claims(head[-1])):
                return ":".join(head), place
        return name, ""

    def _claims(self, name: str) -> list[tuple[S, Plugin]]:
        """The entries of that very name, by an index: a help text looks every name up."""
        if self._indexed != len(self.entries):
            self._by_name, self._indexed = {}, len(self.entries)
            for entry in self.entries:
                self._by_name.setdefault(entry[0].name, []).append(entry)
        return self._by_name.get(name, [])


_LIST_COMMAND = {
    "model": "disent models list", "data set": "disent data list", "metric": "disent metrics list",
    "logger": "disent plugins",
}  # fmt: skip
