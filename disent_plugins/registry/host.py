"""The plugin host: finds plugins by entry point, and guards every call into them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any

import pluggy

from disent_plugins.errors import DisentError, PluginFailure, UsageError, WorkFailed
from disent_plugins.registry import hookspecs
from disent_plugins.registry.catalogue import Catalogue, Plugin
from disent_plugins.registry.guard import guarded, own_copy, told
from disent_plugins.registry.installed import GROUP, OURS, installed, origin
from disent_plugins.registry.specs import API_VERSION, DatasetSpec, LoggerSpec, MetricSpec, ModelSpec, Spec

_KIND = {ModelSpec: "model", DatasetSpec: "data set", MetricSpec: "metric", LoggerSpec: "logger"}


class Registry:
    """All plugins and what they register.

    Args:
        third_party: Load plugins of other distributions than ours.
        disabled: Entry-point or distribution names to leave out.
        strict: Make a skipped plugin a failure.
        points: Entry points to use instead of the installed ones (for tests).

    Raises:
        PluginFailure: ``strict`` and a plugin had to be skipped.
    """

    def __init__(
        self,
        *,
        third_party: bool = True,
        disabled: Iterable[str] = (),
        strict: bool = False,
        points: Iterable[EntryPoint] | None = None,
    ) -> None:
        self.models: Catalogue[ModelSpec] = Catalogue("model")
        self.datasets: Catalogue[DatasetSpec] = Catalogue("data set")
        self.metrics: Catalogue[MetricSpec] = Catalogue("metric")
        self.loggers: Catalogue[LoggerSpec] = Catalogue("logger")
        self.plugins: list[Plugin] = []
        self.on_skip: Callable[[Plugin], None] = lambda plugin: None
        self._strict = strict
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        for plugin, point in listed(disabled, points):
            if third_party or plugin.distribution == OURS:
                self.plugins.append(plugin)
                if not plugin.disabled:
                    self._add(plugin, point.load)

    @property
    def skipped(self) -> list[Plugin]:
        """The plugins that failed, with their errors."""
        return [plugin for plugin in self.plugins if plugin.error]

    def add(self, module: object, *, name: str, distribution: str = OURS, version: str = "") -> None:
        """Register a plugin object that is already imported: the progress display, or a test's plugin."""
        plugin = Plugin(name, distribution, version)
        self.plugins.append(plugin)
        self._add(plugin, lambda: module)

    def remove(self, module: object) -> None:
        """Take out a plugin object that ``add`` registered for a while; it must not have brought specs."""
        unique = self._manager.get_name(module)
        self._manager.unregister(module)
        self.plugins = [p for p in self.plugins if f"{p.distribution}:{p.name}" != unique]

    def log_to(self, name: str) -> None:
        """Make the logger of that name: from now on it is told of the run. One that fails there is left out of it.

        Raises:
            UsageError: There is no such logger, or what it needs is not installed.
            PluginFailure: It cannot be made, or implements no hook.
        """
        spec, owner = self.loggers.find(name)
        plugin = dataclasses.replace(owner, name=spec.name, logger=True)
        if plugin in self.plugins:
            return
        what = f"The logger '{spec.name}' could not be made"
        error, made = guarded(lambda: self.call(owner, what, self.load(spec, owner)))
        missing = error if isinstance(error, ImportError) else getattr(error, "__cause__", None)
        if isinstance(missing, ImportError):
            hint = f"Install it: {spec.install}" if spec.install else f"Ask {owner.distribution} what it needs."
            raise UsageError(f"The logger '{name}' needs a package that is not here.", told(missing), hint) from error
        if error is not None:
            raise error
        self.plugins.append(plugin)
        self.call(owner, what, lambda: self._register(plugin, made))

    def load(self, spec: Spec, plugin: Plugin) -> Any:
        """Import what a spec names, and check that it can be used.

        Raises:
            PluginFailure: The import failed, the name is not there, or what it names breaks its contract.
        """
        from disent_plugins.contracts.classes import check_class  # here, for listing does without

        module, _, attribute = spec.target.partition(":")

        def fetch() -> Any:
            found: Any = import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
            check_class(next(kind for base, kind in _KIND.items() if isinstance(spec, base)), found)
            return found

        return self.call(plugin, f"'{spec.name}' could not be loaded", fetch)

    def call(self, plugin: Plugin, what: str, function: Callable[[], Any]) -> Any:
        """Call into a plugin on behalf of a user's request, turning whatever it raises into one clear error.

        Raises:
            PluginFailure: The plugin raised an error, called ``sys.exit`` or broke its contract.
            WorkFailed: One of ours broke its contract.
        """
        error, result = guarded(function)
        if error is None:
            return result
        from disent_plugins.contracts.broken import ContractError

        if isinstance(error, ContractError):
            if plugin.distribution == OURS:
                raise WorkFailed(f"{what}.", error.what, error.remedy) from error
            raise PluginFailure(
                f"{what}: plugin '{plugin.name}' of {plugin.distribution} {plugin.version} breaks its contract.",
                error.what,
                f"{error.remedy} Its author can check it with disent_plugins.testing; or {plugin.cure}",
            ) from error
        if plugin.distribution == OURS or isinstance(error, DisentError | KeyboardInterrupt):
            raise error
        raise PluginFailure(
            f"{what}: plugin '{plugin.name}' of {plugin.distribution} {plugin.version} failed.",
            told(error),
            f"Tell its author, or {plugin.cure}",
        ) from error

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call a run hook of every plugin. One that fails is reported once and not called again.

        Plugins of others, and loggers, are handed copies: what they do to them reaches neither the run nor each other.
        """
        for implementation in list(reversed(getattr(self._manager.hook, hook).get_hookimpls())):
            plugin = self._plugin(implementation.plugin_name)
            ours = plugin.is_ours
            wanted = {name: arguments[name] for name in implementation.argnames}
            error, _ = guarded(partial(implementation.function, **(wanted if ours else own_copy(wanted))))
            if error is not None:
                if ours:
                    raise error
                self._manager.unregister(implementation.plugin)
                self._skip(plugin, f"{hook} raised {told(error)}")

    def _add(self, plugin: Plugin, load: Callable[[], object]) -> None:
        error, specs = guarded(lambda: self._register(plugin, load()))
        if isinstance(error, KeyboardInterrupt) and plugin.distribution == OURS:
            raise error
        if error is not None:
            self._skip(plugin, told(error))
            return
        catalogues = (self.models, self.datasets, self.metrics, self.loggers)
        for catalogue, entries in zip(catalogues, specs, strict=True):
            catalogue.entries.extend((spec, plugin) for spec in entries)  # type: ignore[attr-defined]

    def _register(self, plugin: Plugin, module: object) -> list[list[Any]]:
        """Register the module's hooks and collect its specs; nothing of it stays registered if it fails."""
        declared = getattr(module, "DISENT_API_VERSION", API_VERSION)
        if declared != API_VERSION:
            raise ValueError(f"it is written for plugin API {declared}, this is {API_VERSION}")
        # A plain module without hooks is a mistake that would otherwise pass in silence.
        try:
            self._manager.register(module, name=plugin.key)
            callers = self._manager.get_hookcallers(module) or []
            if not callers:
                raise ValueError("it implements no hook of disent; mark functions with disent_plugins.hookimpl")
            own = [impl for caller in callers for impl in caller.get_hookimpls() if impl.plugin is module]
            if any(impl.wrapper or impl.hookwrapper for impl in own):
                raise ValueError("it wraps a hook; hooks are called one by one, plain functions only")
            self._manager.check_pending()
            return [
                _checked(kind, [spec for call in self._own(hook, module) for spec in _list_of(hook, call())])
                for hook, kind in _SPEC_HOOKS
            ]
        except BaseException:
            if self._manager.has_plugin(plugin.key):
                self._manager.unregister(name=plugin.key)
            raise

    def _own(self, hook: str, module: object) -> list[Callable[[], Any]]:
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        return [implementation.function for implementation in implementations if implementation.plugin is module]

    def _plugin(self, registered_name: str) -> Plugin:
        return next(plugin for plugin in self.plugins if plugin.key == registered_name)

    def _skip(self, plugin: Plugin, error: str) -> None:
        skipped = dataclasses.replace(plugin, error=error)
        if self._strict or plugin.is_ours:
            raise PluginFailure(skipped.line, hint="DISENT_STRICT_PLUGINS=1 makes this a failure." * self._strict)
        self.plugins[self.plugins.index(plugin)] = skipped
        self.on_skip(skipped)


