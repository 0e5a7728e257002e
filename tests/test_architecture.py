"""The rules of ARCHITECTURE.md that a machine can check: which room imports which, and the traps of the name `sigma`.

A room is a folder; a part of it (`engine/functions`, `ingest/aws`) belongs to it. Imports in functions and those for
types count. `tests/test_rooms.py` keeps the list of all arrows; here is which there may be.
"""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from rooms import circles, module_graph, modules, room_graph

from tests.support.paths import ROOT
from tests.support.targets import DEFAULTS, folder_of, product_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PACKAGE = ROOT / "converter"

# Room -> the rooms that it may import besides itself. `{target}` and `{product}` are any folder there, and on the right
# the same one; of a target, `{product}` is its product.
ROOMS = {
    "errors": "",
    "isolation": "errors",
    "readers": "errors",
    "plan": "errors readers",
    "lint": "errors isolation readers plan",
    "pipelines": "errors readers products",
    "rules": "errors isolation readers plan lint pipelines",
    "reference": "errors isolation plan readers",
    "logsources": "readers plan",
    "products": "errors readers",
    "products.{product}": "errors readers products",
    "products.{product}.ingest": "products products.{product}",
    "verdicts": "errors plan products reference",
    "targets": "",
    "targets.core": "errors readers plan products reference verdicts targets",
    "targets.{target}": "errors plan reference targets.core targets.{target}.emitter targets.{target}.engine"
    " targets.{target}.saved_search",
    "targets.{target}.emitter": "errors plan verdicts targets.core products.{product}",
    "targets.{target}.engine": "errors readers targets products.{product}",
    "targets.{target}.saved_search": "errors readers targets.{target}.engine products.{product}",
    "conversion": "errors isolation readers plan rules pipelines products verdicts targets.core",
    "harness": "errors isolation readers plan pipelines rules reference logsources products verdicts conversion live"
    " targets.core harness.cases harness.generate",
    "harness.cases": "errors isolation readers",
    "harness.generate": "plan reference",
    "live": "errors plan products targets.core",
    "live.elasticsearch": "errors readers products products.elastic live targets.core",
    "live.splunk": "errors readers products live targets.core products.splunk.ingest"
    " targets.splunk targets.splunk.saved_search",
    "report": "errors readers plan reference harness harness.cases targets.core",
    "cli": "errors isolation readers plan pipelines rules reference logsources products conversion live harness"
    " harness.cases report targets.core",
    "": "readers rules reference logsources conversion targets.core",
}
# What a room imports besides, and why.
EXCEPTIONS = {
    # A rule file holds a query of another language.
    ("targets.elastic_toml.emitter", "targets.eql.emitter"),
    ("targets.elastic_toml.emitter", "targets.esql.emitter"),
    ("targets.elastic_toml.emitter", "targets.kql.emitter"),
    ("targets.elastic_toml.engine", "targets.eql.engine"),
    ("targets.elastic_toml.engine", "targets.esql.engine"),
    ("targets.elastic_toml.engine", "targets.kql.engine"),
    # The emitter of data models evaluates a comparison on the values that a model writes in place of missing ones.
    ("targets.splunk.emitter", "reference"),
    # What only the emitters for Elastic share: the type of a field, as an index has it.
    ("targets.core", "products.elastic"),
    # An adapter finds places in a query: see PARTS_FOR_LIVE.
    ("live.elasticsearch", "targets.elastic_toml.engine"),
    ("live.elasticsearch", "targets.eql.engine"),
    ("live.elasticsearch", "targets.esql.engine"),
    ("live.elasticsearch", "targets.kql.engine"),
    ("live.splunk", "targets.splunk.engine"),
}
# Of a room, the only modules that another one may have.
PARTS = {
    ("reference", "plan"): {"nodes"},
    ("reference", "readers"): {"limits", "query_budget", "regex_budget"},
    ("products.{product}", "products"): {"core"},
    ("products.{product}.ingest", "products"): {"core", "event_time"},
    ("targets.{target}.engine", "targets"): {"feature"},
}
# What a live adapter may have of an engine: what finds a place in a query, and of a rule file, when it runs. Whatever
# matches or counts must be the product's. Of SPL each command has its node in the file of its family.
PARTS_FOR_LIVE = {"lex", "macros", "parse", "rule", "schedule", "search_parser", "syntax"}
NODES_FOR_LIVE = {"AddInfo", "AppendPipe", "InputLookup", "Lookup", "Search"}
# What two rooms that must not agree on the same mistake may both reach: no comparing, wildcards, windows or times.
COMMON = {"errors", "isolation", "readers", "targets"}
# Circles that are still there; each entry is the folder that holds them.
CIRCLES_OF_MODULES: set[str] = set()
CIRCLES_OF_ROOMS: set[str] = set()
# Packages of others -> the rooms that may import them.
PACKAGES = {
    "sigma": {"conversion", "lint", "pipelines", "plan", "rules", "verdicts"},
    "elastic_transport": {"live.elasticsearch"},
    "elasticsearch": {"live.elasticsearch"},
    "splunklib": {"live.splunk"},
}
OF_PRODUCTS = set(PACKAGES) - {"sigma"}

