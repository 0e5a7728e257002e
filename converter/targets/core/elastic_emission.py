"""Look up the types of fields for Elastic's emitters, and note the assumptions about them.

name ──facts of the log source, else the Elastic Common Schema──> type
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from converter.products.elastic.field_types import WORDS, ecs_type
from converter.products.elastic.floats import is_narrow, stored
from converter.targets.core.emission import Emission, refused
from converter.verdicts.event_assumptions import mapped_as, no_mapped_address, rounded_alone, shortest_addresses

if TYPE_CHECKING:
    from collections.abc import Container

    from converter.plan import nodes as ir
    from converter.verdicts.event_assumptions import MappedType

# Types of ECS that count without facts, by the names that facts use; other types count only from facts.
_BY_NAME = {
    "date": "date",
    "ip": "ip",
    "boolean": "boolean",
    "wildcard": "wildcard",
    "long": "long",
    "integer": "long",
    **dict.fromkeys(("double", "float", "half_float", "scaled_float"), "double"),
    **dict.fromkeys(WORDS, "text"),
}
_ASSUMED: dict[str, MappedType] = {
    "ip": "an ip",
    "boolean": "a boolean",
    "long": "a number",
    "double": "a number",
}


@dataclass(slots=True)
class ElasticEmission(Emission):
    """The emission of one query for Elastic."""

    def type_of(self, name: str) -> str | None:
        """Return the type to which Elastic maps a field, from the facts, else from the Elastic Common Schema."""
        fact = self.context.facts.field(name)
        if fact is not None:
            return fact.type
        kind = _BY_NAME.get(ecs_type(name) or "")
        if kind in _ASSUMED:
            self.assumptions.append(mapped_as(name, _ASSUMED[kind]))
        return kind

    def held(self, name: str, number: float) -> float:
        """Return a number as a field holds it whose type in ECS has fewer digits than a double, else as it is."""
        kind = ecs_type(name) or ""
        nearest = stored(number, kind) if is_narrow(kind) and self.context.facts.field(name) is None else None
        if nearest is None:
            return number
        self.assumptions.append(rounded_alone(name, number, lambda value: stored(value, kind)))
        return nearest if nearest != number else number

    def address_field(self, name: str) -> str:
        """Return the field that has the addresses of a field: of type ip, if the facts know of one."""
        fact = self.context.facts.field(name)
        return fact.ip if fact is not None and fact.ip else name

    def typed(self, name: str, kinds: Container[str], what: MappedType) -> bool:
        """Return whether a field has one of the types; a field of unknown type is assumed to.

        A wildcard by its name alone is assumed to be one, too: of text only, the languages make the same of a keyword.
        """
        kind = self.type_of(name)
        if kind is None:
            self.assumptions.append(mapped_as(name, what))
        elif kind == "wildcard" and self.context.facts.field(name) is None:
            self.assumptions.append(mapped_as(name, "wildcard"))
        return kind is None or kind in kinds

    def group(self, name: str) -> None:
        """Note what makes the groups of a field those of its texts: it has text, or addresses of one form each."""
        if self.type_of(name) == "ip":
            self.assumptions.append(shortest_addresses(name))
        else:
            self.typed(name, (), "keyword")

    def address(self, leaf: ir.StringMatch) -> str | None:
        """Return the address that a string is compared with, for a field of type ip; None for any other field.

        Raises:
            RefusedError: the string is not an address, or none that the product shows: no event has that text.
        """
        if self.type_of(leaf.field) != "ip" or leaf.pattern.literal is None:
            return None
        literal = leaf.pattern.literal
        try:
            shown = str(ip_address(literal))
        except ValueError:
            shown = ""
        if literal.lower() != shown:
            hint = f"write {shown}" if shown else "map a field of text"
            raise refused(f"{leaf.field} holds addresses, not {literal!r}", "string on ip", leaf.place, hint)
        if ":" in shown:
            self.assumptions.append(shortest_addresses(leaf.field))
        else:
            self.assume(no_mapped_address(leaf.field, ip_network(shown)))
        return shown
