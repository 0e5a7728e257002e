"""Build the mapping of an index for a replay: the type of each field, fixed before the first document is stored.

    facts of the log source ─┐
    names of ECS ────────────┼──by name──> properties of the mapping
    values of the events ────┘

A type comes from the facts, else from the Elastic Common Schema, else from all values in the events: booleans, whole
numbers, numbers, and keywords for anything else. Without a mapping, Elasticsearch would take the type of whichever
value comes first. Source of the limits on keywords: ecs@mappings of Elasticsearch; elastic/integrations,
packages/aws/data_stream/cloudtrail/fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from converter.products.elastic.documents import METADATA, leaves
from converter.products.elastic.field_types import ecs_type, has_text, observed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from converter.products.field_facts import Facts
    from converter.targets.core.target import Event

POSITION = "sigma_convert.position"
"""A field that we add: the position of an event in the log, which orders events with the same time."""

CLOCK = "sigma_convert.time"
"""A field that we add: the time by `timestamp_override`, else `@timestamp`. Kibana computes it in each search."""

_OURS: Mapping[str, str] = {POSITION: "long", CLOCK: "date"}

IGNORE_ABOVE = 1_024
_LONG_TEXTS = frozenset(
    f"aws.cloudtrail.{name}"
    for name in ("additional_eventdata", "request_parameters", "response_elements", "service_event_details")
)
_LONG_IGNORE_ABOVE = 8_191

_STORED_AS = {"text": "match_only_text", "scaled_float": "double"}
"""Types that are stored as another type: of facts, and of ECS if a mapping would need more than the type."""

SUBSTITUTES: Mapping[str, str] = {"wildcard": "keyword", "match_only_text": "text"}
"""Types that are modules of the server, and the types to use if it lacks them. Both store the same values."""


def mapping_for(
    events: Iterable[Event], facts: Facts | None, named: Iterable[str] = (), nested: Iterable[str] = ()
) -> dict[str, Any]:
    """Return the mapping of an index for these events.

    Args:
        events: the documents.
        facts: of their fields.
        named: fields that a query names; ES|QL and EQL refuse fields that no index has.
        nested: the paths of nested objects.

    `@timestamp` always has a type, as in every index of a data stream.
    """
    kinds = _kinds_of_values(events)
    prefixes = facts.prefixes if facts is not None else ()
    names = dict.fromkeys(["@timestamp", *kinds, *(facts.known if facts is not None else ()), *named])
    properties: dict[str, Any] = {}
    objects = _objects(kinds)
    for name in names:
        fact = facts.field(name) if facts is not None else None
        below = next((prefix for prefix in prefixes if name.startswith(prefix)), None)
        if fact is not None and fact.type == "flattened" and below is not None:
            properties[below.rstrip(".")] = {"type": "flattened", "ignore_above": _LONG_IGNORE_ABOVE}
        elif name not in METADATA and name not in objects and not _inside(name, kinds):
            kind = (
                _OURS.get(name)
                or (fact.type if fact is not None else None)
                or ecs_type(name)
                or kinds.get(name)
                or "keyword"
            )
            properties[name] = _property(name, kind)
    properties = {name: item for name, item in properties.items() if not _flattened_above(name, properties)}
    return {
        "date_detection": False,
        "dynamic_templates": [
            {"texts": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": IGNORE_ABOVE}}}
        ],
        "properties": _with_nested(properties, frozenset(nested)),
    }


def substituted(mapping: Mapping[str, Any], missing: frozenset[str]) -> dict[str, Any]:
    """Return a mapping with substitutes for the types that the server lacks."""
    out: dict[str, Any] = {}
    for key, value in mapping.items():
        if key == "type" and value in missing:
            out[key] = SUBSTITUTES[value]
        else:
            out[key] = substituted(value, missing) if isinstance(value, Mapping) else value
    return out


def _property(name: str, kind: str) -> dict[str, Any]:
    if kind != "keyword":
        definition: dict[str, Any] = {"type": _STORED_AS.get(kind, kind)}
    else:
        definition = {"type": kind, "ignore_above": _LONG_IGNORE_ABOVE if name in _LONG_TEXTS else IGNORE_ABOVE}
    if has_text(name) and kind in {"keyword", "wildcard"}:
        definition["fields"] = {"text": {"type": "match_only_text"}}
    return definition


def _kinds_of_values(events: Iterable[Event]) -> dict[str, str]:
    seen: dict[str, set[type]] = {}
    for event in events:
        for name, value in leaves(event):
            seen.setdefault(name, set()).add(type(value))
    return {name: observed(types) for name, types in seen.items()}


def _objects(names: Iterable[str]) -> frozenset[str]:
    """Return the names of all parents of the names; parents are objects, which have no type of their own."""
    parents: set[str] = set()
    for name in names:
        at = name.rfind(".")
        while at >= 0 and (above := name[:at]) not in parents:
            parents.add(above)
            at = above.rfind(".")
    return frozenset(parents)


def _inside(name: str, values: Mapping[str, str]) -> bool:
    """Return whether a field that no event has lies below a field with values, so that it cannot exist."""
    at = name.rfind(".")
    while name not in values and at >= 0:
        if name[:at] in values:
            return True
        at = name.rfind(".", 0, at)
    return False


def _with_nested(properties: dict[str, Any], nested: frozenset[str]) -> dict[str, Any]:
    """Return the properties as a tree of objects, some of which are nested."""
    if not nested:
        return properties
    root: dict[str, Any] = {}
    for name, definition in [*((path, {"type": "nested"}) for path in sorted(nested)), *properties.items()]:
        *above, last = name.split(".")
        at = root
        for part in above:
            at = at.setdefault(part, {}).setdefault("properties", {})
        at.setdefault(last, {}).update(definition)
    return root


def _flattened_above(name: str, properties: Mapping[str, Any]) -> bool:
    """Return whether a field lies in a flattened object, whose keys have no mapping."""
    at = name.rfind(".")
    while at >= 0:
        if properties.get(name[:at], {}).get("type") == "flattened":
            return True
        at = name.rfind(".", 0, at)
    return False
