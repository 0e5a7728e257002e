"""Statistics as accumulators: values go in, may leave again in the same order, and the result can be asked at any time.

    STATISTICS ──make──> accumulator: push(values, time) / drop(values, time) ──> result()

A window that slides drops what it pushed, oldest first; so every accumulator works in constant or logarithmic time a
row, whatever the size of the window. `stats` and `eventstats` only push.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.values import number_of, text_of, tidy
from converter.targets.splunk.engine.statistics.numbers import (
    Moments,
    Ordered,
    Rate,
    as_number,
    median,
    percentile,
    spread,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# From this many distinct values on, `estdc` estimates.
_EXACT = 1000


class Accumulator(Protocol):
    """A running statistic of the values of one field in one group."""

    def push(self, values: Sequence[Any], time: float) -> None:
        """Take in the values of one row; `time` is its `_time`."""
        ...

    def drop(self, values: Sequence[Any], time: float) -> None:
        """Forget the values of the oldest row that was pushed and not dropped."""
        ...

    def result(self) -> Any:
        """Return the statistic, or None if there is nothing to compute it from."""
        ...


class _Count:
    def __init__(self) -> None:
        self.count = 0

    def push(self, values: Sequence[Any], _time: float) -> None:
        self.count += len(values)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        self.count -= len(values)

    def result(self) -> Any:
        return self.count


class _Distinct:
    """Distinct values by their text, each with how often it is there."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def push(self, values: Sequence[Any], _time: float) -> None:
        self.counts.update(map(text_of, values))

    def drop(self, values: Sequence[Any], _time: float) -> None:
        for value in values:
            text = text_of(value)
            self.counts[text] -= 1
            if not self.counts[text]:
                del self.counts[text]


class _DistinctCount(_Distinct):
    def result(self) -> Any:
        return len(self.counts)


class _Estimate(_DistinctCount):
    """`estdc`: Splunk counts exactly as long as the values are few."""

    def result(self) -> Any:
        if len(self.counts) >= _EXACT:
            current().note(f"estdc() estimates from {_EXACT} distinct values on; here they were counted")
        return len(self.counts)


class _Values(_Distinct):
    """Distinct texts in order."""

    def result(self) -> Any:
        return sorted(self.counts) or None


class _Mode(_Distinct):
    """The most frequent value; of several, the one that was seen first."""

    def result(self) -> Any:
        if not self.counts:
            return None
        most = max(self.counts.values())
        return next(text for text, count in self.counts.items() if count == most)


class _Sequence:
    """Values in the order of the rows."""

    def __init__(self) -> None:
        self.values: deque[Any] = deque()

    def push(self, values: Sequence[Any], _time: float) -> None:
        self.values.extend(values)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        for _ in values:
            self.values.popleft()


class _List(_Sequence):
    """The texts of the values, the first hundred of them."""

    def result(self) -> Any:
        limit = current().limits.list
        if limit is not None and len(self.values) > limit:
            current().note(f"list() keeps the first {limit} values of a field; there were more")
        return [text_of(value) for value in islice(self.values, limit)] or None


class _First(_Sequence):
    def result(self) -> Any:
        return self.values[0] if self.values else None


class _Last(_Sequence):
    def result(self) -> Any:
        return self.values[-1] if self.values else None


class _Edge:
    """The extreme of a sliding sequence of keys, with what belongs to it.

    Only candidates are kept: a key that a later key beats can never be the answer again. Of equal keys the answer is
    the first that came, or the last with `latest`.
    """

    def __init__(self, *, largest: bool, latest: bool = False) -> None:
        self._sign = 1 if largest else -1
        self._latest = latest
        self._pushed = 0
        self._dropped = 0
        self._candidates: deque[tuple[int, Any, Any]] = deque()

    def push(self, key: Any, value: Any) -> None:
        candidates = self._candidates
        while candidates and self._beats(key, candidates[-1][1]):
            candidates.pop()
        candidates.append((self._pushed, key, value))
        self._pushed += 1

    def _beats(self, new: Any, old: Any) -> bool:
        if new == old:
            return self._latest
        return bool(new > old) if self._sign > 0 else bool(new < old)

    def drop(self) -> None:
        if self._candidates and self._candidates[0][0] == self._dropped:
            self._candidates.popleft()
        self._dropped += 1

    def best(self) -> Any:
        return self._candidates[0][2] if self._candidates else None


