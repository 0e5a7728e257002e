"""Real searches parse and compile: the detections of splunk/security_content, with plausible definitions of macros.

The searches are not part of the project; without them the test is skipped. `UNPARSED` lists each search that does not
parse and why; a search that is listed and parses fails the test, as does one that is not listed and does not.

    pytest tests/targets/splunk/test_real_searches.py -s        also prints the rates, and why searches are refused
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from functools import lru_cache
from typing import Any

import pytest

from converter.errors import QueryError
from converter.targets.splunk.engine.execute import compile_query
from converter.targets.splunk.engine.macros import Macro
from converter.targets.splunk.engine.parse import parse
from tests.support.paths import SHARED

DATA = SHARED / "spl/security_content_searches.jsonl.gz"
LEAST = 0.98
LEAST_COMPILED = 0.92

# id of a search -> a part of the error. Why, in order: a function in a search, where a bracket cannot follow a word
# (two, of which none has a test); a full stop between two values of IN; two fields that change names in one rename;
# sparkline, a statistic that makes a picture.
UNPARSED = {
    "2a9b80d3-6340-4345-b5ad-290bf5d0dac4": "expected a search term, found ','",
    "8d301246-fccf-45e2-a8e7-3655fd14379c": "expected a search term, found ','",
    "c1de2d9a-0c02-4bb4-a49a-510c6e9cf2bf": "text follows a closing quote",
    "7698b945-238e-4bb9-b172-81f5ca1685a1": "one field twice in a rename",
    "395163b8-689b-444b-86c7-9fe9ad624734": "the statistic sparkline is not supported",
}

# Why a search that parses cannot be run: a part of the error, and the reason behind it.
REFUSED = {
    "the command outputlookup is": "it writes",
    "the command mstats is": "metrics are no events",
    "the command iplocation is": "needs a database of addresses",
    "the command apply is": "needs a trained model",
    "the command summary is": "needs a trained model",
    "the command map is": "runs searches made of rows",
    "the command xmlkv is": "how it names fields is not documented well enough",
    "the command multikv is": "how it names fields is not documented well enough",
    "the command fromjson is": "what it does with names that are taken is not documented",
    "the command anomalydetection is": "how it scores is not documented",
    "tstats by _time without a span": "the span goes by the time range",
    "has no field": "the data model has no such field",
    "unknown data model": "not a data model of the CIM",
    "has several root data sets": "which one is meant is not said",
    "a keyword in the where of tstats": "a data model has no raw text",
    "a span of time for the field": "bin of a field that is not _time",
    "a field name that is made from values": "eval {field}",
    "is not a relative time": "a mistake of the search",
    "does not take a bool argument": "a mistake of the search",
}

# What a macro without arguments stands for, unless it is a command, a process, or the name of an index.
PLAIN = {
    "uacbypass_process_name": '"a.exe", "b.exe"',
    "security_content_summariesonly": "summariesonly=false allow_old_summaries=true fillnull_value=null",
}
# What a macro with arguments stands for, in macros.conf's way.
CALLED: dict[str, tuple[tuple[str, ...], str]] = {
    "security_content_ctime": (("field",), 'convert timeformat="%Y-%m-%dT%H:%M:%S" ctime($field$)'),
    "drop_dm_object_name": (("object",), 'rename "$object$.*" as "*"'),
    "cim_corporate_web_domain_search": (("field",), '$field$="*.example.com"'),
    "base64decode": (("field",), "eval decoded=$field$"),
    "get_asset": (("field",), "lookup assets ip as $field$"),
}
_COMMENT = re.compile("```.*?```", re.DOTALL)
_CALL = re.compile(r"`([^`(]+)(?:\(([^`]*)\))?`")


@lru_cache(maxsize=1)
def searches() -> list[dict[str, Any]]:
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def definitions(search: str) -> dict[tuple[str, int], Macro]:
    """Define each macro that a search calls."""
    macros = {}
    text = _COMMENT.sub(" ", search)
    for call in _CALL.finditer(text):
        name = call.group(1)
        if name in CALLED:
            names, meaning = CALLED[name]
        else:
            is_command = text[: call.start()].rstrip().endswith("|")
            names, meaning = (), PLAIN.get(name) or ("search *" if is_command else condition_of(name))
            assert not call.group(2), f"define {name} in CALLED"
        macros[name, len(names)] = Macro(name, names, meaning)
    return macros


def condition_of(name: str) -> str:
    if name.startswith("process_"):
        return f'(Processes.process_name={name.removeprefix("process_")}.exe OR Processes.original_file_name="X.EXE")'
    return f"index={name}"


@pytest.mark.skipif(not DATA.exists(), reason=f"needs the real searches at {DATA}")
def test_real_searches_parse() -> None:
    failed: dict[str, QueryError] = {}
    for search in searches():
        try:
            parse(search["search"], definitions(search["search"]))
        except QueryError as error:
            failed[search["id"]] = error
    rate = 1 - len(failed) / len(searches())
    print(f"{len(searches()) - len(failed)} of {len(searches())} real searches parse ({rate:.1%})")  # noqa: T201
    unexpected = {key: str(error) for key, error in failed.items() if UNPARSED.get(key, "?") not in error.message}
    assert not unexpected, "\n".join(f"{key}: {error}" for key, error in unexpected.items())
    assert not UNPARSED.keys() - failed.keys(), "these parse now: take them off the list"
    assert rate >= LEAST


@pytest.mark.skipif(not DATA.exists(), reason=f"needs the real searches at {DATA}")
def test_real_searches_compile() -> None:
    """What is compiled can be run; what is not is refused by a name that `REFUSED` has."""
    reasons: Counter[str] = Counter()
    unexpected: dict[str, str] = {}
    parsed = [search for search in searches() if search["id"] not in UNPARSED]
    for search in parsed:
        tree = parse(search["search"], definitions(search["search"]))
        try:
            compile_query(tree, search["search"])
        except QueryError as error:
            reason = next((part for part in REFUSED if part in error.message), None)
            if reason is None:
                unexpected[search["id"]] = str(error)
            else:
                reasons[reason] += 1
    compiled = len(parsed) - sum(reasons.values()) - len(unexpected)
    print(f"{compiled} of {len(searches())} real searches compile ({compiled / len(searches()):.1%})")  # noqa: T201
    for reason, count in reasons.most_common():
        print(f"  {count} {reason}: {REFUSED[reason]}")  # noqa: T201
    assert not unexpected, "\n".join(f"{key}: {error}" for key, error in unexpected.items())
    assert compiled / len(searches()) >= LEAST_COMPILED
