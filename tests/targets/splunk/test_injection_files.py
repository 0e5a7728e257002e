"""Rules from strangers in the files of splunk: no text of a rule leaves its place in a .conf file or a detection.

A hostile text is put into every place of a rule that says something about it, and into what is searched for. The file
has the stanzas, keys and lists of one made from a harmless rule, read with our own reader (`conf.parse`) and a YAML
library; the search has the shape of the harmless one (`hostile/shapes.py`); what a file says as a plain text is the
rule's, on one line. Lists that depend on what a text means (a reference that is a URL) are left out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.targets.splunk.engine.conf import read_stanzas
from converter.targets.splunk.saved_search.contentctl import saved_search_of
from tests.support import shapes

if TYPE_CHECKING:
    from collections.abc import Callable


HOSTILE: tuple[str, ...] = shapes.HOSTILE
FORMS = ("savedsearches", "es", "contentctl")
TEXT = st.sampled_from(HOSTILE) | st.lists(
    st.sampled_from((*HOSTILE, "]", "[", "\n", "\\", "\\\n", "\r", "=", "#", "$", ": ", "'", '"', " ", "a", "%")),
    min_size=2,
    max_size=5,
).map("".join)
LONG = ("x] " * 5_000, "\\" * 3_001, "\n[a]\n" * 900, "$a$" * 3_000, '"' * 5_000, "\u202e" * 4_000)

PLACES: dict[str, Callable[[dict[str, Any], str], object]] = {
    "title": lambda rule, text: rule.update(title=text),
    "id": lambda rule, text: rule.update(id=text),
    "name": lambda rule, text: rule.update(name=text),
    "description": lambda rule, text: rule.update(description=text),
    "author": lambda rule, text: rule.update(author=text),
    "status": lambda rule, text: rule.update(status=text),
    "level": lambda rule, text: rule.update(level=text),
    "date": lambda rule, text: rule.update(date=text),
    "license": lambda rule, text: rule.update(license=text),
    "references": lambda rule, text: rule.update(references=["harmless", text]),
    "a reference like a URL": lambda rule, text: rule.update(references=["harmless", f"https://example.com/{text}"]),
    "tags": lambda rule, text: rule.update(tags=["attack.t1110", f"attack.{text}", f"cve.2026-1234{text}"]),
    "falsepositives": lambda rule, text: rule.update(falsepositives=[text, "harmless"]),
    "fields": lambda rule, text: rule.update(fields=["user", text]),
    "related": lambda rule, text: rule.update(related=[{"id": text, "type": "derived"}]),
    "scope": lambda rule, text: rule.update(scope=[text]),
    "taxonomy": lambda rule, text: rule.update(taxonomy=text),
    "a key": lambda rule, text: rule.update({f"x{text}": text}),
    "logsource": lambda rule, text: rule.update(
        logsource={"category": text, "product": text, "service": text, "definition": text}
    ),
    "value": lambda rule, text: rule["detection"]["selection"].update(user=shapes.escaped(text)),
    "part of a value": lambda rule, text: rule["detection"]["selection"].update(
        {"user|contains": shapes.escaped(text)}
    ),
    "regular expression": lambda rule, text: rule["detection"]["selection"].update({"user|re": re.escape(text)}),
    "name of a selection": lambda rule, text: rule.update(
        detection={text: {"user": "value"}, "condition": f"{text} or 1 of them"}
    ),
}
# Where the rest of the search may differ by class of the text, and where a list is of what a text means.
_SEARCHED = {"value", "part of a value", "regular expression"}


def rule(place: str, text: str) -> list[dict[str, Any]]:
    documents = {
        "title": "Harmless title",
        "id": "7a2b6a4e-4f0e-4d8e-9d8c-0c3f5f2c9a11",
        "name": "harmless_name",
        "description": "Harmless description",
        "author": "Harmless author",
        "references": ["harmless", "harmless"],
        "tags": ["attack.t1110", "attack.harmless", "harmless.tag"],
        "falsepositives": ["harmless", "harmless"],
        "logsource": {"category": "test"},
        "detection": {"selection": {"user": "value"}, "condition": "selection"},
    }
    PLACES[place](documents, text)
    return [documents]


def check(form: str, place: str, text: str) -> Any:
    """Check the file of a hostile rule; return what is read from it, None if the rule is refused."""
    query = shapes.converted(rule(place, text), form)
    if isinstance(query, shapes.Refused):
        return None
    twin = shapes.converted(rule(place, shapes.twin(text) if place in _SEARCHED else "harmless"), form)
    if isinstance(twin, shapes.Refused):
        twin = shapes.converted(rule("name", "harmless"), form)
    assert not isinstance(twin, shapes.Refused)
    if place in _SEARCHED:
        others = [shapes.emitted(rule(place, one), form) for one in shapes.twins(text)]
        rests = [shapes.shape(shapes.rest(shapes.tree_of(one))) for one in others]
        assert place == "regular expression" or shapes.shape(shapes.rest(shapes.tree_of(query))) in rests
        shapes.check_first(shapes.tree_of(query), {"user"})
    else:
        assert shapes.tree_of(query) == shapes.tree_of(twin)
    found = check_detection(query.text, twin.text) if form == "contentctl" else check_stanza(query.text, twin.text)
    check_text(form, place, text, found)
    return found


def check_text(form: str, place: str, text: str, found: dict[str, Any]) -> None:
    """Check that a file says a text of the rule whole: on one line, with blanks for what cannot be printed."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    match form, place:
        case "contentctl", "author":
            assert found["author"] == (flat.rstrip("\\ ")[:255] or "unknown")
        case "contentctl", "description":
            assert flat.replace("$", "\N{FULLWIDTH DOLLAR SIGN}").rstrip("\\ ")[:10_000] in found["description"]
        case "savedsearches" | "es", "description" | "falsepositives" | "references":
            assert flat in found["description"]
        case "savedsearches", "title" if len(flat) <= 100 and flat.casefold() != "default":
            assert found["[]"] == (
                re.sub(r"\s+", " ", re.sub(r"[\[\]]", " ", flat)).strip().rstrip("\\ ") or "untitled"
            )
        case _:
            pass


