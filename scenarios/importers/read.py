"""One door to all importers: files of named formats in, a scenario out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hms.documents import Problem, nearest
from hms.errors import ManifestError
from hms.scenarios.importers.assemble import Import, Labels, assemble
from hms.scenarios.importers.compose import read_compose
from hms.scenarios.importers.dependencies import read_dependencies
from hms.scenarios.importers.findings import Findings
from hms.scenarios.importers.graph import read_graph
from hms.scenarios.importers.guesses import RANGES_FILE
from hms.scenarios.importers.istio import apply_mesh, read_istio
from hms.scenarios.importers.istio_faults import injecting, with_mesh_faults
from hms.scenarios.importers.kubernetes import read_kubernetes
from hms.scenarios.importers.merging import merged
from hms.scenarios.importers.other_kind import other_kind
from hms.scenarios.importers.telemetry import drop_side_calls
from hms.scenarios.importers.traces import read_traces

FORMATS: dict[str, Callable[[Sequence[str | Path]], Findings]] = {
    "kubernetes": read_kubernetes,
    "compose": read_compose,
    "istio": read_istio,
    "jaeger": read_dependencies,
    "traces": read_traces,
    "graph": read_graph,
}
"""Readers by the name that the command line and experiment files use."""

MANIFESTS = ("kubernetes", "compose", "istio")
"""Formats that are YAML; files of the others can be too large to look at as such."""


@dataclass(frozen=True, slots=True)
class Given:
    """Files of one format; folders among them are searched."""

    format_name: str
    paths: Sequence[str | Path]


def import_scenario(
    format_name: str,
    paths: Sequence[str | Path],
    labels: Labels,
    overlays: Sequence[str | Path] = (),
    ranges: str | Path = RANGES_FILE,
    *,
    merge: Sequence[Given] = (),
    keep_telemetry: bool = False,
) -> Import:
    """A scenario from a team's own files.

    Args:
        format_name: a key of `FORMATS`.
        paths: files, and folders that are searched for files of the format.
        labels: name of the scenario; repository and commit of the files, if known.
        overlays: partial scenarios laid over what the files say, in this order.
        ranges: guesses for what the files never say.
        merge: further sources; the surer one wins (`merging.py`).
        keep_telemetry: keep calls to collectors of telemetry and to flag services.

    Raises:
        ManifestError: nothing can be imported; the message says what to supply.
        ScenarioError: an overlay or the ranges file is wrong.
    """
    found = [
        (each.format_name, _read(each.format_name, each.paths))
        for each in (Given(format_name, paths), *merge)
    ]
    findings = merged(found)
    apply_mesh(findings)
    if not keep_telemetry:
        drop_side_calls(findings)
    imported = assemble(findings, labels, overlays, ranges)
    faulty = injecting(findings.mesh)
    if not faulty:
        return imported
    scenario, told = with_mesh_faults(imported.scenario, faulty)
    return replace(imported, scenario=scenario, said=(*imported.said, *told))


def _read(format_name: str, paths: Sequence[str | Path]) -> Findings:
    """What the files say; where that is nothing, whether they are of another format."""
    reader = FORMATS.get(format_name)
    if reader is None:
        near = nearest(format_name, FORMATS)
        what = f"unknown format `{format_name}`"
        raise ManifestError([Problem((), what, ", ".join(FORMATS), near)], None)
    try:
        findings = reader(paths)
    except ManifestError as refused:
        told = other_kind(format_name, paths) if format_name in MANIFESTS else None
        raise told or refused from None
    if not findings.components and not findings.mesh:
        told = other_kind(format_name, paths)
        if told is not None:
            raise told
    return findings
