"""What an import tells its user: how much was found, how sure it is, what was dropped."""

from __future__ import annotations

from collections.abc import Sequence

from hms.scenarios.importers.assemble import Import
from hms.scenarios.model import Scenario
from hms.scenarios.provenance import count_by_sureness
from hms.scenarios.topology import cycles
from hms.scenarios.write import OUTSIDE

_MOST_LINES = 20


def notes(imported: Import) -> list[str]:
    """What the importer said, what was joined, where sources disagree, and cycles."""
    conflicts = [f"sources disagree on {conflict}" for conflict in imported.conflicts]
    circles = [f"calls go in a circle: {', '.join(c)}" for c in cycles(imported.scenario)]
    return [*imported.said, *_short(imported.joined), *_short(conflicts), *circles]


def _short(lines: Sequence[str]) -> list[str]:
    """The first lines, and how many more there are (`--json` has all of them)."""
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"and {more} more like it"] if more > 0 else [])]


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
        "joined": list(imported.joined),
        "conflicts": [
            {"where": each.where, "kept": each.kept, "left": each.left}
            for each in imported.conflicts
        ],
        "cycles": [list(circle) for circle in cycles(imported.scenario)],
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
