"""Pipelines of installed packages: each name has its own, and a package that is broken does not hide the others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from converter.errors import ConfigurationError
from converter.pipelines import installed
from converter.pipelines.choose import select
from converter.pipelines.installed import PACKAGES, find_installed, package_of
from converter.rules.load import parse_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DECORATED = """
from sigma.pipelines.base import Pipeline
from sigma.processing.pipeline import ProcessingPipeline

@Pipeline
def {name}_pipeline() -> ProcessingPipeline:
    return ProcessingPipeline(name="{name}")
"""
CLASS = """
from sigma.pipelines.base import Pipeline
from sigma.processing.pipeline import ProcessingPipeline

class of_a_class(Pipeline):
    def apply(self, *args, **kwargs):
        return ProcessingPipeline(name="of a class")
"""
HELPER = """
def helper(argument):
    return argument

def not_one():
    return 7
"""
MODULES = {
    "zz_first": DECORATED.format(name="zz_one"),
    "zz_second": "from .inner import zz_two_pipeline\n",
    "zz_third": CLASS,
    "zz_broken": "import a_module_that_is_not_there\n",
    "zz_helper": HELPER,
}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install packages with pipelines for the time of a test."""
    folder = tmp_path / "sigma/pipelines"
    for name, text in MODULES.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(text, encoding="utf-8")
    (folder / "zz_second/inner.py").write_text(DECORATED.format(name="zz_two"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    find_installed.cache_clear()
    yield
    find_installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith("sigma.pipelines.zz_")]:
        del sys.modules[name]


@pytest.mark.usefixtures("packages")
def test_each_decorated_function_builds_its_own_pipeline() -> None:
    names = {name: find_installed().build(name).name for name in ("zz_one", "zz_two", "of_a_class")}
    assert names == {"zz_one": "zz_one", "zz_two": "zz_two", "of_a_class": "of a class"}
    assert find_installed().build("splunk_windows").name == "Splunk Windows log source conditions"


@pytest.mark.usefixtures("packages")
def test_modules_that_were_imported_before_are_imported_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """As pySigma 1.5 leaves them: both names have the object of the function that was decorated last."""
    from importlib import import_module  # noqa: PLC0415  of this test only

    from sigma.pipelines.base import Pipeline  # noqa: PLC0415

    shared: object = object.__new__(Pipeline)
    monkeypatch.setattr(Pipeline, "__new__", lambda *_args, **_options: shared)
    first, second = (import_module(f"sigma.pipelines.{name}") for name in ("zz_first", "zz_second"))
    assert first.zz_one_pipeline is second.zz_two_pipeline
    assert {find_installed().build(name).name for name in ("zz_one", "zz_two")} == {"zz_one", "zz_two"}


@pytest.mark.usefixtures("packages")
def test_a_broken_package_is_named_where_a_name_is_not_known() -> None:
    assert list(find_installed().broken) == ["zz_broken"]
    with pytest.raises(ConfigurationError) as caught:
        select("splunk", [], names=["qqqqqqqq"])
    assert "an installed package cannot be used: zz_broken: No module named" in caught.value.hint


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(("name", "message"), [("helper", "cannot be built"), ("not_one", "is not a pipeline")])
def test_a_function_that_is_not_a_pipeline(name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        select("splunk", [], names=[name])


@pytest.mark.parametrize(
    ("name", "package"),
    [(name, package) for package, names in PACKAGES.items() for name in names],
)
def test_a_pipeline_that_is_not_installed_is_named_with_its_package(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setattr("converter.pipelines.choose.find_installed", installed.Installed)
    assert package_of(name) == package
    with pytest.raises(ConfigurationError, match="is not installed") as caught:
        select("splunk", [], names=[name])
    assert caught.value.hint == f"install the package {package}"


def test_installed_pipelines_are_in_the_table() -> None:
    names = {name for names in PACKAGES.values() for name in names}
    # Under pytest, pySigma's discovery also finds its own test pipelines.
    tests = {name for name in find_installed().builders if "test" in name.lower()}
    assert set(find_installed().builders) - tests <= names


def test_the_templates_of_a_package_are_rendered_here_if_they_are_data() -> None:
    from sigma.processing.finalization import TemplateFinalizer  # noqa: PLC0415  slow to import
    from sigma.processing.pipeline import ProcessingPipeline, QueryPostprocessingItem  # noqa: PLC0415
    from sigma.processing.postprocessing import (  # noqa: PLC0415
        NestedQueryPostprocessingTransformation,
        QueryTemplateTransformation,
    )

    from converter.pipelines.steps import OutputTemplate, QueryTemplate, with_own_templates  # noqa: PLC0415

    def item(template: str) -> QueryPostprocessingItem:
        return QueryPostprocessingItem(QueryTemplateTransformation(template))

    nested = NestedQueryPostprocessingTransformation([item("({{ query }})")])
    pipeline = ProcessingPipeline(
        postprocessing_items=[item("{{ query }}!"), item("{{ query|pprint }}"), QueryPostprocessingItem(nested)],
        finalizers=[TemplateFinalizer("{{ queries|join }}"), TemplateFinalizer("{{ queries|pprint }}")],
    )
    with_own_templates(pipeline)
    inner = nested._nested_pipeline.postprocessing_items  # noqa: SLF001  pySigma has no other way to it
    kinds = [type(given.transformation) for given in (*pipeline.postprocessing_items[:2], *inner)]
    assert kinds == [QueryTemplate, QueryTemplateTransformation, QueryTemplate]
    assert list(map(type, pipeline.finalizers)) == [OutputTemplate, TemplateFinalizer]
    rule = (
        parse_rules("title: x\nlogsource: {product: a}\ndetection: {s: {a: b}, condition: s}\n").collection().rules[0]
    )
    assert pipeline.postprocess_query(rule, "q") == "('q!')"
    assert pipeline.finalize(["a", "b"]) == "'ab'"
    with_own_templates(pipeline)  # a package may hand out the same pipeline again
    assert pipeline.postprocess_query(rule, "q") == "('q!')"
