"""Changes to an input: to its text, its words, and its tree if it is YAML, JSON or TOML.

    input of the pool ──1 to 6 changes, drawn by a seeded generator──> input

Each change is a function of the generator and the text. `Words` has what the pool of a kind is made of, so that a
change may put a word, a line or a part of the tree of one input into another.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import tomlkit
import yaml

from tests.support.hostile import STRINGS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable

Syntax: TypeAlias = Literal["yaml", "ndjson", "toml", "text"]
MOST = 200_000
"""The length of the longest input, in characters."""
_TOKEN = re.compile(r"[^\W\d]\w*|\d+(?:\.\d+)?|\s+|[^\w\s]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_REGEXES = (
    "(a+)+$",
    r"(\w+\s?)+$(?<!x)",
    "(?>a+)+b",
    "(a|a)*b",
    "((((a{1,100}){1,100}){1,100}){1,100}",
    "(?i)(?<n>a)\\k<n>",
    "[[:alpha:]\\p{Lu}&&[^A-Z]]",
    "\\x{110000}",
    "(?(1)a|b)",
    "a{65536}",
    "(?#",
    "\\Q..\\E",
    "^(?=.*a)(?!.*b).*$",
    "[\\ud800]",
    "(?R)",
)
_NUMBERS = (
    "0", "-0", "-1", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "0x7f", "0o17", "1_000", "9007199254740993",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "99999999999999999999999999", "0.1e1",
    "1e308", "65536", "2147483648", "1" * 400, "1" * 5000,
)  # fmt: skip
_YAML = (
    "!!timestamp ", "!!binary ", "!!set ", "!!python/name:os.system ", "!!str ", "!!int ", "!!float ", "!!null ",
    "!!omap ", "!x ", "&a ", "*a ", "<<: ", "? ", "- ", "|\n", ">-\n", "---\n", "...\n", "%YAML 1.2\n", "{}", "[]",
    "~", "yes", "no", "2026-01-01", "12:30:00", "0123", "\t",
)  # fmt: skip
_SIGMA = (
    "|re", "|contains", "|all", "|startswith", "|endswith", "|base64", "|base64offset", "|wide", "|utf16le",
    "|windash", "|cidr", "|exists", "|fieldref", "|gt", "|gte", "|lt", "|lte", "|neq", "|cased", "|expand", "|i",
    "|m", "|s", "|minute", "|hour", "|day", "|year", "|timestamp", "1 of them", "all of them", "1 of selection*",
    "not ", " and ", " or ", " | count() by x > 5", "(", ")", "%placeholder%", "* ", "event_count", "value_count",
    "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median", "timespan: 5m",
    "group-by", "generate: true", "aliases", "action: global\n", "action: repeat\n", "action: reset\n",
)  # fmt: skip
_BYTES = (
    "\x00", "\udcff", "\ufeff", "\u2028", "\x1b[31m", "\u202e", "\r", "\r\n", "\x0b", "\x7f", "\x85", "é", "İ", "ß",
    "🙂", "\udced\udca0\udc80",
)  # fmt: skip
_PAIRS = ("()", "[]", "{}", '""', "''", "``", "$$", "%%", "/*", "//")
_DEEP = (2, 10, 60, 300, 1000, 5000)


@dataclass(slots=True)
class Words:
    """What the inputs of a kind are made of: texts, words, and values at the leaves and branches of trees."""

    texts: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    nodes: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def learn(self, texts: Iterable[str], syntax: Syntax) -> None:
        """Take the parts of some inputs."""
        words: dict[str, None] = dict.fromkeys(self.words)
        keys: dict[str, None] = dict.fromkeys(self.keys)
        for text in texts:
            self.texts.append(text)
            words.update(dict.fromkeys(token for token in _TOKEN.findall(text) if not token.isspace()))
            for document in _parse(text, syntax) or ():
                for _, key, node in _places([document]):
                    self.nodes.append(node)
                    if isinstance(key, str):
                        keys[key] = None
        self.words = list(words)
        self.keys = list(keys)


def mutate(rng: random.Random, text: str, syntax: Syntax, words: Words) -> str:
    """Return a changed text, of at most MOST characters."""
    tree = syntax != "text" and rng.random() < 0.5
    if tree:
        changed = _mutate_tree(rng, text, syntax, words)
        if changed is not None:
            text = changed
    if not tree or rng.random() < 0.3:
        for _ in range(min(6, 1 + int(rng.expovariate(0.8)))):
            text = rng.choice(_CHANGES)(rng, text, words)[:MOST]
    return text


def hostile(rng: random.Random) -> str:
    """Return a text that means something somewhere."""
    return rng.choice(rng.choice((STRINGS, _NUMBERS, _REGEXES, _YAML, _SIGMA, _BYTES, _PAIRS)))


# ------------------------------------------------------------------------------------------------------------ the text


def _span(rng: random.Random, text: str) -> tuple[int, int]:
    start = rng.randrange(len(text) + 1)
    return start, min(len(text), start + rng.choice((1, 1, 2, 5, 20, 80, 400)))


def _delete(rng: random.Random, text: str, _: Words) -> str:
    start, end = _span(rng, text)
    return text[:start] + text[end:]


def _repeat(rng: random.Random, text: str, _: Words) -> str:
    start, end = _span(rng, text)
    times = rng.choice((2, 2, 3, 10, 50, 1000))
    return text[:end] + text[start:end] * min(times, MOST // max(1, end - start)) + text[end:]


def _insert(rng: random.Random, text: str, _: Words) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + hostile(rng) + text[at:]


def _replace_word(rng: random.Random, text: str, words: Words) -> str:
    matches = list(_TOKEN.finditer(text[:20_000]))
    if not matches:
        return text
    match = rng.choice(matches)
    new = hostile(rng) if rng.random() < 0.4 or not words.words else rng.choice(words.words)
    return text[: match.start()] + new + text[match.end() :]


def _swap_words(rng: random.Random, text: str, _: Words) -> str:
    tokens = _TOKEN.findall(text)
    if len(tokens) > 1:
        first, second = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        tokens[first], tokens[second] = tokens[second], tokens[first]
    return "".join(tokens)


def _insert_word(rng: random.Random, text: str, words: Words) -> str:
    matches = list(_TOKEN.finditer(text[:20_000]))
    if not matches or not words.words:
        return text
    at = rng.choice(matches).end()
    return text[:at] + rng.choice(("", " ")) + rng.choice(words.words) + rng.choice(("", " ")) + text[at:]


def _number(rng: random.Random, text: str, _: Words) -> str:
    matches = list(_NUMBER.finditer(text[:20_000]))
    if not matches:
        return text
    match = rng.choice(matches)
    return text[: match.start()] + rng.choice(_NUMBERS) + text[match.end() :]


def _splice(rng: random.Random, text: str, words: Words) -> str:
    if not words.texts:
        return text
    other = rng.choice(words.texts)
    if rng.random() < 0.5:
        start, end = _span(rng, other)
        at = rng.randrange(len(text) + 1)
        return text[:at] + other[start:end] + text[at:]
    mine, theirs = text.split("\n"), other.split("\n")
    mine[rng.randrange(len(mine)) : rng.randrange(len(mine) + 1)] = [rng.choice(theirs)]
    return "\n".join(mine)


def _nest(rng: random.Random, text: str, _: Words) -> str:
    start, end = _span(rng, text)
    opening, closing = list(rng.choice(_PAIRS))
    depth = rng.choice(_DEEP)
    return text[:start] + opening * depth + text[start:end] + closing * rng.choice((depth, depth, 0)) + text[end:]


def _cut(rng: random.Random, text: str, _: Words) -> str:
    return text[: rng.randrange(len(text) + 1)]


_CHANGES: tuple[Callable[[random.Random, str, Words], str], ...] = (
    _delete,
    _repeat,
    _insert,
    _insert,
    _replace_word,
    _replace_word,
    _replace_word,
    _swap_words,
    _insert_word,
    _insert_word,
    _number,
    _splice,
    _splice,
    _nest,
    _cut,
)

# ------------------------------------------------------------------------------------------------------------ the tree


def _parse(text: str, syntax: Syntax) -> list[Any] | None:
    """Return the documents of a text; None if it has none, or too large ones."""
    try:
        match syntax:
            case "yaml":
                # Aliases may make a small text a large tree.
                return None if len(text) > 20_000 or ("*" in text and "&" in text) else list(yaml.safe_load_all(text))
            case "ndjson":
                return [json.loads(line) for line in text.splitlines()[:200] if line.strip()]
            case "toml":
                return [tomllib.loads(text)]
            case "text":
                return None
    except Exception:  # noqa: BLE001  whatever a mutant does to a parser that is not ours
        return None


def _write(documents: list[Any], syntax: Syntax, rng: random.Random) -> str | None:
    try:
        match syntax:
            case "yaml":
                text = yaml.safe_dump_all(
                    documents,
                    sort_keys=False,
                    allow_unicode=rng.random() < 0.5,
                    default_flow_style=rng.choice((None, True, False)),
                    width=1000,
                )
                return str(text)
            case "ndjson":
                return "\n".join(
                    json.dumps(document, default=str, ensure_ascii=rng.random() < 0.5) for document in documents
                )
            case "toml":
                return tomlkit.dumps(documents[0])
            case "text":
                return None
    except Exception:  # noqa: BLE001  a tree that the format cannot hold
        return None


def _places(documents: Any, depth: int = 0) -> Iterable[tuple[Any, Any, Any]]:
    """Yield each place of the trees: what it is in, its key there, and what is there."""
    for key, node in list(documents.items() if isinstance(documents, dict) else enumerate(documents)):
        yield documents, key, node
        if isinstance(node, dict | list) and depth < 60:
            yield from _places(node, depth + 1)


def _value(rng: random.Random, words: Words) -> Any:
    """Return a value of any type."""
    match rng.randrange(12):
        case 0:
            return None
        case 1:
            return rng.choice((True, False))
        case 2:
            return rng.choice((0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30))
        case 3:
            return rng.choice((0.1, -0.0, 1e308, float("inf"), float("-inf"), float("nan"), 5e-324))
        case 4:
            return rng.choice(([], {}, "", [[]], [None], {"": ""}, {None: None}, [[["a"]]]))
        case 5:
            return rng.choice((date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), b"\xff", {"a", "b"}))
        case 6:
            return rng.choice(("x" * 10_000, "a" * 30 + "!", "%" * 50, "\\" * 99, "*" * 50, "a*" * 200))
        case 7 | 8 if words.nodes:
            return rng.choice(words.nodes)
        case 9:
            node: Any = "x"
            for _ in range(rng.choice((2, 5, 40))):
                node = [node] if rng.random() < 0.5 else {"a": node}
            return node
        case _:
            return hostile(rng)


def _mutate_tree(rng: random.Random, text: str, syntax: Syntax, words: Words) -> str | None:
    documents = _parse(text, syntax)
    if not documents:
        return None
    for _ in range(min(5, 1 + int(rng.expovariate(1)))):
        places = list(_places(documents))
        if not places:
            break
        _change_place(rng, documents, rng.choice(places), places, words)
    return _write(documents, syntax, rng)


def _change_place(
    rng: random.Random,
    documents: list[Any],
    place: tuple[Any, Any, Any],
    places: list[tuple[Any, Any, Any]],
    words: Words,
) -> None:
    inside, key, node = place
    match rng.randrange(9):
        case 0 | 1:
            inside[key] = _value(rng, words)
        case 2:
            del inside[key]
        case 3 if isinstance(inside, dict):
            del inside[key]
            inside[_key(rng, key, words)] = node
        case 4 if isinstance(inside, dict):
            inside[_key(rng, key, words)] = _value(rng, words)
        case 4 if isinstance(inside, list):
            inside.insert(key, _value(rng, words))
        case 5:
            inside[key] = rng.choice(([node], {"a": node}, [node, node], [[node]], str(node)))
        case 6:
            other_in, other_key, other = rng.choice(places)
            if other_in is not node and inside is not other and inside is not documents and other_in is not documents:
                inside[key], other_in[other_key] = _copy(other), _copy(node)
        case 7 if isinstance(node, list) and node:
            inside[key] = node * rng.choice((2, 3, 100))
        case _ if isinstance(node, str):
            inside[key] = "".join(rng.sample([node, hostile(rng)], 2)) if rng.random() < 0.5 else hostile(rng)
        case _:
            inside[key] = _value(rng, words)


def _key(rng: random.Random, key: Any, words: Words) -> Any:
    match rng.randrange(4):
        case 0 if words.keys:
            return rng.choice(words.keys)
        case 1:
            return f"{key}{rng.choice(_SIGMA)}"
        case 2:
            return rng.choice((None, True, 5, 1.5, "", date(2026, 1, 1)))
        case _:
            return hostile(rng)


def _copy(node: Any) -> Any:
    match node:
        case dict():
            return {key: _copy(item) for key, item in node.items()}
        case list():
            return [_copy(item) for item in node]
        case _:
            return node
