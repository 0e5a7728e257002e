"""Find the engine of a query language, through the targets.

language ──entry points `converter.targets`──> folder of the target ──> its parse and execute modules
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from converter.target import Product

GROUP = "converter.targets"
_DEFAULT = ("execute", "run")


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine of a language: `folder` is the package of the target that has it, `runner` a module and a function."""

    language: str
    product: Product
    folder: str
    runner: tuple[str, str] = _DEFAULT

    def parse(self, text: str) -> Any:
        """Return the tree of a query. Raises QueryError, or ConfigurationError if the language has no trees."""
        name = f"{self.folder}.parse"
        try:
            return importlib.import_module(name).parse(text)
        except ModuleNotFoundError as missing:
            if missing.name != name:
                raise
            raise ConfigurationError(f"{self.language} is a kind of file, which has no syntax tree") from None

    def run(
        self,
        text: str,
        events: Iterable[Mapping[str, Any]],
        *,
        tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    ) -> list[dict[str, Any]]:
        """Return the rows of a query on events. Raises QueryError."""
        module, function = self.runner
        run = getattr(importlib.import_module(f"{self.folder}.{module}"), function)
        rows: list[dict[str, Any]] = run(text, events, tables=tables) if tables else run(text, events)
        return rows


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