def check_stanza(text: str, twin: str) -> dict[str, str]:
    ((title, (_, mine)),) = read_stanzas(text).items()
    ((_, (_, other)),) = read_stanzas(twin).items()
    keys = {"action.notable.param.drilldown_searches"}  # of a search with a dollar sign it is an empty list
    assert list(mine) == list(other)
    assert title.isprintable()
    assert title == title.strip()
    assert not set("[]") & set(title)
    for key, setting in mine.items():
        value = setting.value
        assert key == "search" or value.isprintable(), (key, value)
        assert not value.endswith("\\"), (key, value)
        if other[key].value[:1] in {"[", "{"} and key not in keys:
            assert outline(json.loads(value)) == outline(json.loads(other[key].value)), key
        elif key in keys:
            json.loads(value)
        if "rule_title" in key or "rule_description" in key or "risk_message" in key:
            assert set(re.findall(r"\$[^$]*\$", value)) <= {"$user$"}, value
    return {"[]": title, **{key: setting.value for key, setting in mine.items()}}


def check_detection(text: str, twin: str) -> dict[str, Any]:
    mine: dict[str, Any] = yaml.safe_load(text)
    other = yaml.safe_load(twin)
    assert list(mine) == list(other)
    for key, value in mine.items():
        if key not in {"references", "search"}:  # one that is no URL is in the description
            assert outline(value) == outline(other[key]), key
    assert all(isinstance(url, str) and url.isprintable() and " " not in url for url in mine["references"])
    assert re.fullmatch("[A-Za-z0-9 -]+", mine["name"])
    for key in ("description", "how_to_implement", "known_false_positives", "author"):
        assert mine[key].isprintable(), mine[key]
    assert "$" not in mine["description"]
    saved, _ = saved_search_of(text)
    assert saved.search.replace(" \\\n", "\n").replace(" \n", "\n") == mine["search"].strip()
    return mine


def outline(value: Any) -> Any:
    """Return the lists and keys of a value, with the kinds of all else."""
    match value:
        case dict():
            return {key: outline(item) for key, item in value.items()}
        case list():
            return [outline(item) for item in value]
        case _:
            return type(value).__name__


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_hostile_text_stays_in_its_place(text: str) -> None:
    places = sorted(PLACES)
    at = HOSTILE.index(text)
    for step in range(5):  # each place gets every fourth text or so
        check(FORMS[(at + step) % 2], places[(5 * at + step) % len(places)], text)
    check("es", "title", text)
    check("contentctl", "title", text)


@settings(max_examples=150, derandomize=True)
@given(st.sampled_from(FORMS), st.sampled_from(sorted(PLACES)), TEXT)
def test_any_text_stays_in_its_place(form: str, place: str, text: str) -> None:
    check(form, place, text)


@pytest.mark.parametrize("text", LONG, ids=lambda text: ascii(text[:6]))
@pytest.mark.parametrize("form", FORMS)
def test_a_long_text_stays_in_its_place(form: str, text: str) -> None:
    for place in ("title", "description", "references", "author", "value"):
        check(form, place, text)
