"""What is checked: a scenario file, a shipped scenario's name, or a team's own manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hms.documents import load_yaml
from hms.errors import ManifestError, ScenarioError
from hms.experiments.check.places import Places
from hms.experiments.check.system import System
from hms.experiments.single_run import SHIPPED, find_scenario
from hms.scenarios.fault_options import fault_document, with_faults
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.files import list_files, system_name
from hms.scenarios.importers.other_kind import looks_like
from hms.scenarios.importers.read import Given, import_scenario
from hms.scenarios.load import (
    load_scenario,
    located_error,
    parse_scenario,
    scenario_to_mapping,
)
from hms.scenarios.model import Scenario


def read_system(
    names: Sequence[str],
    overlays: Sequence[Path] = (),
    faults: Sequence[str] = (),
    merge: Sequence[Given] = (),
) -> tuple[System, list[str]]:
    """The system that the arguments mean, and what an import had to say.

    Args:
        names: one scenario (file or shipped name), or files and folders of manifests.
        faults: added to the scenario's own, as `--fault` takes them.
        merge: further sources beside manifests, such as traces.

    Raises:
        ScenarioError or ManifestError: neither can be read; the message says why.
    """
    if is_scenario(names):
        return _scenario(names[0], overlays, faults), []
    list_files(names)  # says which are missing
    formats = [_format_of(Path(name)) for name in names]
    missing = [name for name, found in zip(names, formats, strict=True) if not found]
    if missing:
        what = f"{missing[0]}: holds no manifest of Kubernetes or compose"
        expected = "one scenario, or manifests of one system"
        raise ManifestError(f"{what}\n    expected: {expected}")
    kinds = sorted(set(formats))
    if len(kinds) > 1:
        raise ManifestError(
            f"files of several formats: {', '.join(kinds)}\n    expected: one format"
        )
    labels = Labels(system_name(names[0]))
    found = import_scenario(kinds[0], list(names), labels, list(overlays), merge=merge)
    scenario = _with_faults(found.scenario, faults)
    return System(scenario, Places(scenario)), list(found.said)


def is_scenario(names: Sequence[str]) -> bool:
    """Whether the arguments mean a scenario, and not manifests."""
    if len(names) != 1:
        return False
    path = Path(names[0])
    return not path.is_dir() and not _format_of(path)


def _with_faults(scenario: Scenario, faults: Sequence[str]) -> Scenario:
    data = scenario_to_mapping(scenario)
    asked = [fault_document(text, data) for text in faults]
    merged = with_faults(data, asked)
    found, problems = parse_scenario(merged)
    if found is None:
        raise located_error(problems, asked, merged)
    return found if asked else scenario


def _scenario(name: str, overlays: Sequence[Path], faults: Sequence[str]) -> System:
    path = find_scenario(name)
    scenario = load_scenario(path, overlays, faults)
    documents = [load_yaml(file, error=ScenarioError) for file in (path, *overlays)]
    for document in documents:
        document.file = _short(Path(document.file))
    return System(scenario, Places(scenario, documents))


def _short(path: Path) -> str:
    """A shipped file by its name alone: where it is installed is of no use in a report."""
    return path.name if path.is_relative_to(SHIPPED) else str(path)


def _format_of(path: Path) -> str:
    """The format of most files; "" for a scenario, a shipped name, or what cannot be told."""
    if not path.exists():
        return ""
    looks = (looks_like(file) for file in list_files([path]))
    kinds = Counter(found[0] for found in looks if found is not None)
    return max(kinds, key=lambda kind: (kinds[kind], kind), default="")
