"""Apply the modifiers of a detection item to its values, by our own rules.

    names of modifiers, pySigma's values ──check the chain──> apply to each value ──> pySigma's values

pySigma applies modifiers when it parses a rule, and gets some wrong (1.5 encodes utf16 and base64offset outside ASCII
wrongly, and knows neither utf16le nor the long dashes of windash). So pySigma parses values without modifiers, and the
modifiers are applied here; the results are values that pySigma's pipelines and backends understand.

`all`, `neq`, `cased` and `expand` may stand anywhere in a chain: they do not change the string.

A value with a placeholder cannot be encoded before a pipeline has expanded it. Its chain then waits, and lowering
applies it (`Chain.waiting`).
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
# A modifier that changes the type of the value comes first; these may follow each.
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

# The name of a placeholder holds no percent sign; a backslash before the first percent sign makes that one literal.
_PLACEHOLDER = re.compile(r"\\%|%([^%\\]+)%")


def has_placeholder(value: Any) -> bool:
    """Return whether one of pySigma's values holds a placeholder."""
    return isinstance(value, SigmaString | SigmaRegularExpression) and value.contains_placeholder()


def apply_chain(
    chain: Chain, values: Sequence[Any], *, keyword: bool, value_place: PlaceOf, expanded: bool = False
) -> list[Any]:
    """Return the values of a detection item with its modifiers applied.

    Args:
        chain: the modifiers; `chain.waiting` is set if a placeholder must be expanded first.
        values: as pySigma reads them without modifiers.
        keyword: whether the item has no field.
        value_place: returns the place of a value by its index.
        expanded: whether placeholders have been expanded.

    Raises:
        RuleError: the chain is not valid, or does not fit a value.
        RefusedError: the meaning of the chain is ambiguous.
    """
    links = [Link(name, index) for index, name in enumerate(chain.names) if name not in _ANYWHERE]
    head = links[0].name if links and links[0].name in _FOLLOW else ""
    _check_chain(chain, links, head, keyword=keyword)
    if head == "exists" and len(values) > 1:
        raise RuleError("exists takes one value, true or false", value_place(1), "an event has the field or does not")
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
            hint = f"write {name} first" if not head else f"{head} and {name} both set the type of the value; use one"
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
    r"""Return the value with each `%name%` turned into a placeholder; `\%` is a literal percent sign."""
    if not isinstance(value, SigmaString):
        raise RuleError(f"the modifier expand does not take the value {value}", place, TAKES_TEXT)
    parts: list[Any] = []
    for part in SigmaString(value.original, escape=False).s if head == "re" else value.s:
        if not isinstance(part, str):
            parts.append(part)
            continue
        literal = ""
        used = 0
        for match in _PLACEHOLDER.finditer(part):
            literal += part[used : match.start()]
            used = match.end()
            if match[1] is None:
                literal += "%"
                continue
            parts.extend([literal] if literal else [])
            parts.append(Placeholder(match[1]))
            literal = ""
        literal += part[used:]
        parts.extend([literal] if literal else [])
    return string_of(parts)


def refuse_modifiers(item: Any, place: Place | None) -> None:
    """Refuse modifiers that pySigma applies wrongly, in a detection item that a pipeline added.

    Args:
        item: one of pySigma's detection items whose modifiers are not a `Chain`.
        place: of the item.

    Raises:
        RefusedError: names the construct.
    """
    names = [reverse_modifier_mapping.get(modifier.__name__, modifier.__name__) for modifier in item.modifiers]
    for name in names:
        if name in ENCODINGS or name == "windash":
            raise RefusedError(
                f"a pipeline adds an item with {name}, which pySigma applies in its own way", name, place
            )
        if name in {"startswith", "endswith"} and item.field is None:
            raise RefusedError(f"{name} has no meaning without a field", f"keyword {name}", place, "give it a field")
