"""Values as a scenario file writes them."""

from __future__ import annotations

from typing import Any

from hms.scenarios.file_keys import FileKey
from hms.scenarios.read_fields import shift_decimal


def in_file(value: Any, spec: FileKey) -> Any:
    """A value in the file's unit; whole floats are written without a point."""
    if spec.milliseconds:
        value = shift_decimal(value, 3)
    return tidy(value)


def tidy(value: Any) -> Any:
    """A whole float as an integer."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value