_SPEC_HOOKS: tuple[tuple[str, type[Spec]], ...] = (
    ("disent_models", ModelSpec),
    ("disent_datasets", DatasetSpec),
    ("disent_metrics", MetricSpec),
    ("disent_loggers", LoggerSpec),
)


def listed(disabled: Iterable[str] = (), points: Iterable[EntryPoint] | None = None) -> list[tuple[Plugin, EntryPoint]]:
    """The plugins that are installed, ours first; none of them is imported. The arguments are those of ``Registry``."""
    left_out = set(disabled)
    found = []
    for point in installed() if points is None else points:
        distribution, version = origin(point)
        off = not left_out.isdisjoint((point.name, distribution))
        found.append((Plugin(point.name, distribution, version, disabled=off), point))
    return sorted(found, key=lambda entry: (entry[0].distribution != OURS, entry[0].distribution, entry[0].name))


def disabled_by(environment: Mapping[str, str]) -> list[str]:
    """The names that ``DISENT_DISABLE_PLUGINS`` lists."""
    names = (name.strip() for name in environment.get("DISENT_DISABLE_PLUGINS", "").split(","))
    return [name for name in names if name]


def from_environment(environment: Mapping[str, str], *, third_party: bool = True) -> Registry:
    """The registry that ``DISENT_DISABLE_PLUGINS`` and ``DISENT_STRICT_PLUGINS`` ask for."""
    strict = environment.get("DISENT_STRICT_PLUGINS", "").lower() in {"1", "true", "yes", "on"}
    return Registry(third_party=third_party, disabled=disabled_by(environment), strict=strict)


def _list_of(hook: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{hook} returned {type(value).__name__}, not a list of specs")
    return list(value)


def _checked(kind: type[Spec], specs: list[Any]) -> list[Any]:
    names = set()
    for spec in specs:
        if not isinstance(spec, kind):
            raise TypeError(f"expected {kind.__name__}, got {type(spec).__name__}")
        kind.__post_init__(spec)  # a class derived from it may have left that out
        if spec.name in names:
            raise ValueError(f"it registers '{spec.name}' twice")
        names.add(spec.name)
    return specs
