"""Numbers as findings say and suggest them: three digits, the unit behind."""

from __future__ import annotations

import math
from typing import Any


def seconds(value_s: float) -> str:
    """`1.5 s`, or `250 ms` below a second."""
    if 0.0 < value_s < 1.0:
        return f"{1000.0 * value_s:.3g} ms"
    return f"{count(value_s)} s"


def whole(value: Any) -> Any:
    """A whole float as an int: `5`, not `5.0`."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def count(value: float) -> str:
    """`0.3`, `12.5`, `1,000`."""
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"


def rounded_down(value: float) -> float:
    """Two digits, never more than the value: a suggested limit must still fit."""
    if value <= 0.0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.floor(value / step + 1e-9) * step:.6g}")


def per_second(rate_rps: float) -> str:
    """`12.3/s`."""
    return f"{count(rate_rps)}/s"
