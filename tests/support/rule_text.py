"""Rules as YAML that every version of YAML reads alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Dumper(yaml.SafeDumper):
    """Quotes every string: PyYAML leaves `1e3` bare, which YAML 1.2 reads as a number."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_Dumper.add_representer(str, _quoted)


def rule_text(*documents: Mapping[str, Any]) -> str:
    """Return the documents as YAML, with each string in double quotes and in ASCII."""
    text: str = yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=1_000_000)
    return text
