"""One door to all importers: files of a named format in, a scenario out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hms.documents import Problem, nearest
from hms.errors import ManifestError
from hms.scenarios.importers.assemble import Import, Labels, assemble
from hms.scenarios.importers.compose import read_compose
from hms.scenarios.importers.findings import Findings
from hms.scenarios.importers.guesses import RANGES_FILE
from hms.scenarios.importers.kubernetes import read_kubernetes
from hms.scenarios.importers.other_kind import other_kind

FORMATS: dict[str, Callable[[Sequence[str | Path]], Findings]] = {
    "kubernetes": read_kubernetes,
    "compose": read_compose,
}
"""Readers by the name that the command line and experiment files use."""


def import_scenario(
    format_name: str,
    paths: Sequence[str | Path],
    labels: Labels,
    overlays: Sequence[str | Path] = (),
    ranges: str | Path = RANGES_FILE,
) -> Import:
    """A scenario from a team's own files.

    Args:
        format_name: a key of `FORMATS`.
        paths: files, and folders that are searched for YAML and JSON files.
        labels: name of the scenario; repository and commit of the files, if known.
        overlays: partial scenarios laid over what the files say, in this order.
        ranges: guesses for what the files never say.

    Raises:
        ManifestError: nothing can be imported; the message says what to supply.
        ScenarioError: an overlay or the ranges file is wrong.
    """
    reader = FORMATS.get(format_name)
    if reader is None:
        near = nearest(format_name, FORMATS)
        what = f"unknown format `{format_name}`"
        raise ManifestError([Problem((), what, ", ".join(FORMATS), near)], None)
    return assemble(_read(reader, format_name, paths), labels, overlays, ranges)


def _read(
    reader: Callable[[Sequence[str | Path]], Findings],
    format_name: str,
    paths: Sequence[str | Path],
) -> Findings:
    """What the files say; where that is nothing, whether they are of the other format."""
    try:
        findings = reader(paths)
    except ManifestError as refused:
        raise other_kind(format_name, paths) or refused from None
    if not findings.components:
        told = other_kind(format_name, paths)
        if told is not None:
            raise told
    return findings
