"""Faults that Istio injects today become faults of the scenario.

The translation is the one of `hms simulate --chaos` (`scenarios/chaos/`): a fault means the same
whichever way it comes in. What a scenario cannot say of it is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hms.errors import ManifestError
from hms.scenarios.chaos.experiment import read_experiments
from hms.scenarios.chaos.translate import with_chaos
from hms.scenarios.importers.kubernetes_objects import Manifest, at, items
from hms.scenarios.model import Scenario

_SEED = "import"
"""Of what a selector leaves to chance; Istio's objects leave nothing."""


def injecting(mesh: Sequence[Manifest]) -> list[Manifest]:
    """The VirtualServices that inject faults."""
    return [
        manifest
        for manifest in mesh
        if any(at(route, "fault") for route in items(manifest.data, "spec", "http"))
    ]


def with_mesh_faults(
    scenario: Scenario, manifests: Sequence[Manifest]
) -> tuple[Scenario, list[str]]:
    """The scenario with the faults that the VirtualServices inject, and what to tell of them.

    Raises:
        ManifestError: a fault is misspelt.
    """
    cited = {manifest.document.file: manifest.file for manifest in manifests}
    wanted = {manifest.name for manifest in manifests}
    experiments = [each for each in read_experiments(list(cited)) if each.name in wanted]
    injected = [each for each in experiments if each.kind == "VirtualService"]
    try:
        struck = with_chaos(scenario.midpoint(), injected, _SEED)
    except ManifestError as nothing:
        return scenario, [f"no fault is taken from Istio's objects: {nothing}"]
    notes = [
        f"{cited[row.file]}:{row.line}: {row.experiment}, {row.field}: {row.why}; {row.done}"
        for row in struck.lost
    ]
    told = f"{struck.added} faults that Istio injects are in the scenario, from 60 s on"
    faults, horizon_s = struck.scenario.faults, struck.scenario.horizon_s
    return replace(scenario, faults=faults, horizon_s=horizon_s), [told, *notes]
