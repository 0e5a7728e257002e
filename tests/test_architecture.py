"""The rules of ARCHITECTURE.md that a machine can check: who imports whom, and the traps of the name `sigma`."""

from __future__ import annotations

import ast
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = ROOT / "converter"
TARGETS = sorted(path.name for path in (PACKAGE / "targets").iterdir() if (path / "engine").exists())
# Files of a target's folder that are not its engine; so are those in a folder `emitter`.
OTHERS = {"__init__.py", "emit.py", "replay.py", "regex_to_java.py", "regex_to_lucene.py", "write.py"}
# The rule-file engine runs the queries inside a rule file with the engines of their languages.
MAY_USE_ENGINES = {"elastic_toml": {"kql", "eql", "esql"}}
# What the engines of a vendor share is in the room of its product; how it ingests and what it maps is not for them.
SHARED = dict.fromkeys(("esql", "eql", "kql", "elastic_toml"), "elastic")
NOT_SHARED = {"ingest", "mappings"}


def is_engine(name: str) -> bool:
    return name not in OTHERS and name != "emitter.py"


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in the file, as dotted names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                found.update(alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                found.add(module)
                found.update(f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom():
                raise AssertionError(f"{path}: a relative import")
            case _:
                pass
    return found


def engine_files() -> list[Path]:
    return [
        path
        for target in TARGETS
        for path in sorted((PACKAGE / "targets" / target).rglob("*.py"))
        if is_engine(path.name) and path.parent.name != "emitter"
    ]


def shown(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_every_target_is_known_here() -> None:
    assert set(TARGETS) == {"splunk", "esql", "eql", "kql", "elastic_toml"}


@pytest.mark.parametrize("path", engine_files(), ids=shown)
def test_an_engine_stands_alone(path: Path) -> None:
    own = path.relative_to(PACKAGE / "targets").parts[0]
    allowed = {own, *MAY_USE_ENGINES.get(own, set())}
    for module in imports(path):
        assert module.split(".")[0] != "sigma", f"imports pySigma: {module}"
        if not module.startswith("converter"):
            continue
        if module.startswith(("converter.errors", "converter.readers", "converter.targets.feature")):
            continue
        if module in {"converter", "converter.targets"}:
            continue
        parts = module.split(".")
        if parts[1] == "products" and own in SHARED:
            assert parts[2:3] in ([], [SHARED[own]]), f"imports another product: {module}"
            assert not NOT_SHARED & set(parts), f"imports {module}"
            continue
        assert parts[1] == "targets", f"imports {module}"
        assert len(parts) < 3 or parts[2] in allowed, f"imports another engine: {module}"
        assert len(parts) < 4 or is_engine(f"{parts[3]}.py"), f"imports an emitter: {module}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "products" / "elastic").glob("*.py")), ids=shown)
def test_what_engines_share_knows_no_engine(path: Path) -> None:
    for module in imports(path):
        if module.startswith("converter"):
            own = module.startswith("converter.products.elastic") and not NOT_SHARED & set(module.split("."))
            assert own or module.startswith("converter.products.core") or module == "converter.products", module


def test_nothing_of_splunk_comes_to_what_is_elastics() -> None:
    """Not even by way of other modules; registries import by name."""
    rooms = ("targets/splunk", "products/splunk", "live/splunk")
    pending = [path for room in rooms for path in (PACKAGE / room).rglob("*.py")]
    seen = set(pending)
    while pending:
        path = pending.pop()
        for module in imports(path):
            assert not module.startswith("converter.products.elastic"), f"{path} imports {module}"
            place = ROOT.joinpath(*module.split("."))
            for file in (place.with_suffix(".py"), place / "__init__.py"):
                if module.startswith("converter") and file.is_file() and file not in seen:
                    seen.add(file)
                    pending.append(file)


@pytest.mark.parametrize("path", sorted((PACKAGE / "reference").glob("*.py")), ids=shown)
def test_the_reference_imports_no_target_view_or_harness(path: Path) -> None:
    allowed = ("converter.errors", "converter.plan", "converter.reference")
    for module in imports(path):
        if module.startswith("converter"):
            assert module == "converter" or module.startswith(allowed), f"imports {module}"
        assert module.split(".")[0] != "sigma", "the reference reads plans, not pySigma's rules"


@pytest.mark.parametrize("path", sorted((PACKAGE / "views").rglob("*.py")), ids=shown)
def test_a_view_knows_no_mapping_and_no_target(path: Path) -> None:
    for module in imports(path):
        if module.startswith("converter"):
            assert module in {"converter", "converter.errors"} or module.startswith("converter.products.core"), module


@pytest.mark.parametrize(
    "path", sorted([*(PACKAGE / "targets").glob("*/emit.py"), *(PACKAGE / "targets").glob("*/emitter/*.py")]), ids=shown
)
def test_an_emitter_does_not_import_an_engine(path: Path) -> None:
    for module in imports(path):
        parts = module.split(".")
        if parts[:2] == ["converter", "targets"] and len(parts) > 3:
            assert not is_engine(f"{parts[3]}.py"), f"imports {module}"
        assert parts[0] != "sigma", f"imports pySigma: {module}"


# What a live adapter may have of an engine: its parser and its tree, to find a place in a query; and of a rule file,
# when it runs. Whatever matches or counts must be the product's.
PARTS_FOR_LIVE = {"parse", "syntax", "rule", "schedule"}


@pytest.mark.parametrize("path", sorted((PACKAGE / "live").glob("elasticsearch*.py")), ids=shown)
def test_an_adapter_of_elasticsearch_computes_nothing_with_an_engine(path: Path) -> None:
    for module in imports(path):
        parts = module.split(".")
        if parts[:2] == ["converter", "targets"] and len(parts) > 3:
            assert parts[3] in PARTS_FOR_LIVE, f"imports {module}"
        assert parts[0] not in {"sigma", "splunklib"}, f"imports {module}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "live").glob("*.py")), ids=shown)
def test_a_package_of_a_product_is_imported_only_when_it_is_used(path: Path) -> None:
    """Not where a module is loaded: `sigma-convert` works without the extras, and starts as fast."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not {name.split(".")[0] for name in names} & {"elasticsearch", "elastic_transport", "splunklib"}


def test_targets_are_registered_by_entry_point_only() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    registered = project["entry-points"]["converter.targets"]
    assert {value.split(":")[0].rsplit(".", 1)[1] for value in registered.values()} == set(TARGETS)


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
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["packages"] == ["converter"]
