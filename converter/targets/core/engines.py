"""Find the engine of a query language, through the targets.

language ──entry points `converter.targets`──> folder of the target ──> its engine/parse.py and engine/execute.py
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.errors import ConfigurationError, suggest
from converter.readers.query_budget import making
from converter.readers.regex_budget import spending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from converter.errors import LogError
    from converter.targets.feature import Feature

# The text of a file of macros, or several texts by file name.
Macros: TypeAlias = "str | Mapping[str, str]"

GROUP = "converter.targets"
_DEFAULT = ("engine.execute", "run")


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine of a language: `folder` is its target's package, `runner` the module and function that run a query."""

    language: str
    product: str
    folder: str
    runner: tuple[str, str] = _DEFAULT

    def parse(self, query: str, *, macros: Macros | None = None) -> Any:
        """Return the syntax tree of a query. Raises QueryError; ConfigurationError for a language without trees."""
        name = f"{self.folder}.engine.parse"
        try:
            parse = importlib.import_module(name).parse
        except ModuleNotFoundError as missing:
            if missing.name != name:
                raise
            raise ConfigurationError(f"{self.language} is a kind of file, which has no syntax tree") from None
        return parse(query, **self._known(parse, {"macros": macros}))

    def check(self, query: str, type_of: Callable[[str], str | None] | None = None) -> None:
        """Refuse a text that the engine would refuse before it sees an event.

        The module that runs the language has a function `check` for that. Without one, a query is parsed; a file, which
        has no syntax tree, is not checked.

        Args:
            query: the text.
            type_of: returns how a product maps a field, None where that is not known; for engines that check types.

        Raises:
            QueryError: the text does not parse, or its types do not fit.
        """
        module = importlib.import_module(f"{self.folder}.{self.runner[0]}")
        check = getattr(module, "check", None)
        if check is None:
            if self.runner == _DEFAULT:
                self.parse(query)
        elif "type_of" in signature(check).parameters:
            check(query, type_of=type_of)
        else:
            check(query)

    def run(
        self,
        query: str,
        events: Iterable[Mapping[str, Any]],
        *,
        tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        macros: Macros | None = None,
        now: float | None = None,
        limits: bool = True,
        on_note: Callable[[str], None] | None = None,
        on_error: Callable[[LogError], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the rows of a query on events; the arguments are those of `converter.run_query`.

        `on_error` is called with the error of each event that the engine cannot use; it is left out.

        Raises:
            QueryError: the text is not a query, or uses what the engine does not know.
            QueryLimitError: the query reaches a limit.
            LogError: without `on_error`: the engine cannot use an event.
            ConfigurationError: an argument that the engine does not have.
        """
        module, function = self.runner
        run = getattr(importlib.import_module(f"{self.folder}.{module}"), function)
        options: dict[str, Any] = {"tables": tables or None, "macros": macros, "now": now, "limits": None}
        if not limits and "limits" in signature(run).parameters:
            options["limits"] = importlib.import_module(f"{self.folder}.engine.language.run_context").NO_LIMITS
        options = self._known(run, options)
        for name, listener in (("on_note", on_note), ("on_error", on_error)):
            if listener is not None and name in signature(run).parameters:
                options[name] = listener
        with spending(), making():
            rows: list[dict[str, Any]] = run(query, events, **options)
        return rows

    def features(self) -> tuple[Feature, ...]:
        """Return the features that the engine runs, and those that it refuses by name."""
        return tuple(importlib.import_module(f"{self.folder}.engine.features").features())

    def example(self, feature: Feature) -> str | None:
        """Return a query that uses a feature which the engine refuses by name; None if the engine writes none."""
        write = getattr(importlib.import_module(f"{self.folder}.engine.features"), "example", None)
        return None if write is None else str(write(feature))

    def _known(self, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the given options. Raises ConfigurationError if the function does not take one of them."""
        given = {name: value for name, value in options.items() if value is not None}
        for name in given:
            if name not in signature(function).parameters:
                raise ConfigurationError(f"the engine of {self.language} has no {name}")
        return given


def find_engine(language: str) -> Engine:
    """Return the engine of a language. Raises ConfigurationError with a suggestion."""
    engines = _engines()
    if language not in engines:
        hint = suggest(language, engines) or f"known: {', '.join(sorted(engines))}"
        raise ConfigurationError(f"there is no engine for the language {language!r}", hint=hint)
    return engines[language]


@lru_cache(maxsize=1)
def _engines() -> dict[str, Engine]:
    from importlib.metadata import entry_points  # noqa: PLC0415  slow to import

    engines: dict[str, Engine] = {}
    for entry in entry_points(group=GROUP):
        target = entry.load()
        engines[target.language] = Engine(target.language, target.product, entry.module)
        for language, runner in getattr(target, "files", {}).items():
            engines[language] = Engine(language, target.product, entry.module, runner)
    return engines
