"""docs/engines.md is what tools/engines_page.py writes, and what it says of each engine is true.

`UPDATE_GOLDEN=1 pytest tests/targets/test_engines_page.py` writes the page anew. Engines are found through the targets.
"""

from __future__ import annotations

import os
import re
from functools import cache

import engines_page
import pytest

from converter.errors import QueryError
from converter.targets.core.engines import Engine, find_engine
from converter.targets.feature import ALL, Feature
from tests.support.engine_cases import all_cases
from tests.support.paths import DOCS

ENGINES = {target.language: find_engine(target.language) for target in engines_page.own_targets()}
FEATURES = [(language, feature) for language, engine in ENGINES.items() for feature in engine.features()]

# What an engine runs and no data case uses, with the reason; an entry that a case uses fails.
UNUSED: dict[tuple[str, str], str] = {}


def folder(engine: Engine) -> str:
    return engine.folder.rpartition(".")[2]


@cache
def texts(language: str) -> str:
    """Return everything that the data cases of an engine run without an error."""
    own = folder(ENGINES[language])
    return "\n".join(case.text for case in all_cases() if case.folder == own and not case.fails)


@cache
def messages(language: str) -> str:
    """Return the messages of the errors that the data cases of an engine raise."""
    own = folder(ENGINES[language])
    return "\n".join(message_of(case.run) for case in all_cases() if case.folder == own and case.fails)


def message_of(run: object) -> str:
    assert callable(run)
    with pytest.raises(QueryError) as caught:
        run()
    return caught.value.message


def used(feature: Feature, text: str) -> bool:
    """Whether a text has the name of a feature, where a function stands before a bracket."""
    words = [
        rf"(?<![\w.-]){re.escape(word)}(?![\w.-])" if word[0].isalpha() else re.escape(word)
        for word in feature.name.split()
    ]
    pattern = (r"\s+" if all(word.isalpha() for word in feature.name.split()) else r".*?").join(words)
    if feature.kind == "function":
        pattern += r"~?\s*\("
    return re.search(pattern, text, re.IGNORECASE | re.DOTALL) is not None


def test_the_page_is_what_the_tool_writes() -> None:
    page = DOCS / "engines.md"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(engines_page.page(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == engines_page.page()


@pytest.mark.parametrize("language", ENGINES)
def test_a_feature_is_listed_once(language: str) -> None:
    names = [(feature.kind, feature.name) for feature in ENGINES[language].features()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("language", "feature"),
    [
        pytest.param(*pair, id=f"{pair[0]}: {pair[1].kind} {pair[1].name}")
        for pair in FEATURES
        if pair[1].refused != ALL
    ],
)
def test_a_case_uses_what_an_engine_runs(language: str, feature: Feature) -> None:
    assert used(feature, texts(language)) is ((language, feature.name) not in UNUSED)
    for option in feature.options:
        for word in option.rpartition(".")[2].split():  # a key of a table of a rule file stands in that table
            assert re.search(rf"(?<!\w){re.escape(word)}(?!\w)", texts(language)) is not None, option


@pytest.mark.parametrize(
    ("language", "feature"),
    [pytest.param(*pair, id=f"{pair[0]}: {pair[1].kind} {pair[1].name}") for pair in FEATURES if pair[1].refused],
)
def test_what_an_engine_refuses_is_named_in_the_message(language: str, feature: Feature) -> None:
    if feature.refused != ALL:
        for part in feature.refused.split("; "):
            assert part in messages(language)
        return
    engine = ENGINES[language]
    query = engine.example(feature)
    said = messages(language) if query is None else message_of(lambda: engine.run(query, []))
    assert feature.name in said
