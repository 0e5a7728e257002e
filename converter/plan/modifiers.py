"""Modifiers of the specification, applied to the values of a detection item by our own rules.

    names of modifiers, values of pySigma ──check the chain──> apply to each value ──> values of pySigma

pySigma applies modifiers when it parses a rule, and gets some wrong (1.5 encodes utf16 and base64offset outside ASCII
wrongly, and knows neither utf16le nor the long dashes of windash). So it parses values without modifiers, and what
they mean is computed here, as values that pipelines and backends of pySigma understand.

`all`, `neq`, `cased` and `expand` may stand anywhere in a chain: they do not change the text.

A value with a placeholder cannot be encoded before a pipeline has put something in its place. Its chain then waits,
and lowering applies it (`Chain.waiting`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sigma.modifiers import modifier_mapping, reverse_modifier_mapping
from sigma.types import Placeholder, SigmaRegularExpression, SigmaString

from converter.errors import RefusedError, RuleError
from converter.plan.modify_value import (
    AFFIXES,
    COMPARE,
    ENCODINGS,
    FLAGS,
    TAKES_TEXT,
    TIMES,
    Chain,
    Link,
    Value,
    string_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.errors import Place
    from converter.plan.modify_value import PlaceOf

_ANYWHERE = frozenset({"all", "neq", "cased", "expand"})
# A modifier that gives the value another type comes first; what may follow each.
_FOLLOW: dict[str, frozenset[str]] = {
    "re": frozenset({*FLAGS, "contains"}),
    "fieldref": AFFIXES,
    "cidr": frozenset(),
    "exists": frozenset(),
    **dict.fromkeys(COMPARE, frozenset()),
    **dict.fromkeys(TIMES, frozenset(COMPARE)),
    "": AFFIXES | ENCODINGS | {"windash"},
}

KNOWN_MODIFIERS: tuple[str, ...] = (*modifier_mapping, "utf16le")

# A placeholder has a name without percent signs; a backslash before its first percent sign makes that one plain.
_PLACEHOLDER = re.compile(r"\\%|%([^%\\]+)%")


def has_placeholder(value: Any) -> bool:
    """Return whether a value of pySigma holds a placeholder."""
    return isinstance(value, SigmaString | SigmaRegularExpression) and value.contains_placeholder()


def apply_chain(
    chain: Chain, values: Sequence[Any], *, keyword: bool, value_place: PlaceOf, expanded: bool = False
) -> list[Any]:
    """Return the values of a detection item after its modifiers.

    Args:
        chain: which modifiers; its `waiting` is set when a placeholder has to be replaced first.
        values: as pySigma reads them without modifiers.
        keyword: there is no field.
        value_place: the place of a value by its index.
        expanded: placeholders have been dealt with.

    Raises:
        RuleError: the chain is not legal, or does not fit a value.
        RefusedError: what it means is not settled.
    """
    links = [Link(name, index) for index, name in enumerate(chain.names) if name not in _ANYWHERE]
    head = links[0].name if links and links[0].name in _FOLLOW else ""
    _check_chain(chain, links, head, keyword=keyword)
    if head == "exists" and len(values) > 1:
        raise RuleError("exists takes one value, true or false", value_place(1), "it is true or false of an event")
    if "expand" in chain.names and not expanded:
        values = [_with_placeholders(value, head, value_place(index)) for index, value in enumerate(values)]
    needs_text = head in {"cidr", "fieldref"} or any(link.name in ENCODINGS | {"windash"} for link in links)
    chain.waiting = needs_text and any(map(has_placeholder, values))
    if chain.waiting:
        return list(values)
    return [Value(chain, links, head, value_place(index)).apply(value) for index, value in enumerate(values)]


def _check_chain(chain: Chain, links: Sequence[Link], head: str, *, keyword: bool) -> None:
    """Refuse a chain that the specification does not allow, or that could be read in two ways."""

    def illegal(index: int, message: str, hint: str) -> None:
        raise RuleError(message, chain.place_of(index), hint)

    for link in links[1:] if head else links:
        name, index = link.name, link.index
        if name in _FOLLOW[head]:
            continue
        if name in FLAGS:
            illegal(index, f"{name} is a flag of regular expressions", "it comes after re")
        if name in _FOLLOW and not (head in COMPARE and name in TIMES):
            hint = f"write {name} first" if not head else f"{head} and {name} cannot both say what the value is"
            illegal(index, f"{name} is only applicable to unmodified values", hint)
        if name in TIMES:
            illegal(index, f"{name} cannot follow {head}", f"write {name}|{head}")
        if head == "re" and name in AFFIXES:
            hint = f"write {'^ at its start' if name == 'startswith' else '$ at its end'}"
            raise RefusedError(f"{name} of a regular expression could be read in two ways", f"re {name}",
                               chain.place_of(index), hint)  # fmt: skip
        illegal(index, f"{name} cannot follow {head}", _follows(head))
    if head in TIMES and len(links) > 2:  # noqa: PLR2004
        illegal(links[2].index, f"{links[2].name} cannot follow {links[1].name}", "write an item for each comparison")
    for index, name in enumerate(chain.names):
        if name == "cased" and head not in {"", "fieldref"}:
            hint = "a regular expression compares case unless it has i" if head == "re" else "leave it out"
            illegal(index, f"cased cannot be combined with {head}", hint)
        if name == "expand" and (head == "exists" or head in COMPARE or head in TIMES):
            illegal(index, f"expand cannot be combined with {head}", "placeholders stand in text")
        if keyword and (name in {"cidr", "exists", "fieldref"} or name in COMPARE or name in TIMES):
            illegal(index, f"a search without a field cannot be a {_KINDS.get(name, name)}", "give it a field")
        if keyword and name in {"startswith", "endswith"}:
            # A keyword is searched in every value and in the raw text: which of them should begin with it?
            raise RefusedError(f"{name} has no meaning without a field", f"keyword {name}", chain.place_of(index),
                               "give it a field, or leave it out")  # fmt: skip


_KINDS = {"cidr": "CIDR network", "exists": "check of presence", "fieldref": "reference to a field"} | dict.fromkeys(
    COMPARE, "Comparison"
)


def _follows(head: str) -> str:
    allowed = sorted(_FOLLOW[head])
    return f"after {head} there may be {', '.join(allowed)}" if allowed else f"{head} stands alone"


def _with_placeholders(value: Any, head: str, place: Place | None) -> Any:
    r"""Return the value with placeholders where `%name%` was written; `\%` is a plain percent sign."""
    if not isinstance(value, SigmaString):
        raise RuleError(f"the modifier expand does not take the value {value}", place, TAKES_TEXT)
    parts: list[Any] = []
    for part in SigmaString(value.original, escape=False).s if head == "re" else value.s:
        if not isinstance(part, str):
            parts.append(part)
            continue
        text = ""
        used = 0
        for found in _PLACEHOLDER.finditer(part):
            text += part[used : found.start()]
            used = found.end()
            if found[1] is None:
                text += "%"
                continue
            parts.extend([text] if text else [])
            parts.append(Placeholder(found[1]))
            text = ""
        text += part[used:]
        parts.extend([text] if text else [])
    return string_of(parts)


def refuse_modifiers(item: Any, place: Place | None) -> None:
    """Refuse modifiers that pySigma itself applied, in a detection item that a pipeline made, and applied wrongly.

    Args:
        item: a detection item of pySigma whose modifiers are no `Chain`.
        place: where the item is.

    Raises:
        RefusedError: naming the construct.
    """
    names = [reverse_modifier_mapping.get(modifier.__name__, modifier.__name__) for modifier in item.modifiers]
    for name in names:
        if name in ENCODINGS or name == "windash":
            raise RefusedError(f"a pipeline adds an item with {name}, which pySigma applies its own way", name, place)
        if name in {"startswith", "endswith"} and item.field is None:
            raise RefusedError(f"{name} has no meaning without a field", f"keyword {name}", place, "give it a field")
