"""Look up MITRE ATT&CK tactics and techniques in tables of this package, one for each version; nothing is downloaded.

    tags of any version ──threats──> tactics and techniques of one version: the one that a product ships

Version 19 split the tactic Defense Evasion: Stealth has its id, and Defense Impairment is new. Techniques that it
revoked are known by what they became.

© The MITRE Corporation. The tables are reproduced and distributed with the permission of The MITRE Corporation;
ATT&CK's terms of use ask for this notice: https://attack.mitre.org/resources/legal-and-branding/terms-of-use/
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Version: TypeAlias = Literal["18", "19"]
VERSIONS: tuple[Version, ...] = ("19", "18")
"""The versions that have a table, the newest first."""

NEWEST: Version = "19"
_EVASION = "defense-evasion"
_SPLIT = ("stealth", "defense-impairment")
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


def threats(tags: Iterable[str], version: Version = NEWEST) -> tuple[Tactic, ...]:
    """Return the tactics that a rule's tags name, in the order of the tags, each with its techniques.

    A technique is listed under every tagged tactic that it belongs to; if none is tagged, under its first. Tags of the
    other version become what the version has in their place; tags that have no place in it are left out.
    """
    names = [tag.removeprefix("attack.") for tag in tags if tag.startswith("attack.")]
    table = _table(version)
    techniques = [known for name in names if (known := _technique(name, version)) is not None]
    tactics = [short for name in names for short in _tactics_of(name.replace("_", "-"), techniques, version)]
    placed: dict[str, list[str]] = {short: [] for short in tactics}
    for technique in dict.fromkeys(techniques):
        own = table["techniques"][technique][1]
        for short in [short for short in own if short in placed and short in tactics] or own[:1]:
            placed.setdefault(short, []).append(technique)
    known_tactics = table["tactics"]
    return tuple(
        Tactic(known_tactics[short][0], known_tactics[short][1], _techniques(tagged, version))
        for short, tagged in placed.items()
        if short in known_tactics
    )


def _technique(name: str, version: Version) -> str | None:
    """Return the technique of a version that a tag's name stands for, or None.

    One that the version does not have is what it became, or was before; else the technique that it is a part of.
    """
    match = _TECHNIQUE.fullmatch(name)
    if match is None:
        return None
    known, identifier = _table(version)["techniques"], name.upper()
    if identifier in known:
        return identifier
    other = _moved(version).get(identifier)
    if other is None and match[2] is not None and knows_tag(name):
        return _technique(name.partition(".")[0], version)
    return other


def _tactics_of(short: str, techniques: Iterable[str], version: Version) -> tuple[str, ...]:
    """Return the tactics of a version that a tag's name stands for: none if it is not a tactic."""
    table = _table(version)
    if short in table["tactics"]:
        return (short,)
    if short in _SPLIT:
        return (_EVASION,)
    if short != _EVASION:
        return ()
    belonging = {tactic for technique in techniques for tactic in table["techniques"][technique][1]}
    return tuple(tactic for tactic in _SPLIT if tactic in belonging) if belonging else _SPLIT[:1]


def knows_tag(name: str) -> bool:
    """Return whether a version of ATT&CK has the `name` of a tag `attack.name`.

    Groups, software, mitigations and data sources always pass.
    """
    if re.fullmatch(r"[gs]\d{4}|m\d{4}|ds\d{4}", name):
        return True
    tables = [_table(version) for version in VERSIONS]
    return any(name in table["tactics"] or name.upper() in table["techniques"] for table in tables) or (
        name.upper() in _tactic_ids()
    )


def tactics() -> tuple[str, ...]:
    """Return the short names of all tactics, as tags write them; those of the newest version come first."""
    return tuple(dict.fromkeys(short for version in VERSIONS for short in _table(version)["tactics"]))


def editions() -> str:
    """Return the versions of the tables as words: `19 and 18.1`."""
    return " and ".join(_table(version)["version"] for version in VERSIONS)


@cache
def _tactic_ids() -> frozenset[str]:
    tables = [_table(version)["tactics"] for version in VERSIONS]
    return frozenset(identifier for table in tables for identifier, _ in table.values())


@cache
def _moved(version: Version) -> dict[str, str]:
    """Return what techniques of the other version are in this one."""
    forward: dict[str, str] = _table(NEWEST)["moved"]
    if version == NEWEST:
        return forward
    backward: dict[str, str] = {}
    old, new = _table(version)["techniques"], _table(NEWEST)["techniques"]
    for before, after in forward.items():
        # Several techniques became one: the one of the same name is meant, else the first.
        if after not in backward or old[before][0] == new[after][0]:
            backward[after] = before
    return backward


def _techniques(tagged: list[str], version: Version) -> tuple[Technique, ...]:
    table = _table(version)["techniques"]
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
def _table(version: Version) -> dict[str, Any]:
    file = files("converter.plan").joinpath(f"attack_{version}.json")
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return loaded
