"""Ask the node what Lucene says of patterns and texts, and find a small pair where an engine says otherwise.

    patterns x texts ──an index of the texts, one query a pattern──> the texts that match, or a refusal
                     ──the engine's function──>                      the same
                                              ──difference, shrunk──> a report for a person

The queries are those that the products translate their operators to: `regexp`, `wildcard`, `term` and `prefix` on a
keyword field, with the flags that the products leave at their default.
"""

from __future__ import annotations

import os
import random
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from referee import Node, NodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

MAPPING = {"properties": {"f": {"type": "keyword"}}}
SEED = "SIGMA_CONVERT_REFEREE_SEED"
_SHORT_RUN = 1_000
_SHRINK_SECONDS = 20
_LONGEST_TERM = 32_766
_MSEARCH = 200

Kind: TypeAlias = Literal["regexp", "wildcard", "term", "prefix"]
Verdict: TypeAlias = "frozenset[str] | str"


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of a text: a query of the node, and the engine's answer to the same question.

    Attributes:
        kind: the query.
        pattern: what the query takes.
        insensitive: whether the query ignores case.
        source: what the engine takes, where it is not the pattern itself.
    """

    kind: Kind
    pattern: str
    insensitive: bool = False
    source: str = ""

    def query(self) -> dict[str, object]:
        """Return the question in Query DSL."""
        return {self.kind: {"f": {"value": self.pattern, "case_insensitive": self.insensitive}}}


@dataclass(slots=True)
class Comparison:
    """An engine beside the node; it counts what it compared.

    Attributes:
        node: the referee.
        engine: returns the test of a pattern; raises one of `refusals`.
        refusals: what the engine raises for a pattern that it does not take.
        excused: returns why a difference is declared, or an empty text; of a refusal the text is None.
        ask: returns the question for a pattern of the engine's language.
    """

    node: Node
    engine: Callable[[str], Callable[[str], bool]]
    refusals: type[Exception] | tuple[type[Exception], ...]
    ask: Callable[[str], Ask]
    excused: Callable[[str, str | None, str], str] = lambda _pattern, _text, _said: ""
    pairs: int = 0
    refused: int = 0
    excuses: dict[str, int] = field(default_factory=dict)

    def run(self, texts_of: Mapping[str, Sequence[str]]) -> None:
        """Compare patterns on texts; each pattern is asked of the texts of all. Fails with a small example."""
        texts = sorted({text for texts in texts_of.values() for text in texts if _storable(text)})
        patterns = [pattern for pattern in texts_of if _storable(pattern)]
        for pattern, theirs in zip(patterns, lucene(self.node, map(self.ask, patterns), texts), strict=True):
            ours = self._ours(pattern, texts)
            self.pairs += len(texts)
            self.refused += isinstance(theirs, str)
            difference = self._difference(pattern, ours, theirs, texts)
            if difference is not None:
                raise AssertionError(self._report(*self._shrunk(pattern, difference)))

    def _ours(self, pattern: str, texts: Sequence[str]) -> Verdict:
        try:
            test = self.engine(pattern)
            return frozenset(text for text in texts if test(text))
        except self.refusals as error:
            return f"refused: {error}"

    def _difference(self, pattern: str, ours: Verdict, theirs: Verdict, texts: Sequence[str]) -> str | None:
        """Return a text on which the two differ and that is not excused, else None; for refusals any text."""
        if isinstance(ours, str) or isinstance(theirs, str):
            if isinstance(ours, str) and isinstance(theirs, str):
                return None
            said = ours if isinstance(ours, str) else str(theirs)
            return None if self._excuse(pattern, None, said) else (texts[0] if texts else "")
        for text in sorted(ours ^ theirs, key=len):
            if not self._excuse(pattern, text, ""):
                return text
        return None

    def _excuse(self, pattern: str, text: str | None, said: str) -> bool:
        why = self.excused(pattern, text, said)
        if why:
            self.excuses[why] = self.excuses.get(why, 0) + 1
        return bool(why)

    def _shrunk(self, pattern: str, text: str) -> tuple[str, str]:
        """Drop characters of the pattern and of the text as long as the two still differ."""
        until = time.monotonic() + _SHRINK_SECONDS
        while time.monotonic() < until:
            smaller = [(p, text) for p in _shorter(pattern)] + [(pattern, t) for t in _shorter(text)]
            asked = lucene(self.node, [self.ask(p) for p, _ in smaller], sorted({t for _, t in smaller}))
            for (p, t), theirs in zip(smaller, asked, strict=True):
                seen = theirs if isinstance(theirs, str) else theirs & {t}
                if self._difference(p, self._ours(p, [t]), seen, [t]) is not None:
                    pattern, text = p, t
                    break
            else:
                break
        return pattern, text

    def _report(self, pattern: str, text: str) -> str:
        ask = self.ask(pattern)
        (theirs,) = lucene(self.node, [ask], [text])
        return f"{ask} on {text!r}: the engine says {self._ours(pattern, [text])}, Lucene {theirs}"


def lucene(node: Node, asks: Iterable[Ask], texts: Sequence[str]) -> list[Verdict]:
    """Return for each question the texts that match, or why it is refused."""
    questions = [ask.query() for ask in asks]
    verdicts: list[Verdict] = []
    with node.index(MAPPING, [{"f": text} for text in texts]) as index:
        for start in range(0, len(questions), _MSEARCH):
            for found in node.search_ids(index, questions[start : start + _MSEARCH]):
                if isinstance(found, NodeError):
                    verdicts.append(f"refused: {reason(found)}")
                else:
                    verdicts.append(frozenset(texts[int(name) - 1] for name in found))
    return verdicts


def reason(error: NodeError) -> str:
    """Return the innermost reason of a failed search, which is that of its shard."""
    body = error.body.get("error", error.body) if isinstance(error.body, dict) else {}
    failed = body.get("failed_shards") or [{}]
    cause = failed[0].get("reason", {})
    while "caused_by" in cause:
        cause = cause["caused_by"]
    return str(cause.get("reason", error.reason))


def generator(name: str, examples: int) -> random.Random:
    """Return a generator of random numbers: the same in each short run, another in each long one, and printed."""
    seed = os.environ.get(SEED) or ("0" if examples < _SHORT_RUN else secrets.token_hex(4))
    print(f"{name}: {SEED}={seed}")  # noqa: T201  so that a failure can be repeated
    return random.Random(f"{name} {seed}")  # noqa: S311  nothing is secret here


def _storable(text: str) -> bool:
    """Whether a text can be sent and indexed: no half of a surrogate pair, and no longer than Lucene's terms."""
    try:
        return len(text.encode()) <= _LONGEST_TERM
    except UnicodeEncodeError:
        return False


def _shorter(text: str) -> list[str]:
    half = len(text) // 2
    return [t for t in dict.fromkeys((text[half:], text[:half])) if t != text] + [
        text[:index] + text[index + 1 :] for index in range(min(len(text), 80))
    ]