FILES = {name.partition(".")[2]: path for name, path in modules(ROOT).items()}
GRAPH = {
    name.partition(".")[2]: {target.partition(".")[2] for target in targets} for name, targets in module_graph().items()
}
PRODUCT_OF = {folder_of(variant): product_of(variant) for variant in DEFAULTS}
_PATTERNS = {
    rule: re.compile(rule.replace(".", r"\.").replace("{", "(?P<").replace("}", ">[a-z_0-9]+)") + r"(\.|\Z)")
    for rule in sorted(ROOMS, key=lambda rule: (rule.count("."), "{" not in rule), reverse=True)
    if rule
}


@cache
def room_of(module: str) -> tuple[str, str, dict[str, str]]:
    """Return the room of a module, its rule, and what stands for the names in braces."""
    if not module:
        return "", "", {}
    for rule, pattern in _PATTERNS.items():
        match = pattern.match(module)
        # The module of a folder, `targets.core.target`, is not the folder of a target.
        if match and (rule.count(".") < module.count(".") or is_folder(module) or "{" not in rule):
            names = match.groupdict()
            if "target" in names:
                names["product"] = PRODUCT_OF.get(names["target"], "")
            return rule.format(**names), rule, names
    raise AssertionError(f"{module} is in no room: ROOMS has none for it")


def is_folder(module: str) -> bool:
    return FILES[module].name == "__init__.py"


def may_import(module: str) -> set[str]:
    """Return the rooms that a module may import, its own included."""
    room, rule, names = room_of(module)
    allowed = {room, *(other.format(**names) for other in ROOMS[rule].split())}
    return allowed | {other for importer, other in EXCEPTIONS if importer == room}


def reached(rooms: Iterable[str]) -> set[str]:
    """Return the rooms that these reach by imports, themselves included."""
    wanted = set(rooms)
    pending = [module for module in GRAPH if room_of(module)[0] in wanted]
    seen = set(pending)
    while pending:
        new = GRAPH[pending.pop()] - seen
        seen |= new
        pending += new
    return {room_of(module)[0] for module in seen}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def names_of(node: ast.AST) -> list[str]:
    """Return what an import statement imports from; of any other node, nothing."""
    match node:
        case ast.Import(aliases):
            return [alias.name for alias in aliases]
        case ast.ImportFrom(module=str(name), level=0):
            return [name]
        case ast.ImportFrom():
            raise AssertionError("a relative import")
        case _:
            return []


def imported_from(module: str, target: str) -> set[str]:
    """Return the names that a module imports from another one."""
    return {
        alias.name
        for node in ast.walk(tree_of(FILES[module]))
        if isinstance(node, ast.ImportFrom) and node.module == f"converter.{target}"
        for alias in node.names
    }


# ---------------------------------------------------------------------------------------------------- who imports whom


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_a_module_imports_only_rooms_below(module: str) -> None:
    allowed = may_import(module)
    for target in sorted(GRAPH[module]):
        assert room_of(target)[0] in allowed, f"{module} imports {target}"


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_a_module_imports_only_the_parts_meant_for_it(module: str) -> None:
    room, rule, _ = room_of(module)
    for target in sorted(GRAPH[module]):
        other, other_rule, _ = room_of(target)
        part = target.removeprefix(f"{other}.").partition(".")[0]
        if other not in {room, target} and (rule, other_rule) in PARTS:
            assert part in PARTS[rule, other_rule], f"{module} imports {target}"
        of_engine = room.startswith("live.") and other_rule == "targets.{target}.engine"
        if of_engine and target.rpartition(".")[2] not in PARTS_FOR_LIVE:
            assert imported_from(module, target) <= NODES_FOR_LIVE, f"{module} imports {target}"


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_packages_of_others_stay_in_their_rooms(module: str) -> None:
    imported = {name.partition(".")[0] for node in ast.walk(tree_of(FILES[module])) for name in names_of(node)}
    for package in imported & set(PACKAGES):
        assert room_of(module)[0] in PACKAGES[package], f"{module} imports {package}"


@pytest.mark.parametrize("module", sorted(module for module in GRAPH if module.startswith("live")))
def test_a_package_of_a_product_is_imported_only_when_it_is_used(module: str) -> None:
    """Not where a module is loaded: `sigma-convert` works without the extras, and starts as fast."""
    names = {name.partition(".")[0] for node in tree_of(FILES[module]).body for name in names_of(node)}
    assert not names & OF_PRODUCTS


@pytest.mark.parametrize("exception", sorted(EXCEPTIONS), ids=" -> ".join)
def test_an_exception_is_still_needed(exception: tuple[str, str]) -> None:
    importer, other = exception
    used = {room_of(target)[0] for module in GRAPH if room_of(module)[0] == importer for target in GRAPH[module]}
    assert other in used, "take it out of EXCEPTIONS"


