"""The threshold rule: count the documents of each combination of field values, window by window.

    matching documents ──members──> Member(time, keys, ...) ──alerts_of_run + History──> alerts

The count is a composite aggregation of terms: a document without one of the fields is in no bucket, one with several
values in a field is in a bucket for each. What has alerted is left out of later runs by a filter per key: documents up
to the alert's last time that hold all its values, and so also from the buckets of their other values.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.products.elastic.dates import iso
from converter.products.elastic.documents import Document, Scalar, getter
from converter.products.elastic.field_types import ecs_type, observed
from converter.products.elastic.values import holder
from converter.readers.query_budget import combinations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from converter.targets.elastic_toml.engine.rule import Threshold

Bucket: TypeAlias = tuple[Any, ...]
"""What an index holds in each of the fields: numbers, texts, addresses as bytes."""


@dataclass(frozen=True, slots=True)
class Member:
    """A matching document: its time, its buckets with the values they are made of, and what it is counted by."""

    time: int
    name: Any
    buckets: tuple[tuple[Bucket, tuple[Scalar, ...]], ...]
    counted: frozenset[Any]


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
    counted: set[Any] = field(default_factory=set)


def members(threshold: Threshold, documents: Iterable[tuple[int, Any, Document]]) -> list[Member]:
    """Return the documents that can matter: those in a bucket that holds enough documents in the whole log.

    Args:
        threshold: what is counted.
        documents: (time, name, document) of each matching document, in order of time.
    """
    matching = list(documents)
    counted = threshold.cardinality.field if threshold.cardinality else ""
    read = {
        name: _reader(name, [document for _, _, document in matching]) for name in (*threshold.fields, counted) if name
    }
    members = [
        Member(
            time,
            name,
            _buckets([read[field] for field in threshold.fields], document),
            frozenset(read[counted](document)) if counted else frozenset(),
        )
        for time, name, document in matching
    ]
    sizes = Counter(bucket for member in members for bucket, _ in member.buckets)
    # Buckets that can never alert are left out; they have no part in the history either.
    alerting = [
        (member, tuple(pair for pair in member.buckets if sizes[pair[0]] >= threshold.value)) for member in members
    ]
    return [Member(member.time, member.name, buckets, member.counted) for member, buckets in alerting if buckets]


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
    for bucket in sorted(enough)[:most]:
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


def _reader(name: str, documents: Sequence[Document]) -> Callable[[Document], dict[Any, Scalar]]:
    """Return the function that gives what an index holds of a field, each value once, with the scalar that it was.

    The type of a field is that of the Elastic Common Schema, else that of all its values.
    """
    values_of = getter(name)
    hold = holder(ecs_type(name) or observed({type(value) for document in documents for value in values_of(document)}))

    def read(document: Document) -> dict[Any, Scalar]:
        held: dict[Any, Scalar] = {}
        for value in values_of(document):
            key = hold(value)
            if key is not None:
                held.setdefault(key, value)
        return held

    return read


def _buckets(
    readers: Sequence[Callable[[Document], dict[Any, Scalar]]], document: Document
) -> tuple[tuple[Bucket, tuple[Scalar, ...]], ...]:
    """Return every combination of one value of each field, once, as an index holds them and as they stand there."""
    axes = [tuple(read(document).items()) for read in readers]
    return tuple(
        (tuple(key for key, _ in combination), tuple(value for _, value in combination))
        for combination in combinations(axes)
    )
