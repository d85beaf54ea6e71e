"""Which targets there are, and one export: files, rows, remarks.

An export is built in memory and checked before anything is written; a parameter without a row
is a bug of the exporter, not of the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hms import __version__
from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import step_table, table
from hms.documents import Problem, dump_yaml, write_whole
from hms.errors import HmsError, InputError, ScenarioError
from hms.experiments.export import envoy, envoy_check, envoy_terms, hms, loss_text
from hms.experiments.export.loss import Ledger, Row, as_mapping, dumps, merged, uncovered
from hms.scenarios.model import Scenario

TOPOLOGY_WANTED = (
    "--topology SCENARIO.yaml: the components that call each other, with their addresses and"
    " replicas; `hms import kubernetes|compose` writes one"
)


@dataclass(frozen=True, slots=True)
class Target:
    """One stack that can load a policy.

    Attributes:
        needs: what it cannot be written without; "" if a policy is enough.
        how: one line on how it says a parameter.
    """

    name: str
    what: str
    needs: str
    how: Callable[[str], str]


TARGETS: Mapping[str, Target] = {
    "hms": Target(
        "hms", "the runtime's own configuration", "", lambda parameter: "exact: policy.yaml"
    ),
    "envoy": Target(
        "envoy", "Envoy v3 bootstraps, one for each caller", TOPOLOGY_WANTED, envoy_terms.how
    ),
}


@dataclass(slots=True)
class Export:
    """Everything that one export will write.

    Attributes:
        files: text by name, relative to the export's folder.
    """

    policy: HealingPolicy
    targets: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def report(self) -> dict[str, object]:
        """The report as data."""
        about = {
            "policy_sha256": self.policy.sha256,
            "targets": list(self.targets),
            "files": sorted(self.files),
        }
        return as_mapping(self.rows, self.notes, about)

    def save(self, folder: Path) -> list[Path]:
        """Write all files and the report, each whole.

        Raises:
            InputError: the folder holds files of another export that would stay beside ours.
        """
        texts = {**self.files, "loss.json": dumps(self.report())}
        texts["loss.md"] = loss_text.page(self.rows, self.notes, self.policy.sha256)
        strangers = self._strangers(folder)
        if strangers:
            what = f"holds files of another export: {', '.join(strangers)}"
            raise InputError([Problem((), what, "an empty or new folder")], str(folder))
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
        return [folder / name for name in texts]

    def _strangers(self, folder: Path) -> list[str]:
        return sorted(
            path.relative_to(folder).as_posix()
            for target in self.targets
            for path in (folder / target).glob("*.yaml")
            if path.relative_to(folder).as_posix() not in self.files
        )


def parameters() -> list[str]:
    """Every parameter that a report must speak of, in the table's order."""
    return [row.path for row in (*table(), *step_table())]


def build(policy: HealingPolicy, scenario: Scenario | None, targets: Sequence[str]) -> Export:
    """Export to each target, in memory.

    Raises:
        ScenarioError: a target needs a topology, or more than this one says.
        InputError: what would be written is wrong although the target would accept it.
    """
    export = Export(policy, tuple(targets))
    for name in targets:
        log = Ledger(name)
        if TARGETS[name].needs and scenario is None:
            what = f"a policy alone is not enough for {name}"
            raise ScenarioError([Problem((), what, TARGETS[name].needs)], None)
        export.files |= _files(name, policy, scenario, log)
        lost = uncovered(log.rows, parameters())
        if lost:
            raise HmsError(f"export to {name} says nothing of {', '.join(lost)}")
        export.rows += merged(log.rows, parameters())
        export.notes[name] = log.notes
    return export


def _files(
    target: str, policy: HealingPolicy, scenario: Scenario | None, log: Ledger
) -> dict[str, str]:
    documents: Mapping[str, Any]
    if target == envoy.TARGET and scenario is not None:
        documents = envoy.export(policy, scenario, log)
        for caller, config in documents.items():
            wrong = envoy_check.problems(config)
            if wrong:
                raise InputError(wrong, f"{target}/{caller}.yaml")
    else:
        documents = hms.export(policy, scenario, log)
    head = f"# hms {__version__}, policy sha256 {policy.sha256}\n"
    return {f"{target}/{name}.yaml": head + dump_yaml(data) for name, data in documents.items()}