def test_every_rule_has_a_room() -> None:
    assert set(ROOMS) == {room_of(module)[1] for module in GRAPH}


# -------------------------------------------------------------------------------------------------------- independence

ENGINES = {target: f"targets.{target}.engine" for target in PRODUCT_OF}


@pytest.mark.parametrize("target", ENGINES)
def test_an_engine_shares_nothing_with_the_reference(target: str) -> None:
    assert reached([ENGINES[target]]) & reached(["reference"]) <= COMMON


@pytest.mark.parametrize("target", ENGINES)
def test_an_engine_knows_no_rule_and_no_emitter(target: str) -> None:
    beyond = reached([ENGINES[target]]) - COMMON - {f"products.{PRODUCT_OF[target]}"}
    assert all(re.fullmatch(r"targets\.\w+\.(engine|saved_search)|products", room) for room in beyond), beyond


def test_engines_of_two_products_share_nothing() -> None:
    by_product = {
        product: reached(room for target, room in ENGINES.items() if PRODUCT_OF[target] == product)
        for product in set(PRODUCT_OF.values())
    }
    assert len(by_product) > 1
    for product, rooms in by_product.items():
        for other, others in by_product.items():
            if product != other:
                assert rooms & others <= {*COMMON, "products"}, f"{product}, {other}"


@pytest.mark.parametrize("target", PRODUCT_OF)
def test_an_emitter_reaches_no_engine(target: str) -> None:
    rooms = reached([f"targets.{target}.emitter"])
    assert not [room for room in rooms if room.endswith((".engine", ".saved_search", ".ingest"))]


@pytest.mark.parametrize("product", sorted(set(PRODUCT_OF.values())))
def test_nothing_of_a_product_comes_to_another(product: str) -> None:
    """Not even by way of other modules; registries import by name."""
    targets = [f"targets.{target}" for target, its in PRODUCT_OF.items() if its == product]
    own = [room for module in GRAPH if (room := room_of(module)[0]).startswith((f"products.{product}", *targets))]
    others = set(PRODUCT_OF.values()) - {product}
    assert own
    assert not [room for room in reached(own) if room.startswith(tuple(f"products.{other}" for other in others))]


# ------------------------------------------------------------------------------------------------------------- circles


def check_circles(graph: dict[str, set[str]], folders: set[str]) -> None:
    """Check that every circle is within one of the folders, and that each folder still has one."""
    left = set(folders)
    for circle in circles(graph):
        names = [name.partition(".")[2] for name in circle]
        homes = {folder for folder in folders if all(f"{name}.".startswith(f"{folder}.") for name in names)}
        assert homes, f"a circle: {' '.join(names)}"
        left -= homes
    assert not left, "no circle is left there: take it out of the list"


def test_there_is_no_circle_of_modules() -> None:
    check_circles(module_graph(), CIRCLES_OF_MODULES)


def test_there_is_no_circle_of_rooms() -> None:
    check_circles(room_graph(), CIRCLES_OF_ROOMS)


# -------------------------------------------------------------------------------------------------------------- layout


def test_no_module_is_loose_in_the_root() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "conversion", "errors", "isolation"}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("group", "name", "shared"), [("targets", "TARGET", {"core"}), ("products", "PRODUCT", set())])
def test_what_is_registered_is_a_folder(group: str, name: str, shared: set[str]) -> None:
    """Targets and products are registered by entry point only, and all of them are."""
    registered = project()["project"]["entry-points"][f"converter.{group}"].values()
    folders = {path.parent.name for path in (PACKAGE / group).glob("*/__init__.py")} - shared
    assert {value.removeprefix(f"converter.{group}.") for value in registered} == {f"{each}:{name}" for each in folders}


def test_a_target_has_an_emitter_and_an_engine() -> None:
    folders = {path.parent for path in (PACKAGE / "targets").glob("*/__init__.py")} - {PACKAGE / "targets" / "core"}
    assert set(PRODUCT_OF) == {folder.name for folder in folders}
    for folder in folders:
        assert {"emitter", "engine"} <= {path.parent.name for path in folder.glob("*/__init__.py")}, folder


def test_nothing_in_the_folder_sigma_can_be_imported() -> None:
    import sigma.rule  # noqa: PLC0415, F401  ours must not shadow it

    upstream = {
        "backends", "collection", "conditions", "conversion", "correlations", "data", "exceptions", "filters",
        "modifiers", "pipelines", "plugins", "processing", "rule", "types", "validation", "validators",
    }  # fmt: skip
    assert not list((ROOT / "sigma").rglob("*.py"))
    assert not upstream & {path.name for path in (ROOT / "sigma").iterdir()}
    assert not (ROOT / "sigma.py").exists()
    assert not (ROOT / "tests" / "sigma").exists()


def test_only_rules_are_in_the_folder_sigma() -> None:
    assert {path.suffix for path in (ROOT / "sigma").rglob("*") if path.is_file()} == {".yml"}


def test_the_wheel_holds_the_package_alone() -> None:
    assert project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["converter"]
