"""Templates as steps of pySigma's pipelines, rendered here instead of there. Slow to import, as pySigma is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sigma.processing.finalization import Finalizer
from sigma.processing.postprocessing import QueryPostprocessingTransformation
from sigma.processing.templates import TemplateBase

from converter.errors import RefusedError
from converter.pipelines.template_data import pipeline_data, rule_data
from converter.pipelines.templates.budget import Budget, TemplateError
from converter.pipelines.templates.simple import SimpleTemplate

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.errors import Place
    from converter.pipelines.fields import AnyRule
    from converter.pipelines.templates.interpreter import Template


def _nowhere(_line: int) -> None:
    return None


@dataclass
class QueryTemplate(QueryPostprocessingTransformation):
    """A `template` or a `simple_template` of postprocessing.

    Attributes:
        template: the text, for those who look for names in it.
        parsed: the template.
        locate: the place of a line of the template.
    """

    template: str = ""
    parsed: Template | SimpleTemplate | None = field(default=None, repr=False)
    locate: Callable[[int], Place | None] = field(default=_nowhere, repr=False, compare=False)

    @property
    def kind(self) -> str:
        """The type of the item, as a file names it."""
        return "simple_template" if isinstance(self.parsed, SimpleTemplate) else "template"

    def apply(self, rule: AnyRule, query: Any) -> str:
        """Return the text for a query. Raises RefusedError."""
        super().apply(rule, query)
        shown = str(query)
        values = {"query": shown, "rule": rule_data(rule), "pipeline": pipeline_data(self._pipeline)}
        assert self.parsed is not None  # noqa: S101  every step is made with it
        try:
            return self.parsed.render(values, Budget(characters=len(shown)))
        except TemplateError as error:
            raise _refused(error, rule, self.locate) from None


@dataclass
class OutputTemplate(Finalizer):
    """A `template` of finalizers."""

    template: str = ""
    parsed: Template | None = field(default=None, repr=False)
    locate: Callable[[int], Place | None] = field(default=_nowhere, repr=False, compare=False)
    kind = "template"

    def apply(self, queries: list[Any]) -> str:
        """Return the text for all queries. Raises RefusedError."""
        texts = [str(query) for query in queries] if isinstance(queries, list) else str(queries)
        values = {"queries": texts, "pipeline": pipeline_data(self._pipeline)}
        assert self.parsed is not None  # noqa: S101  every step is made with it
        try:
            return self.parsed.render(values, Budget(len(texts), sum(map(len, texts))))
        except TemplateError as error:
            raise _refused(error, None, self.locate) from None


def with_own_templates(pipeline: Any) -> None:
    """Have the templates of an installed pipeline rendered here, where they ask for nothing but data.

    A package is code that the user has installed: what else its templates ask for, pySigma gives them.
    """
    for item in pipeline.postprocessing_items:
        nested = getattr(item.transformation, "_nested_pipeline", None)
        if nested is not None:
            with_own_templates(nested)
        elif (parsed := _data_only(item.transformation)) is not None:
            own = QueryTemplate(item.transformation.template, parsed)
            own.set_processing_item(item)
            own.set_pipeline(pipeline)
            item.transformation = own
    for index, finalizer in enumerate(pipeline.finalizers):
        if (parsed := _data_only(finalizer)) is not None:
            pipeline.finalizers[index] = OutputTemplate(finalizer.template, parsed)
            pipeline.finalizers[index].set_pipeline(pipeline)


def _data_only(step: Any) -> Template | None:
    """Return the template of a step of pySigma; None if it has none, reads files, or asks for more than data."""
    from converter.pipelines.templates.interpreter import parse_template  # noqa: PLC0415  Jinja is slow to import

    if not isinstance(step, TemplateBase) or step.path is not None or step.vars is not None:
        return None
    try:
        return parse_template(step.template, autoescape=step.autoescape)
    except TemplateError:
        return None


def _refused(error: TemplateError, rule: AnyRule | None, locate: Callable[[int], Place | None]) -> RefusedError:
    of = "the queries" if rule is None else f"the query of {str(rule.name or rule.id or rule.title)!r}"
    line = f", in its line {error.line}" if error.line else ""
    return RefusedError(
        f"the template of the pipeline fails on {of}{line}: {error.message}", "pipeline", locate(error.line), error.hint
    )
