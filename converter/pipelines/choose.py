"""Choose the processing pipeline for rules: by their log sources, or by the names that the user gives.

    log sources, -p names ──select──> ProcessingPipeline

The built-in mapping of a log source is chosen, unless names are given; then exactly those are used, as sigma-cli
understands them: a name of an installed pipeline, a YAML file, or a folder of YAML files. Nothing here uses the
network.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from converter.errors import ConfigurationError, suggest
from converter.pipelines.fields import maps_fields
from converter.pipelines.read import load_pipeline
from converter.products.core import get_product, list_products
from converter.readers.log_source import LogSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sigma.processing.pipeline import ProcessingPipeline

    from converter.pipelines.fields import AnyRule

_SUFFIXES = (".yml", ".yaml")


def select(
    product: str, logsources: Iterable[LogSource], *, names: Sequence[str] = (), without: bool = False
) -> ProcessingPipeline:
    """Return the pipeline for rules of some log sources in a product, a new object each time.

    Args:
        product: `splunk` or `elastic`.
        logsources: of the rules that it will be applied to; each one's built-in mapping is taken, if there is one.
        names: pipelines asked for by the user, instead of the built-in ones: an installed pipeline's name, the name of
            a built-in mapping (`cloudtrail_splunk`), a YAML file, or a folder of them.
        without: no pipeline at all.

    Several are chained by priority, lowest first, and by name where priorities are equal, as pySigma does.

    Raises:
        ConfigurationError: no such pipeline, a file that is not valid (with a place), or one for another product.
    """
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    if without:
        return ProcessingPipeline()
    if names:
        found = [pair for name in names for pair in _by_name(name)]
        for name, pipeline in found:
            _check_product(name, pipeline, product)
    else:
        paths = {get_product(product).mapping_file(logsource) for logsource in logsources}
        found = [(str(path), load_pipeline(path)) for path in sorted(path for path in paths if path is not None)]
    return _chained(found)


def placeholder_pipeline(names: Sequence[str]) -> ProcessingPipeline:
    """Return only what expands placeholders of the pipelines of these names: values and wildcards.

    This much of a pipeline is about the meaning of a rule, and may touch what the reference reads; the rest is about a
    product. Conditions of an item see the rule as it is written.

    Raises:
        ConfigurationError: as `select`.
    """
    from sigma.processing.transformations import (  # noqa: PLC0415  slow to import
        ValueListPlaceholderTransformation,
        WildcardPlaceholderTransformation,
    )

    kinds = (ValueListPlaceholderTransformation, WildcardPlaceholderTransformation)
    pipeline = _chained([pair for name in names for pair in _by_name(name)])
    pipeline.items = [item for item in pipeline.items if isinstance(item.transformation, kinds)]
    return pipeline


def installed_pipelines() -> Mapping[str, Callable[[], ProcessingPipeline]]:
    """Return the pipelines that installed packages of pySigma bring, by name."""
    from sigma.plugins import InstalledSigmaPlugins  # noqa: PLC0415  slow to import

    plugins = InstalledSigmaPlugins.autodiscover(include_backends=False, include_validators=False)
    return cast("Mapping[str, Callable[[], ProcessingPipeline]]", plugins.pipelines)


def builtin_mappings() -> Mapping[str, Path]:
    """Return the files of the built-in mappings by name, for example `cloudtrail_splunk`."""
    return {name: path for product in list_products().values() for name, path in product.mappings().items()}


def logsources_of(rules: Iterable[AnyRule]) -> list[LogSource]:
    """Return the log sources of detection rules, each once, in order; correlation rules have none of their own."""
    sources = [rule.logsource for rule in rules if hasattr(rule, "logsource")]
    return list(dict.fromkeys(LogSource(source.product, source.category, source.service) for source in sources))


def _by_name(name: str) -> Iterator[tuple[str, ProcessingPipeline]]:
    """Yield the pipelines that a name stands for: names first, then files and folders, as in sigma-cli."""
    path = Path(name.rstrip("/*") or "/")
    if not name.endswith(_SUFFIXES) and "/" not in name:
        builtin = builtin_mappings()
        if name in builtin:
            yield name, load_pipeline(builtin[name])
            return
        installed = installed_pipelines()
        if name in installed:
            made = installed[name]
            yield name, made() if callable(made) else made
            return
        if not path.exists():
            known = [*builtin, *installed]
            hint = suggest(name, known) or f"a file, a folder, or one of: {', '.join(sorted(known))}"
            raise ConfigurationError(f"no pipeline is called {name!r}, and there is no such file", None, hint)
    if path.is_dir():
        files = sorted(path.rglob("*.yml"))
        if not files:
            raise ConfigurationError(f"no pipeline (*.yml) in the folder {path}")
        for file in files:
            yield str(file), load_pipeline(file)
    elif path.exists():
        yield name, load_pipeline(path)
    else:
        raise ConfigurationError(f"there is no pipeline file {name}", None, _near_file(path))


def _near_file(path: Path) -> str:
    folder = path.parent
    return suggest(path.name, [one.name for one in folder.iterdir()]) if folder.is_dir() else ""


def _check_product(name: str, pipeline: ProcessingPipeline, product: str) -> None:
    allowed = frozenset(pipeline.allowed_backends)
    if allowed and not allowed & get_product(product).backends:
        raise ConfigurationError(
            f"the pipeline {name!r} is for {', '.join(sorted(allowed))}, not for {product}", None, "choose another one"
        )


def _chained(found: list[tuple[str, ProcessingPipeline]]) -> ProcessingPipeline:
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    chained = ProcessingPipeline()
    for _, pipeline in sorted(found, key=lambda pair: (pair[1].priority, pair[0])):
        chained += pipeline
    mapping = [pipeline for _, pipeline in found if any(map(maps_fields, pipeline.items))]
    if all(pipeline.allowed_backends for pipeline in mapping):  # pySigma forgets these when it adds pipelines
        chained.allowed_backends = frozenset(name for pipeline in mapping for name in pipeline.allowed_backends)
    return chained
