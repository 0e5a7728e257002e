"""What an engine can run, as rows of its tables: docs/engines.md is generated from them, and tested.

    the tables of an engine ──engine/features.py: features()──> Feature ... ──tools/engines_page.py──> docs/engines.md
                                              example(feature)──> a query ──the engine──> runs, or is refused by name

An engine computes its features from the tables that it runs by, so the page cannot say more than the engine does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

FeatureKind: TypeAlias = Literal["rule type", "key", "command", "pipe", "function", "aggregation", "operator"]
ALL = "all of it"


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing of a query language that an engine runs, or refuses by name.

    Attributes:
        kind: what it is in the language; a rule type and a key are of a rule file.
        name: as the language's documentation writes it.
        arguments: what it takes, for example `2 or 3`; empty where that needs no words.
        options: the names of the options that the engine reads.
        refused: what the engine refuses of it, in words; `"all of it"` if the engine only knows the name.
    """

    kind: FeatureKind
    name: str
    arguments: str = ""
    options: tuple[str, ...] = ()
    refused: str = ""


def number_of_arguments(least: int, most: int | None) -> str:
    """Say how many arguments a function takes; `most` None is any number."""
    if most is None:
        return f"{least} or more"
    if most == least:
        return str(least)
    return f"{least} or {most}" if most == least + 1 else f"{least} to {most}"
