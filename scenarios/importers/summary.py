"""What an import tells its user: how much was found, how sure it is, what was dropped."""

from __future__ import annotations

from hms.scenarios.importers.assemble import Import
from hms.scenarios.model import Scenario
from hms.scenarios.provenance import count_by_sureness
from hms.scenarios.topology import cycles
from hms.scenarios.write import OUTSIDE


def notes(imported: Import) -> list[str]:
    """What the importer said, and cycles."""
    circles = [f"calls go in a circle: {', '.join(c)}" for c in cycles(imported.scenario)]
    return [*imported.said, *circles]


def _counts(scenario: Scenario) -> tuple[int, int]:
    """Components and edges, without the client that nobody wrote down."""
    components = [name for name in scenario.components if name != OUTSIDE]
    edges = [edge for edge in scenario.edges if edge.caller != OUTSIDE]
    return len(components), len(edges)


def summary(imported: Import, output: str | None) -> dict[str, object]:
    """What `--json` prints."""
    components, edges = _counts(imported.scenario)
    return {
        "scenario": output,
        "name": imported.scenario.name,
        "components": components,
        "edges": edges,
        "quantities": count_by_sureness(imported.scenario),
        "notes": notes(imported),
    }


def sentence(imported: Import, output: str | None) -> str:
    """What was found, how sure it is, what next."""
    components, edges = _counts(imported.scenario)
    sure = count_by_sureness(imported.scenario)
    found = f"{imported.scenario.name}: {components} components, {edges} edges; quantities: "
    found += ", ".join(f"{count} {level}" for level, count in sure.items())
    if output is None:
        return found
    return f"{found}\nwrote {output}; next: hms simulate {output}"
