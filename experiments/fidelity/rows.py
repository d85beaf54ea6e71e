"""All published results, in the order of the page."""

from __future__ import annotations

from hms.experiments.fidelity import failures, metastable, queueing
from hms.experiments.fidelity.row import Row


def all_rows() -> list[Row]:
    """Every row."""
    return [*queueing.rows(), *metastable.rows(), *failures.rows()]
