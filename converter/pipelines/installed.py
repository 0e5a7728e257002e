"""The pipelines of installed pySigma packages, and the packages that have those which are not installed.

modules sigma.pipelines.* ──pySigma's discovery──> name -> what builds the pipeline
name ──PACKAGES──> the package to install
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from converter.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sigma.processing.pipeline import ProcessingPipeline

# The names that pySigma's discovery gives the pipelines of packages on PyPI (docs/pipelines.md).
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "pysigma-pipeline-ocsf": ("ocsf",),
    "pysigma-pipeline-rclinuxedr": ("rclinuxedr",),
    "pysigma-pipeline-sysmon": ("sysmon",),
    "pysigma-pipeline-windows": ("windows-logsources", "windows-audit"),
    "pysigma-backend-carbonblack": ("carbonblack", "carbonblackresponse", "carbonblackevents"),
    "pysigma-backend-cortexxdr": ("CortexXDR",),
    "pysigma-backend-crowdstrike": ("crowdstrike_fdr", "crowdstrike_falcon"),
    "pysigma-backend-databricks": ("snake_case",),
    "pysigma-backend-elasticsearch": (
        "ecs_windows",
        "ecs_windows_old",
        "ecs_zeek_beats",
        "ecs_zeek_corelight",
        "ecs_kubernetes",
        "ecs_macos_esf",
    ),
    "pysigma-backend-kusto": ("azure_monitor", "microsoft_365_defender", "microsoft_xdr", "sentinel_asim"),
    "pysigma-backend-logpoint": (
        "logpoint_windows",
        "logpoint_o365",
        "logpoint_azure",
        "logpoint_linux",
        "logpoint_defer_contains",
    ),
    "pysigma-backend-loki": ("loki_grafana_logfmt", "loki_promtail_sysmon", "loki_okta_system_log"),
    "pysigma-backend-netwitness": ("netwitness_windows",),
    "pysigma-backend-panther": (
        "panther",
        "carbon_black_panther",
        "crowdstrike_panther",
        "sentinelone_panther",
        "sysmon_panther",
        "windows_audit_panther",
        "windows_logsource_panther",
    ),
    "pysigma-backend-qradar-aql": ("qradar-aql-payload", "qradar-aql-fields"),
    "pysigma-backend-secops": ("secops_udm",),
    "pysigma-backend-sentinelone": ("sentinelone",),
    "pysigma-backend-sentinelone-pq": ("sentinelonepq",),
    "pysigma-backend-splunk": ("splunk_windows", "splunk_sysmon_acceleration", "splunk_cim"),
    "pysigma-backend-sumologic": ("sumologic_cse",),
    "pysigma-backend-uberagent": ("uberagent",),
}
_PREFIX = "sigma.pipelines."


@dataclass(frozen=True, slots=True)
class Installed:
    """The pipelines of installed packages.

    Attributes:
        builders: what returns a pipeline, by the pipeline's name.
        broken: why a module with pipelines cannot be imported, by the module's name.
    """

    builders: Mapping[str, Callable[[], ProcessingPipeline]] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    def build(self, name: str) -> ProcessingPipeline:
        """Return a new pipeline. Raises ConfigurationError if the package cannot build it."""
        from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

        builder: Any = self.builders[name]
        try:
            pipeline = builder() if callable(builder) else builder
        except Exception as error:  # noqa: BLE001  code of strangers
            raise ConfigurationError(f"the pipeline {name!r} cannot be built: {error}") from None
        if not isinstance(pipeline, ProcessingPipeline):
            raise ConfigurationError(f"{name!r} of an installed package is not a pipeline")
        if pipeline.postprocessing_items or pipeline.finalizers:
            from converter.pipelines.steps import with_own_templates  # noqa: PLC0415  slow to import

            with_own_templates(pipeline)
        return pipeline


@cache
def find_installed() -> Installed:
    """Return the pipelines of installed packages, under the names that sigma-cli gives them.

    A package whose module cannot be imported, because it needs another version of pySigma, does not hide the others.
    """
    import sigma.pipelines  # noqa: PLC0415  slow to import
    from sigma.plugins import InstalledSigmaPlugins  # noqa: PLC0415

    _separate_instances()
    broken: dict[str, str] = {}
    for module in pkgutil.iter_modules(sigma.pipelines.__path__, _PREFIX):
        try:
            importlib.import_module(module.name)
        except Exception as error:  # noqa: BLE001  code of strangers
            broken[module.name.removeprefix(_PREFIX)] = str(error)
            sys.modules[module.name] = ModuleType(module.name)  # pySigma's discovery would fail as a whole
    plugins = InstalledSigmaPlugins.autodiscover(include_backends=False, include_validators=False)
    return Installed(cast("Mapping[str, Callable[[], ProcessingPipeline]]", plugins.pipelines), broken)


def package_of(name: str) -> str:
    """Return the package on PyPI that has a pipeline; an empty string if it is not known."""
    return next((package for package, names in PACKAGES.items() if name in names), "")


def _separate_instances() -> None:
    """Have `@Pipeline` return an object for each function, as pySigma 2.0 does.

    In pySigma 1.5 all functions with this decorator share one object, which builds the pipeline of the function that
    was decorated last. So `-p sysmon` could build a pipeline of another package.
    """
    from sigma.pipelines.base import Pipeline  # noqa: PLC0415  slow to import

    shared: Any = Pipeline
    if shared(None) is not shared(None):
        return

    def create(cls: Any, *_args: object, **_options: object) -> Any:
        if cls is Pipeline:
            return object.__new__(cls)
        if "_instance" not in cls.__dict__:
            cls._instance = object.__new__(cls)
        return cls.__dict__["_instance"]

    shared.__new__ = create
    # Modules that were imported before have the shared object; the innermost are imported again first.
    for name in sorted((name for name in sys.modules if name.startswith(_PREFIX)), key=lambda name: -name.count(".")):
        module = sys.modules[name]
        if any(type(value) is Pipeline for value in vars(module).values()):
            importlib.reload(module)
