"""Look up MITRE ATT&CK tactics and techniques in a table of this package; nothing is downloaded.

© The MITRE Corporation. The table is reproduced and distributed with the permission of The MITRE Corporation; ATT&CK's
terms of use ask for this notice: https://attack.mitre.org/resources/legal-and-branding/terms-of-use/
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_TECHNIQUE = re.compile(r"t(\d{4})(?:\.(\d{3}))?")


@dataclass(frozen=True, slots=True)
class Technique:
    """A technique, with its tagged sub-techniques."""

    id: str
    name: str
    subtechniques: tuple[Technique, ...] = ()

    @property
    def reference(self) -> str:
        """The URL of its page."""
        return f"https://attack.mitre.org/techniques/{self.id.replace('.', '/')}/"


@dataclass(frozen=True, slots=True)
class Tactic:
    """A tactic, with the tagged techniques that belong to it."""

    id: str
    name: str
    techniques: tuple[Technique, ...] = ()

    @property
    def reference(self) -> str:
        """The URL of its page."""
        return f"https://attack.mitre.org/tactics/{self.id}/"


def threats(tags: Iterable[str]) -> tuple[Tactic, ...]:
    """Return the tactics that a rule's tags name, in the order of the tags, each with its techniques.

    A technique is listed under every tagged tactic that it belongs to; if none is tagged, under its first. Tags that
    the table does not have are left out.
    """
    names = [tag.removeprefix("attack.") for tag in tags if tag.startswith("attack.")]
    table = _table()
    tactics = [short for name in names if (short := name.replace("_", "-")) in table["tactics"]]
    placed: dict[str, list[str]] = {short: [] for short in tactics}
    for name in names:
        match = _TECHNIQUE.fullmatch(name)
        if match is None:
            continue
        technique = name.upper()
        known = table["techniques"].get(technique)
        if known is None:
            continue
        belongs_to = [short for short in known[1] if short in tactics] or known[1][:1]
        for short in belongs_to:
            placed.setdefault(short, []).append(technique)
    known_tactics = table["tactics"]
    return tuple(
        Tactic(known_tactics[short][0], known_tactics[short][1], _techniques(tagged))
        for short, tagged in placed.items()
        if short in known_tactics
    )


def knows_tag(name: str) -> bool:
    """Return whether ATT&CK has the `name` of a tag `attack.name`; groups, software and data sources always pass."""
    if re.fullmatch(r"[gs]\d{4}|m\d{4}|ds\d{4}", name):
        return True
    table = _table()
    return name in table["tactics"] or name.upper() in table["techniques"] or name.upper() in _tactic_ids()


def tactics() -> tuple[str, ...]:
    """Return the short names of all tactics, as tags write them."""
    return tuple(_table()["tactics"])


@cache
def _tactic_ids() -> frozenset[str]:
    return frozenset(identifier for identifier, _ in _table()["tactics"].values())


def _techniques(tagged: list[str]) -> tuple[Technique, ...]:
    table = _table()["techniques"]
    parents = dict.fromkeys(identifier.split(".")[0] for identifier in tagged)
    return tuple(
        Technique(
            parent,
            table[parent][0],
            tuple(
                Technique(technique, table[technique][0])
                for technique in dict.fromkeys(tagged)
                if technique.startswith(parent + ".")
            ),
        )
        for parent in parents
    )


@cache
def _table() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("converter.plan").joinpath("attack.json").read_text(encoding="utf-8"))
    return loaded
