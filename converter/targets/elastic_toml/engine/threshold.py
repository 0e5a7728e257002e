"""The threshold rule: count the documents of each combination of field values, window by window.

    matching documents ──members──> Member(time, keys, ...) ──alerts_of_run + History──> alerts

The count is a composite aggregation of terms: a document without one of the fields is in no bucket, one with several
values in a field is in a bucket for each. What has alerted is left out of later runs by a filter per key: documents up
to the alert's last time that hold all its values, and so also from the buckets of their other values.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.targets.elastic_toml.engine.documents import Document, Scalar, iso, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from converter.targets.elastic_toml.engine.rule import Threshold

Bucket: TypeAlias = tuple[str, ...]
_V4 = 4


@dataclass(frozen=True, slots=True)
class Member:
    """A matching document: its time, its buckets with the values they are made of, and what it is counted by."""

    time: int
    name: Any
    buckets: tuple[tuple[Bucket, tuple[Scalar, ...]], ...]
    counted: frozenset[str]


@dataclass(slots=True)
class History:
    """What has alerted: the last time of the alert by bucket."""

    last: dict[Bucket, int] = field(default_factory=dict)

    def forget(self, before: int) -> None:
        """Drop the alerts whose last time is not after the begin of the window."""
        self.last = {bucket: time for bucket, time in self.last.items() if time > before}

    def hides(self, member: Member) -> bool:
        """Return whether an alert has used up the document."""
        last = self.last
        return any(member.time <= last.get(bucket, -1) for bucket, _ in member.buckets) if last else False


@dataclass(slots=True)
class _Count:
    group: tuple[Scalar, ...]
    first: int
    last: int
    names: list[Any] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)


def members(threshold: Threshold, documents: Iterable[tuple[int, Any, Document]]) -> list[Member]:
    """Return the documents that can matter: those in a bucket that holds enough documents in the whole log.

    Args:
        threshold: what is counted.
        documents: (time, name, document) of each matching document, in order of time.
    """
    found = [
        Member(
            time,
            name,
            _buckets(threshold, document),
            frozenset(map(_text, values_of(document, threshold.cardinality.field)))
            if threshold.cardinality
            else frozenset(),
        )
        for time, name, document in documents
    ]
    sizes = Counter(bucket for member in found for bucket, _ in member.buckets)
    # Buckets that can never alert are left out; they have no part in the history either.
    kept = [(member, tuple(pair for pair in member.buckets if sizes[pair[0]] >= threshold.value)) for member in found]
    return [Member(member.time, member.name, buckets, member.counted) for member, buckets in kept if buckets]


def alerts_of_run(
    threshold: Threshold, seen: Sequence[Member], history: History, run: int, most: int
) -> list[dict[str, Any]]:
    """Return the alerts of one run, in the order of their keys, and note them in `history`.

    Args:
        threshold: what is counted, and how much is enough.
        seen: the members in the window of the run.
        history: what earlier runs alerted on.
        run: the time of the run.
        most: how many alerts a run creates at most.
    """
    if len(seen) < threshold.value:
        return []
    counts: dict[Bucket, _Count] = {}
    for member in seen:
        if history.hides(member):
            continue
        for bucket, group in member.buckets:
            count = counts.get(bucket)
            if count is None:
                count = counts[bucket] = _Count(group, member.time, member.time)
            count.last = member.time
            count.names.append(member.name)
            count.counted |= member.counted
    least = 0 if threshold.cardinality is None else threshold.cardinality.value
    enough = [
        bucket
        for bucket, count in counts.items()
        if len(count.names) >= threshold.value and len(count.counted) >= least
    ]
    alerts: list[dict[str, Any]] = []
    for bucket in _in_order(threshold, enough, counts)[:most]:
        count = counts[bucket]
        history.last[bucket] = count.last
        alerts.append(
            {
                "group": dict(zip(threshold.fields, count.group, strict=True)),
                "first": iso(count.first),
                "last": iso(count.last),
                "count": len(count.names),
                "run": iso(run),
                "_ids": count.names,
            }
        )
    return alerts


def _buckets(threshold: Threshold, document: Document) -> tuple[tuple[Bucket, tuple[Scalar, ...]], ...]:
    """Return every combination of one value of each field, once, as texts and as they stand in the document."""
    axes: list[dict[str, Scalar]] = []
    for name in threshold.fields:
        axis: dict[str, Scalar] = {}
        for value in values_of(document, name):
            axis.setdefault(_address(value) if _is_address(name) else _text(value), value)
        axes.append(axis)
    return tuple((tuple(key for key, _ in combination), tuple(value for _, value in combination))
                 for combination in product(*(axis.items() for axis in axes)))  # fmt: skip


def _text(value: Scalar) -> str:
    """Return a value as its field holds it: one field has one type, so 5, 5.0 and "5" are the same there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _address(value: Scalar) -> str:
    address = _parsed_address(value)
    return _text(value) if address is None else str(address)


def _parsed_address(value: Scalar) -> IPv4Address | IPv6Address | None:
    """Return an address; that of version 6 which an address of version 4 is mapped to is that one."""
    try:
        address = ip_address(str(value))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _in_order(threshold: Threshold, buckets: list[Bucket], counts: Mapping[Bucket, _Count]) -> list[Bucket]:
    """Return buckets in the order of their keys: as numbers, as addresses, or as texts by code point."""
    orders: list[Callable[[str], Any]] = []
    for at, name in enumerate(threshold.fields):
        if _is_address(name):
            orders.append(_address_order)
        elif any(_is_number(counts[bucket].group[at]) for bucket in buckets):
            orders.append(_number_order)
        else:
            orders.append(str)
    return sorted(buckets, key=lambda bucket: [order(part) for order, part in zip(orders, bucket, strict=True)])


def _is_address(name: str) -> bool:
    return name == "ip" or name.endswith(".ip")


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _address_order(part: str) -> tuple[int, bytes, str]:
    """Return what orders addresses as the product keeps them: 16 bytes, those of version 4 mapped."""
    address = _parsed_address(part)
    if address is None:
        return 1, b"", part
    return 0, address.packed if address.version != _V4 else b"\0" * 10 + b"\xff\xff" + address.packed, ""


def _number_order(part: str) -> tuple[int, Decimal, str]:
    try:
        return 0, Decimal(part), ""
    except InvalidOperation:
        return 1, Decimal(0), part
