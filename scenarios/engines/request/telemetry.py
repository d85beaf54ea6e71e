"""What monitoring sees of a run: sums at the ends of seconds to series by second.

The series and their meaning: `hms.scenarios.telemetry`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from hms.scenarios.compile import CompiledScenario
from hms.scenarios.telemetry import (
    COMPONENT_COLUMNS,
    EDGE_COLUMNS,
    ComponentSeries,
    EdgeSeries,
    Telemetry,
)

LEVELS = {"present", "ready", "in_flight"}
"""Series that are no sums: as they are at the end of a second."""
FIELDS = {"ok": "answered_ok", "failed": "answered_bad"}


def telemetry_of(compiled: CompiledScenario, state: Any, seconds: int) -> Telemetry:
    """The series of a recorded run, as far as it came."""
    cells, edges = state.component_windows[:seconds], state.edge_windows[:seconds]
    return Telemetry(
        compiled.names,
        compiled.edge_names,
        np.asarray(state.comps["client"] == 1),
        np.asarray(state.edges["soft"] == 1),
        ComponentSeries(
            *(_series(cells, name, FIELDS.get(name, name)) for name in COMPONENT_COLUMNS)
        ),
        EdgeSeries(*(_series(edges, name, name) for name in EDGE_COLUMNS)),
    )


def _series(cells: Any, name: str, field: str) -> npt.NDArray[np.float64]:
    values = np.asarray(cells[field], dtype=np.float64)
    if name in LEVELS:
        return values.copy()
    return np.maximum(np.diff(values, axis=0, prepend=0.0), 0.0)
