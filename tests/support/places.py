"""Every place of a rule, a correlation or a filter into which a stranger may put a text, and what may come of it.

    rules with the text in a place ──convert──> query ──parse──> tree, file ──┬──> as those of harmless texts
                                                                              └──> the canary is in a string or a name

The targets are those of the registry, in every format, so that a new one is tried by itself. A backend of pySigma is
only held to what it says of a rule, and to fail by an error: what it does with values is for `audit` to show.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from converter.errors import RefusedError, SourceError
from converter.harness.target_spec import TargetName
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from converter.targets.core.target import FOREIGN
from converter.targets.splunk.engine.conf import read_stanzas
from tests.support.hostile import escaped
from tests.support.paths import TESTS
from tests.support.rule_text import rule_text
from tests.support.targets import VARIANTS, convert, folder_of
from tests.support.trees import fits, tree_of, twins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from converter.targets.core.target import Query

CANARY = "zq7canary"
EVERY: tuple[TargetName, ...] = (*VARIANTS, *(TargetName(name) for name in list_targets() if name.startswith(FOREIGN)))
"""Every target in every format and variant, and the backends of pySigma."""
Documents = list[dict[str, Any]]


class Place(NamedTuple):
    """A place of a rule: how a text gets there, and whether the query searches for it or only a file says it."""

    put: Callable[[Documents, str], object]
    searched: bool = False
    kept: str = ""


def _rules() -> Documents:
    """Return a harmless rule."""
    return [
        {
            "title": "Harmless title",
            "id": "7a2b6a4e-4f0e-4d8e-9d8c-0c3f5f2c9a11",
            "name": "one",
            "description": "Harmless description",
            "author": "Harmless author",
            "references": ["harmless", "harmless"],
            "tags": ["attack.t1110", "attack.harmless", "harmless.tag"],
            "falsepositives": ["harmless", "harmless"],
            "level": "low",
            "logsource": {"category": "test"},
            "detection": {
                "selection": {"user": "value"},
                "other": {"kind": ["a", "b"]},
                "condition": "selection and other",
            },
        }
    ]


def _correlation(documents: Documents, kind: str) -> dict[str, Any]:
    """Add a correlation of two rules, and return it."""
    second = {"title": "Second", "name": "two", "logsource": {"category": "test"}}
    documents.append({**second, "detection": {"selection": {"kind": "c"}, "condition": "selection"}})
    body: dict[str, Any] = {"type": kind, "rules": ["one", "two"], "group-by": ["user"], "timespan": "5m"}
    if not kind.startswith("temporal"):
        body["condition"] = {"gte": 2}
    rule = {"title": "Many", "name": "many", "id": "7a2b6a4e-4f0e-4d8e-9d8c-0c3f5f2c9a12", "correlation": body}
    documents.append(rule)
    return rule


def _filter(documents: Documents) -> dict[str, Any]:
    body = {"rules": ["one"], "selection": {"Host": "server"}, "condition": "not selection"}
    rule = {"title": "Filter", "name": "out", "logsource": {"category": "test"}, "filter": body}
    documents.append(rule)
    return rule


def _set(key: str, make: Callable[[str], Any] = lambda text: text) -> Place:
    return Place(lambda rules, text: rules[0].update({key: make(text)}))


def _selection(make: Callable[[str], Any], kept: str = "") -> Place:
    return Place(lambda rules, text: rules[0]["detection"].update(selection=make(text)), searched=True, kept=kept)


def _correlated(kind: str, change: Callable[[Documents, dict[str, Any], str], object]) -> Place:
    return Place(lambda rules, text: change(rules, _correlation(rules, kind), text))


def _counted(kind: str, make: Callable[[str], dict[str, Any]], *, searched: bool = True) -> Place:
    """Return a place in the body of a correlation."""
    return Place(
        lambda rules, text: _correlation(rules, kind)["correlation"].update(make(text)),
        searched=searched,
        kept=".*?" if searched else "",
    )


def _filtered(make: Callable[[str], dict[str, Any]], *, searched: bool = True) -> Place:
    """Return a place in the body of a filter."""
    return Place(lambda rules, text: _filter(rules)["filter"].update(make(text)), searched=searched, kept=".*?")


def _named(rules: Documents, rule: dict[str, Any], text: str) -> None:
    rules[0]["name"] = text
    rule["correlation"]["rules"] = [text, "two"]


PLACES: dict[str, Place] = {
    "title": _set("title"),
    "id": _set("id"),
    "name": _set("name"),
    "description": _set("description"),
    "author": _set("author"),
    "status": _set("status"),
    "level": _set("level"),
    "date": _set("date"),
    "modified": _set("modified"),
    "license": _set("license"),
    "taxonomy": _set("taxonomy"),
    "references": _set("references", lambda text: ["harmless", text]),
    "reference like a URL": _set("references", lambda text: ["harmless", f"https://example.com/{text}"]),
    "tags": _set("tags", lambda text: ["attack.t1110", f"attack.{text}", f"x.{text}"]),
    "falsepositives": _set("falsepositives", lambda text: [text, "harmless"]),
    "fields": _set("fields", lambda text: ["user", text]),
    "related": _set("related", lambda text: [{"id": text, "type": "derived"}]),
    "scope": _set("scope", lambda text: [text]),
    "custom key": Place(lambda rules, text: rules[0].update({f"x{text}": text})),
    "custom value": _set("custom", lambda text: {text: [text, {text: text}]}),
    "definition of the log source": _set("logsource", lambda text: {"category": "test", "definition": text}),
    "category": _set("logsource", lambda text: {"category": text}),
    "product": _set("logsource", lambda text: {"category": "test", "product": text}),
    "service": _set("logsource", lambda text: {"category": "test", "service": text}),
    "key of the log source": _set("logsource", lambda text: {"category": "test", text: text}),
    "name of a selection": Place(
        lambda rules, text: rules[0].update(detection={text: {"user": "value"}, "condition": "all of them"})
    ),
    "condition": Place(lambda rules, text: rules[0]["detection"].update(condition=f"selection and {text}")),
    "value": _selection(lambda text: {"user": escaped(text)}, "*?"),
    "value with wildcards": _selection(lambda text: {"user": text}, "*?\\"),
    "part of a value": _selection(lambda text: {"user|contains": escaped(text)}, "*?"),
    "one of several values": _selection(lambda text: {"user|endswith|all": [escaped(text), "b"]}, "*?"),
    "value with case": _selection(lambda text: {"user|cased": escaped(text)}, "*?"),
    "value that is not": _selection(lambda text: {"user|neq": escaped(text)}, "*?"),
    "keyword": _selection(lambda text: [escaped(text), "harmless"], "*?"),
    "regular expression": _selection(lambda text: {"user|re": re.escape(text)}, "*?"),
    "field": _selection(lambda text: {text: "value"}, ".*?|"),
    "field of a number": _selection(lambda text: {f"{text}|gte": 5}, ".*?|"),
    "field of null": _selection(lambda text: {text: None}, ".*?|"),
    "field that is referred to": _selection(lambda text: {"user|fieldref": text}, ".*?"),
    "modifier": _selection(lambda text: {f"user|{text}": "value"}, ".*?|"),
    "title of a correlation": _correlated("event_count", lambda _, rule, text: rule.update(title=text)),
    "name of a correlation": _correlated("event_count", lambda _, rule, text: rule.update(name=text)),
    "description of a correlation": _correlated("temporal", lambda _, rule, text: rule.update(description=text)),
    "custom key of a correlation": _correlated(
        "temporal_ordered", lambda _, rule, text: rule.update({f"x{text}": text})
    ),
    "name of a counted rule": _correlated("event_count", _named),
    "name of a rule in an order": _correlated("temporal_ordered", _named),
    "title of a counted rule": _correlated("temporal", lambda rules, _, text: rules[0].update(title=text)),
    "group-by": _counted("event_count", lambda text: {"group-by": [text]}),
    "second group-by": _counted("temporal", lambda text: {"group-by": ["user", text]}),
    "alias": _counted(
        "event_count", lambda text: {"aliases": {text: {"one": "user", "two": "account"}}, "group-by": [text]}
    ),
    "field of an alias": _counted(
        "temporal", lambda text: {"aliases": {"who": {"one": text, "two": "account"}}, "group-by": ["who"]}
    ),
    "field that is counted": _counted("value_count", lambda text: {"condition": {"gte": 2, "field": text}}),
    "field that is summed": _counted("value_sum", lambda text: {"condition": {"gte": 2, "field": text}}),
    "timespan": _counted("event_count", lambda text: {"timespan": text}, searched=False),
    "condition of a correlation": _counted("temporal", lambda text: {"condition": f"one and {text}"}, searched=False),
    "title of a filter": Place(lambda rules, text: _filter(rules).update(title=text)),
    "description of a filter": Place(lambda rules, text: _filter(rules).update(description=text)),
    "selection of a filter": _filtered(lambda text: {text: {"Host": "a"}, "condition": "not 1 of them"}),
    "value of a filter": _filtered(lambda text: {"selection": {"Host": escaped(text)}}),
    "field of a filter": _filtered(lambda text: {"selection": {text: "server"}}),
}


def check(variant: TargetName, place: str, text: str) -> bool:
    """Check what becomes of a text in a place; return whether there is a query. Raises AssertionError."""
    query = query_of(variant, place, text)
    if query is None:
        return False
    if variant.name.startswith(FOREIGN):
        plain = query_of(variant, place, "harmless")
        of_one = len(_documents(place, text)) == 1
        says = not PLACES[place].searched and place != "fields"  # these are the columns of its table
        assert plain is None or not says or not of_one or query.text == plain.text, query.text
        return True
    if not PLACES[place].searched or not own_test(variant):
        _check_tree(variant, place, text, query)
        _check_file(variant, place, query)
    for canary in (f"{CANARY}{text}", f"{text}{CANARY}"):
        with_canary = query_of(variant, place, canary)
        if with_canary is not None:
            _check_canary(variant, with_canary)
    return True


def own_test(variant: TargetName) -> bool:
    """Return whether the target has a test that says which classes of values and names it writes in which way."""
    return (TESTS / "targets" / folder_of(variant) / "test_injection.py").exists()


def _documents(place: str, text: str) -> Documents:
    documents = _rules()
    PLACES[place].put(documents, text)
    return documents


@lru_cache(maxsize=20_000)
def query_of(variant: TargetName, place: str, text: str) -> Query | None:
    """Return the query of the rules with a text in a place, None if there is an error, which must have a place."""
    try:
        *_, query = convert(parse_rules(rule_text(*_documents(place, text))), variant)
    except SourceError as error:
        blamed = error.construct if isinstance(error, RefusedError) else error.place
        if not blamed:
            raise AssertionError(f"{error} has neither a place nor a construct") from error
        return None
    except (UnicodeEncodeError, yaml.YAMLError):  # YAML cannot hold the text
        return None
    return query


@lru_cache(maxsize=20_000)
def _tree(variant: TargetName, place: str, text: str) -> Any:
    query = query_of(variant, place, text)
    return None if query is None else tree_of(query, variant)


def _check_tree(variant: TargetName, place: str, text: str, query: Query) -> None:
    tree = tree_of(query, variant)
    if tree is None or tree == _tree(variant, place, "harmless"):
        return
    pairs = (tuple(_tree(variant, place, twin) for twin in pair) for pair in twins(text, PLACES[place].kept))
    assert any(None not in pair and fits(tree, *pair) for pair in pairs), query.text


def _check_file(variant: TargetName, place: str, query: Query) -> None:
    """Check that a file has the keys of one of a harmless rule."""
    plain = query_of(variant, place, "harmless")
    if query.inner is not None and plain is not None:
        mine, other = (_keys(_read(one.text)) for one in (query, plain))
        assert mine == other, query.text


def _check_canary(variant: TargetName, query: Query) -> None:
    """Check that each canary of the text is in a string or a name of the tree, and of the file."""
    tree = tree_of(query, variant)
    parts = [(query.text if query.inner is None else query.inner, tree)] if tree is not None else []
    if query.inner is not None:
        parts.append((query.text, _read(query.text)))
    for text, leaves in parts:
        inside = sum(leaf.lower().count(CANARY) for leaf in _leaves(leaves))
        assert text.lower().count(CANARY) <= inside, text


def _read(text: str) -> Any:
    """Return what a file holds. A format of another kind is read here."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pass
    if text.lstrip().startswith("["):
        return {
            title: {key: setting.value for key, setting in stanza.items()}
            for title, (_, stanza) in read_stanzas(text).items()
        }
    content = yaml.safe_load(text)
    assert isinstance(content, dict), text
    return content


def _keys(value: Any) -> Any:
    """Return the keys of a file; those in lists depend on what a reference or a tag means."""
    match value:
        case dict() if len(value) == 1 and not isinstance(next(iter(value.values())), str):
            return [_keys(item) for item in value.values()]  # the title of a stanza is of the rule
        case dict():
            return {key: _keys(item) for key, item in value.items() if not isinstance(item, list)}
        case _:
            return None


def _leaves(node: Any) -> Iterator[str]:
    match node:
        case str():
            yield node
        case dict():
            for key, item in node.items():
                yield from _leaves(key)
                yield from _leaves(item)
        case tuple() | list() | frozenset():
            for item in node:
                yield from _leaves(item)
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            for field in dataclasses.fields(node):
                yield from _leaves(getattr(node, field.name))
        case _:
            pass
