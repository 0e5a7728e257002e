"""Write docs/engines.md: what each engine runs, and what it refuses, from the tables that the engines run by.

    python tools/engines_page.py

    targets ──find_engine──> Engine.features() ──section──> docs/engines.md

tests/targets/test_engines_page.py checks that the page is what this tool writes, and that it is true.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from converter.targets.core.engines import find_engine
from converter.targets.core.registry import list_targets
from converter.targets.core.target import FOREIGN
from converter.targets.feature import ALL, Feature, FeatureKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.targets.core.target import Target

PAGE = Path(__file__).resolve().parent.parent / "docs" / "engines.md"
KINDS: tuple[FeatureKind, ...] = get_args(FeatureKind)
TOGETHER = frozenset({"function", "aggregation", "operator"})
"""The kinds of which a row holds several names that take the same."""

MOST_NAMES = 6
"""How many names a row holds."""

MOST_SHOWN = 20
"""How many refused names are shown without a click."""

INTRODUCTION = """\
# What each engine runs

A query is tested without Splunk and without Elasticsearch: each language has an engine here. This page lists what each
engine runs. What it does not list, the engine refuses with an error; where the language has it, the error names it.

`tools/engines_page.py` writes this page from the tables that the engines run by. `tests/targets/test_engines_page.py`
checks it: a case uses everything that is listed, and what is refused is refused with its name in the message. How an
engine behaves, and where that is documented, is in the `NOTES.md` beside it.
"""


def page() -> str:
    """Return the text of the page."""
    engines = [(target, find_engine(target.language).features()) for target in own_targets()]
    parts = [INTRODUCTION, counts(engines)]
    parts += [section(target, features) for target, features in engines]
    return "\n".join(parts)


def own_targets() -> list[Target]:
    """Return the targets that have an engine of their own."""
    return [target for name, target in list_targets().items() if not name.startswith(FOREIGN)]


def counts(engines: Sequence[tuple[Target, Sequence[Feature]]]) -> str:
    """Return the table of how many features of each kind each engine runs, and how many names it refuses."""
    kinds = [kind for kind in KINDS if any(feature.kind == kind for _, features in engines for feature in features)]
    rows = []
    for target, features in engines:
        run = [sum(feature.kind == kind and feature.refused != ALL for feature in features) for kind in kinds]
        refused = sum(feature.refused == ALL for feature in features)
        rows.append([f"[{target.description}](#{anchor(target)})", *(str(count or "") for count in run), str(refused)])
    heads = ["engine", *(plural(kind) for kind in kinds), "refused by name"]
    return table(heads, rows)


def section(target: Target, features: Sequence[Feature]) -> str:
    """Return what is said of one engine."""
    lines = [f"## {target.name}", "", f"{target.description}: [NOTES.md]({notes(target)})", ""]
    for kind in KINDS:
        chosen = [feature for feature in features if feature.kind == kind and feature.refused != ALL]
        if chosen:
            lines += [f"### {plural(kind).capitalize()} of {target.name}", "", features_table(kind, chosen)]
    refused = list(refused_names(features))
    if refused:
        lines += [f"### Refused by {target.name}", "", *refused, ""]
    return "\n".join(lines)


def features_table(kind: FeatureKind, features: Sequence[Feature]) -> str:
    """Return the table of the features of one kind; columns in which no feature has anything are left out."""
    rows = [[code(feature.name), *cells(feature)] for feature in features]
    if kind in TOGETHER:
        alike: dict[tuple[str, ...], list[str]] = {}
        for name, *rest in sorted(rows, key=lambda row: row[1]):
            alike.setdefault(tuple(rest), []).append(name)
        rows = [[", ".join(names), *rest] for rest, every in alike.items() for names in batches(every)]
    heads = [kind, "takes", "options", "refused"]
    filled = [column for column in range(len(heads)) if column == 0 or any(row[column] for row in rows)]
    return table([heads[column] for column in filled], [[row[column] for column in filled] for row in rows])


def batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield names, as many as a row holds."""
    for start in range(0, len(names), MOST_NAMES):
        yield names[start : start + MOST_NAMES]


def cells(feature: Feature) -> list[str]:
    """Return what a feature takes, its options, and what is refused of it."""
    return [feature.arguments, ", ".join(map(code, feature.options)), feature.refused]


def refused_names(features: Sequence[Feature]) -> Iterator[str]:
    """Yield a line for each kind of names that an engine knows and does not run."""
    for kind in KINDS:
        names = [code(feature.name) for feature in features if feature.kind == kind and feature.refused == ALL]
        if names:
            label = f"{len(names)} {plural(kind) if len(names) > 1 else kind}"
            if len(names) <= MOST_SHOWN:
                yield f"- {label}: {', '.join(names)}"
            else:
                yield f"- <details><summary>{label}</summary>\n\n  {', '.join(names)}\n\n  </details>"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, with a line break after it."""
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(name: str) -> str:
    """Return a name as code."""
    return f"`{name}`"


def plural(kind: FeatureKind) -> str:
    """Return the kind of several features."""
    return f"{kind}s"


def anchor(target: Target) -> str:
    """Return the anchor that GitHub gives to the heading of a target."""
    return target.name


def notes(target: Target) -> str:
    """Return the address of the notes beside an engine, from docs/."""
    return f"../{find_engine(target.language).folder.replace('.', '/')}/NOTES.md"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