class _Extreme:
    """`min` or `max`: numbers win over strings; strings are compared only if there is no number."""

    def __init__(self, *, largest: bool) -> None:
        self._numbers = _Edge(largest=largest)
        self._texts = _Edge(largest=largest)

    def push(self, values: Sequence[Any], _time: float) -> None:
        for value in values:
            if (number := number_of(value)) is not None:
                self._numbers.push(number, number)
            else:
                self._texts.push(value, value)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        for value in values:
            (self._numbers if number_of(value) is not None else self._texts).drop()

    def result(self) -> Any:
        best = self._numbers.best()
        return self._texts.best() if best is None else best


class _Range:
    """The difference between the largest and the smallest number."""

    def __init__(self) -> None:
        self._largest = _Edge(largest=True)
        self._smallest = _Edge(largest=False)

    def push(self, values: Sequence[Any], _time: float) -> None:
        for number in map(number_of, values):
            if number is not None:
                self._largest.push(number, number)
                self._smallest.push(number, number)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        for value in values:
            if number_of(value) is not None:
                self._largest.drop()
                self._smallest.drop()

    def result(self) -> Any:
        largest, smallest = self._largest.best(), self._smallest.best()
        return None if largest is None else tidy(largest - smallest)


class _Chronological:
    """`earliest`, `latest`: the value of the row with the smallest or largest time; or that time itself."""

    def __init__(self, *, latest: bool, time_itself: bool = False) -> None:
        self._edge = _Edge(largest=latest, latest=latest)
        self._last = latest
        self._time_itself = time_itself

    def push(self, values: Sequence[Any], time: float) -> None:
        if values:
            self._edge.push(time, time if self._time_itself else values[-1 if self._last else 0])

    def drop(self, values: Sequence[Any], _time: float) -> None:
        if values:
            self._edge.drop()

    def result(self) -> Any:
        return self._edge.best()


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic.

    Attributes:
        name: as the Search Reference writes it.
        make: returns an accumulator of no values.
        aliases: other names.
        timed: it needs the time of each row.
        single: it takes one value of a field from each row: which one of a multivalue field, no source says.
        merges: it has the same value however the columns of a chart are put together; of the others no source says how
            Splunk does it.
        absent: the commands of statistics that do not have it.
    """

    name: str
    make: Callable[[], Accumulator]
    aliases: tuple[str, ...] = ()
    timed: bool = False
    single: bool = False
    merges: bool = False
    absent: frozenset[str] = frozenset()


STATISTICS = (
    Statistic("count", _Count, aliases=("c",), merges=True),
    Statistic("dc", _DistinctCount, aliases=("distinct_count",)),
    Statistic("estdc", _Estimate),
    Statistic("sum", lambda: Moments(lambda _count, total, _squares: as_number(total)), merges=True),
    Statistic("sumsq", lambda: Moments(lambda _count, _total, squares: as_number(squares)), merges=True),
    Statistic("avg", lambda: Moments(lambda count, total, _squares: as_number(total / count)), aliases=("mean",)),
    Statistic("min", lambda: _Extreme(largest=False), merges=True),
    Statistic("max", lambda: _Extreme(largest=True), merges=True),
    Statistic("range", _Range, merges=True),
    Statistic("values", _Values, merges=True),
    Statistic("list", _List, absent=frozenset({"tstats"})),
    Statistic("first", _First, single=True),
    Statistic("last", _Last, single=True),
    Statistic("earliest", lambda: _Chronological(latest=False), timed=True, single=True),
    Statistic("latest", lambda: _Chronological(latest=True), timed=True, single=True),
    Statistic("earliest_time", lambda: _Chronological(latest=False, time_itself=True), timed=True),
    Statistic("latest_time", lambda: _Chronological(latest=True, time_itself=True), timed=True),
    Statistic("median", lambda: Ordered(median)),
    Statistic("mode", _Mode),
    Statistic("stdev", lambda: Moments(spread(sample=True, root=True))),
    Statistic("stdevp", lambda: Moments(spread(sample=False, root=True))),
    Statistic("var", lambda: Moments(spread(sample=True, root=False))),
    Statistic("varp", lambda: Moments(spread(sample=False, root=False))),
    Statistic("rate", Rate, timed=True, absent=frozenset({"eventstats", "streamstats", "chart", "timechart"})),
)


def percentile_statistic(percent: float, *, exact: bool) -> Statistic:
    """Return the statistic of a percentile; `exact` is the one of `exactperc`."""
    compute = percentile(percent)
    return Statistic("exactperc" if exact else "percentile", lambda: Ordered(compute, exact=exact))
