"""What the emitter of EQL makes of a rule's regular expressions, run by Lucene, against Python's `re`.

random expression ──to_lucene──> Lucene, on the whole value ──> texts that match
                  ──re.search, anywhere─────────────────────> the same texts
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from referee import NodeError

from converter.errors import RefusedError
from converter.plan.regex_cost import effort
from converter.plan.regex_parse import parse
from converter.targets.eql.emitter.regex_to_lucene import to_lucene
from tests.support.referee.lucene_asks import Ask, generator, lucene
from tests.support.referee.lucene_random import mutated

if TYPE_CHECKING:
    from random import Random

    from referee import Node

TEXTS = 10
BATCH = 30
_STARTS = ("^", "\\A", "", "", "")
_ENDS = ("$", "\\z", "", "", "")
_SPECIAL = '\\-]^[.+*?|(){}"<>#@&~/$ !_'
_LETTERS = "abkszABKZ019\n"


def expression(random: Random, depth: int) -> str:
    """Return an expression that Python and Sigma read alike."""
    parts = []
    for _ in range(random.randint(0 if depth < 2 else 1, 3)):
        kind = random.random()
        if depth and kind < 0.25:
            part = f"({'|'.join(expression(random, depth - 1) for _ in range(random.choice([1, 2, 2, 3])))})"
        elif kind < 0.5:
            part = _class(random)
        elif kind < 0.6:
            part = random.choice([".", "\\d", "\\w", "\\s", "\\W", "\\D"])
        else:
            part = re.escape(random.choice(_LETTERS + _SPECIAL))
        parts.append(part + random.choice(["", "", "", "", "?", "*", "+", "{2}", "{0,2}", "{1,}", "*?"]))
    return "".join(parts)


def _class(random: Random) -> str:
    members = []
    for _ in range(random.randint(1, 3)):
        low, high = sorted(random.choice(_LETTERS[:-1] + _SPECIAL) for _ in range(2))
        members.append(f"{re.escape(low)}-{re.escape(high)}" if random.random() < 0.5 else re.escape(low))
    return f"[{random.choice(['', '', '^'])}{''.join(members)}]"


def texts_for(random: Random, written: str) -> list[str]:
    """Return texts that are made of the characters of an expression."""
    letters = [*re.sub(r"[\\()|]", "", written), *_LETTERS, *_SPECIAL]
    made = ["".join(random.choice(letters) for _ in range(random.randrange(6))) for _ in range(TEXTS - 1)]
    return [*(mutated(random, text) for text in made), ""]


@pytest.mark.parametrize("flags", ["", "i", "s", "is"])
def test_expressions_of_rules(node: Node, examples: int, flags: str) -> None:
    random = generator(f"emitted regex {flags}", examples)
    python = re.ASCII | (re.IGNORECASE if "i" in flags else 0) | (re.DOTALL if "s" in flags else 0)
    pairs = refused = 0
    while pairs < examples // 8:
        wanted: list[tuple[str, Ask]] = []
        texts: set[str] = set()
        for _ in range(BATCH):
            written = random.choice(_STARTS) + expression(random, 2) + random.choice(_ENDS)
            written = written.replace("*?*", "*").replace("?*", "*")
            try:
                found = to_lucene(written, frozenset(flags), None)
            except RefusedError:
                refused += 1
                continue
            wanted.append((written, Ask("regexp", found.text, found.ignores_case)))
            texts.update(text for text in texts_for(random, written) if text.isascii())
        ordered = sorted(texts)
        for (written, ask), theirs in zip(wanted, lucene(node, [ask for _, ask in wanted], ordered), strict=True):
            # The very end of a text has another name in Python.
            ours = frozenset(text for text in ordered if re.search(re.sub(r"\\z$", r"\\Z", written), text, python))
            assert ours == theirs, (written, flags, ask)
            pairs += TEXTS
    print(f"emitted regex {flags or '-'}: {pairs} pairs made for each other, {refused} refused")  # noqa: T201


EFFORTS = (
    ".*ping[ab]+-n[^n]{6,12}echo EEEE.*",
    ".*(abc|abd|xyz)[^z]{1,5}-q[^z]{1,5}(services|Run|Load).*",
    ".*[^n]{100,}.*",
    ".*a[bc]{2,40}b[0-9]{2,10}.*",
    ".*(set)[^n]*&&[ab]?set[^n]*(environment|invoke|input)[^n]*&&[^n]*",
    ".*cmd[^n]{0,5}(/c|/r)[^n]+powershell[^n]+(input|noexit)[^n]+",
    ".*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}.*",
)


@pytest.mark.parametrize("written", EFFORTS)
def test_the_effort_of_making_an_expression_deterministic(node: Node, written: str) -> None:
    """What the emitter counts is within a sixth of what makes Lucene give up."""
    counted = effort(parse(written, frozenset("s")), 2_000_000)
    bounds = [int(counted / 10 * 5 / 6) - 2, int(counted / 10 * 7 / 6) + 2]
    text = written.replace("&", "\\&").replace("-", "\\-") if "[0-9" not in written else written
    queries = [{"regexp": {"f": {"value": text, "max_determinized_states": bound}}} for bound in bounds]
    with node.index({"properties": {"f": {"type": "keyword"}}}, [{"f": "a"}]) as index:
        refused, taken = node.search_ids(index, queries)
    assert isinstance(refused, NodeError)
    assert taken == set()


def test_an_expression_that_is_too_complex_is_refused() -> None:
    with pytest.raises(RefusedError, match="too complex"):
        to_lucene("ping.{6,64}echo EEEE", frozenset(), None)
