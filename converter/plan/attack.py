"""Names of MITRE ATT&CK tactics and techniques, from a table in the package; nothing is downloaded.

© The MITRE Corporation. The table is reproduced and distributed with the permission of The MITRE Corporation, as the
terms of use of ATT&CK ask to be said: https://attack.mitre.org/resources/legal-and-branding/terms-of-use/
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
    """A technique, with the tagged techniques below it."""

    id: str
    name: str
    subtechniques: tuple[Technique, ...] = ()

    @property
    def reference(self) -> str:
        """Its page."""
        return f"https://attack.mitre.org/techniques/{self.id.replace('.', '/')}/"


@dataclass(frozen=True, slots=True)
class Tactic:
    """A tactic, with the tagged techniques that serve it."""

    id: str
    name: str
    techniques: tuple[Technique, ...] = ()

    @property
    def reference(self) -> str:
        """Its page."""
        return f"https://attack.mitre.org/tactics/{self.id}/"


def threats(tags: Iterable[str]) -> tuple[Tactic, ...]:
    """Return the tactics that a rule's tags name, in their order, each with its techniques.

    A technique goes under every tagged tactic that it serves; if none is tagged, under its first. Tags that the table
    does not know are left out.
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
        serves = [short for short in known[1] if short in tactics] or known[1][:1]
        for short in serves:
            placed.setdefault(short, []).append(technique)
    known_tactics = table["tactics"]
    return tuple(
        Tactic(known_tactics[short][0], known_tactics[short][1], _techniques(found))
        for short, found in placed.items()
        if short in known_tactics
    )


def knows_tag(name: str) -> bool:
    """Return whether ATT&CK has what a tag names after `attack.`; groups, software and the like are taken as known."""
    if re.fullmatch(r"[gs]\d{4}|m\d{4}|ds\d{4}", name):
        return True
    table = _table()
    return name in table["tactics"] or name.upper() in table["techniques"] or name.upper() in _tactic_ids()


def tactics() -> tuple[str, ...]:
    """Return the short names of tactics, as tags have them."""
    return tuple(_table()["tactics"])


@cache
def _tactic_ids() -> frozenset[str]:
    return frozenset(identifier for identifier, _ in _table()["tactics"].values())


def _techniques(found: list[str]) -> tuple[Technique, ...]:
    table = _table()["techniques"]
    parents = dict.fromkeys(technique.split(".")[0] for technique in found)
    return tuple(
        Technique(
            parent,
            table[parent][0],
            tuple(Technique(one, table[one][0]) for one in dict.fromkeys(found) if one.startswith(parent + ".")),
        )
        for parent in parents
    )


@cache
def _table() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("converter.plan").joinpath("attack.json").read_text(encoding="utf-8"))
    return loaded
