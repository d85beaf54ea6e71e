"""A calibration from files to overlay: fit, write, and look how far the model still is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hms.documents import load_yaml
from hms.errors import ManifestError, ScenarioError
from hms.experiments.calibration.as_overlay import is_plain, overlay_mapping, overlay_text
from hms.experiments.calibration.fitted import Calibration
from hms.experiments.calibration.left_over import Left, left_over
from hms.experiments.single_run import find_scenario
from hms.scenarios.load import load_scenario, parse_scenario
from hms.scenarios.overlay import merge
from hms.scenarios.write import scenario_to_mapping

if TYPE_CHECKING:
    from hms.scenarios.model import Scenario


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A scenario before and after, and what was found.

    Attributes:
        before, after: without and with the overlay.
        left: the error that is left of each component.
    """

    before: Scenario
    after: Scenario
    found: Calibration
    overlay: dict[str, Any]
    left: tuple[Left, ...]


def calibrated(
    name: str, overlays: Sequence[str], traces: Sequence[str], metrics: str | None, sampled: float
) -> Calibrated:
    """Calibrate a scenario by traces or by metrics.

    Raises:
        ScenarioError: the scenario or an overlay is wrong.
        ManifestError: the data are wrong, or nothing of the scenario was measured.
    """
    before = load_scenario(find_scenario(name), overlays)
    files = list(traces)
    if metrics is not None:
        from hms.experiments.calibration.metrics import calibrate_metrics

        files = [metrics]
        found = calibrate_metrics(before, metrics)
    else:
        from hms.experiments.calibration.traces import calibrate_traces

        found = calibrate_traces(before, traces, sampled)
    for load in before.workload:
        if load.entry in found.loads and not is_plain(load):
            found.notes.append(
                f"load of {load.entry}: its shape ({load.kind}) is not fitted and stays as it is"
            )
    overlay = overlay_mapping(before, found, files)
    if not {"components", "edges", "workload"} & overlay.keys():
        why = "; ".join(found.notes) or "too little of it was seen"
        raise ManifestError(f"nothing of the scenario can be fitted: {why}", files[0])
    after = with_overlay(before, overlay)
    try:
        left = tuple(left_over(after, found))
    except ScenarioError as refused:  # what the engine of means cannot run
        found.notes.append(f"the error left is not known: {refused}")
        left = ()
    return Calibrated(before, after, found, overlay, left)


def with_overlay(scenario: Scenario, overlay: dict[str, Any]) -> Scenario:
    """The scenario with an overlay over it, read as its file would be.

    Raises:
        ScenarioError: a fitted value is none that a scenario may have.
    """
    document = load_yaml(overlay_text(overlay), file="measured.overlay.yaml", error=ScenarioError)
    after, problems = parse_scenario(merge(scenario_to_mapping(scenario), document))
    if after is None:
        raise ScenarioError(problems, "the fitted values")
    return after
