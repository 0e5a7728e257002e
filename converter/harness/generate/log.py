"""Generate a log for a rule: events that match it, that miss it by one condition, or that its filters exclude.

    plan ──other branches each time──> wishes (leaf, true or false) ──field by field──> values ──> event
                                                                                               └──changed──> event

Events are raw, with a time and Sigma's field names. The same seed gives the same log. The reference decides which
events match: most events turn out as intended, but none has to.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from converter.harness.generate.correlation import START, bursts_for
from converter.harness.generate.regex import sample_regex
from converter.harness.generate.values import MISSING, expanded, filler, nearly, value_for
from converter.plan import nodes as ir
from converter.reference.match import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    Event = dict[str, Any]
    Wish = tuple[ir.Leaf, bool]

_FEWEST, _MOST = 24, 160
_TRIES = 8
_WORDS = ("alpha", "Beta", "x1", "a\\b", "ä", "", "5")


def events_for(plan: ir.Plan, seed: int = 0, count: int | None = None) -> list[Event]:
    """Return raw events that exercise each part of a rule.

    Args:
        plan: a rule as it is written, with Sigma's field names and without placeholders.
        seed: the same seed gives the same events.
        count: the number of events; None: a number that grows with the rule.
    """
    makers = {rule.expr: _Maker(rule.expr, Random(f"{seed} {at}")) for at, rule in enumerate(ir.detections_of(plan))}  # noqa: S311  a test needs no secret
    if isinstance(plan, ir.Correlation):
        return bursts_for(plan, seed, count, lambda expr: makers[expr].solved(outcome=True))
    maker = makers[plan.expr]
    events = maker.events(maker.enough if count is None else count)
    return [
        {"@timestamp": (START + timedelta(seconds=number)).isoformat(), **event} for number, event in enumerate(events)
    ]


class _Maker:
    """Makes events for one expression; alternatives take turns, so that each is used in the end."""

    def __init__(self, expr: ir.Expr, chance: Random) -> None:
        self._expr = expr
        self._chance = chance
        self._turns: dict[int, int] = {}
        self._loose = False
        self._leaves = list(ir.leaves_of(expr))

    @property
    def enough(self) -> int:
        """The number of events that gives each leaf a chance, within limits."""
        return min(_MOST, max(_FEWEST, 2 * len(self._leaves)))

    def events(self, count: int) -> list[Event]:
        events: list[Event] = []
        for number in range(count):
            match number % 8:
                case 0 | 3 | 6:
                    events.append(self.solved(outcome=True))
                case 1 | 4:
                    events.append(self.solved(outcome=False))
                case 7:
                    events.append(self.mixed())
                case _:
                    events.append(self.changed(events[self._chance.randrange(len(events))]))
        return events

    def solved(self, *, outcome: bool) -> Event:
        """Return an event for which the expression is true, or false by a single leaf; else the last try."""
        event: Event = {}
        for attempt in range(_TRIES):
            wishes: list[Wish] = []
            self._loose = attempt >= _TRIES // 2
            self._wish(self._expr, outcome, wishes)
            event = self._event(wishes)
            if matches(self._expr, event) == outcome:
                break
        return event

    def mixed(self) -> Event:
        """Return an event that meets a few random leaves."""
        few = self._chance.sample(self._leaves, min(len(self._leaves), self._chance.randint(1, 3)))
        return self._event([(leaf, self._chance.random() < 0.7) for leaf in few])  # noqa: PLR2004

    def changed(self, event: Event) -> Event:
        """Return the event with one value changed a little, or moved to another field."""
        if not event:
            return self.mixed()
        names = list(event)
        name = self._chance.choice(names)
        changed = dict(event)
        if self._chance.random() < 0.1:  # noqa: PLR2004
            changed[name] = event[self._chance.choice(names)]
            return changed
        value = nearly(event[name], self._chance)
        if value is MISSING:
            del changed[name]
        elif name != "_raw" or isinstance(value, str):  # the raw text is always a string
            changed[name] = value
        return changed

    def _wish(self, expr: ir.Expr, outcome: bool, wishes: list[Wish]) -> None:  # noqa: FBT001  the outcome, which Not flips
        match expr:
            case ir.And(items) | ir.Or(items):
                if isinstance(expr, ir.And) == outcome:  # all of them
                    for item in items:
                        self._wish(item, outcome, wishes)
                    return
                if not items:
                    return
                start = self._chance.randrange(len(items))
                turn = (start if self._loose else self._turns.get(id(expr), start)) % len(items)
                self._turns[id(expr)] = turn + 1
                if isinstance(expr, ir.And):  # false by one item alone; or by any, where items contradict each other
                    for at, item in enumerate(items):
                        if at == turn or not self._loose:
                            self._wish(item, at != turn, wishes)
                else:
                    self._wish(items[turn], True, wishes)  # noqa: FBT003
            case ir.Not(item):
                self._wish(item, not outcome, wishes)
            case _:
                wishes.append((expr, outcome))

    def _event(self, wishes: Sequence[Wish]) -> Event:
        chance = self._chance
        asked: dict[str, tuple[list[ir.FieldNode], list[ir.FieldNode]]] = {}
        keywords: list[ir.Keyword | ir.KeywordRegex] = []
        pairs: list[tuple[ir.FieldRef, bool]] = []
        for leaf, outcome in wishes:
            match leaf:
                case ir.Keyword() | ir.KeywordRegex():
                    if outcome:
                        keywords.append(leaf)
                case ir.FieldRef():
                    pairs.append((leaf, outcome))
                case ir.Unexpanded():
                    raise leaf.error
                case _:
                    asked.setdefault(leaf.field, ([], []))[0 if outcome else 1].append(leaf)
        event: Event = {}
        for field, (yes, no) in asked.items():
            value, _ = value_for(yes, no, field, chance)
            if value is not MISSING:
                event[field] = value
        for pair, outcome in pairs:
            self._relate(event, pair, outcome=outcome)
        self._say(event, keywords)
        return _nested(event) if chance.random() < 0.3 else event  # noqa: PLR2004

    def _relate(self, event: Event, pair: ir.FieldRef, *, outcome: bool) -> None:
        """Give two fields strings that stand in a relation, or nearly do."""
        chance = self._chance
        other = event.setdefault(pair.other, chance.choice(_WORDS))
        string = str(other)
        swapped = string.swapcase()
        if not pair.cased and len(swapped) == len(string):
            string = chance.choice((string, swapped))
        before, after = filler(chance), filler(chance)
        if pair.relation in {"equals", "startswith"}:
            before = ""
        if pair.relation in {"equals", "endswith"}:
            after = ""
        value: Any = before + string + after if outcome else nearly(string, chance)
        if value is MISSING:
            event.pop(pair.field, None)
        elif outcome or pair.field not in event:
            event[pair.field] = value

    def _say(self, event: Event, keywords: Sequence[ir.Keyword | ir.KeywordRegex]) -> None:
        """Put keywords into values: all into one, each into its own, or into the raw text with the other values."""
        chance = self._chance
        words = [
            expanded(leaf.pattern, chance, cased=leaf.cased)
            if isinstance(leaf, ir.Keyword)
            else filler(chance) + sample_regex(leaf.pattern, leaf.flags, chance) + filler(chance)
            for leaf in keywords
        ]
        if not words:
            if any(isinstance(leaf, ir.Keyword | ir.KeywordRegex) for leaf in self._leaves):
                event["message"] = filler(chance) + "nothing of note"
            return
        kind = chance.random()
        if kind < 0.3:  # noqa: PLR2004
            event["_raw"] = " ".join(["<13>host app:", *words, *(str(value) for value in event.values())])
        elif kind < 0.8:  # noqa: PLR2004
            event["message"] = " ".join(words)
        else:
            event.update((f"field{number}", word) for number, word in enumerate(words))


def _nested(event: Event) -> Event:
    """Return the event with dotted names as paths through objects, where no other field is in the way."""
    nested: Event = {}
    for name, value in event.items():
        *steps, last = name.split(".")
        inner: Any = nested
        for step in steps:
            inner = inner.setdefault(step, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and last not in inner and all([*steps, last]):
            inner[last] = value
        else:
            nested[name] = value
    return nested
