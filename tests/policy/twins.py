"""One state both ways, interpreted and compiled, for the tests that compare the two."""

import random
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from machine_code import compiled, record_of, words, words_of_row

from hms.agents.policy.parameters import rows


@dataclass
class Twin:
    """One state both ways."""

    plain: Any

    def __post_init__(self) -> None:
        self.rows = record_of(self.plain)

    @property
    def row(self) -> Any:
        return self.rows[0]

    def pour(self, plain: Any) -> None:
        self.plain = plain
        self.rows[0] = record_of(plain)[0]

    def check(self) -> None:
        for name, left, right in zip(
            names(self.plain), words(self.plain), words_of_row(self.row), strict=True
        ):
            assert (left, type(left)) == (right, type(right)), name
            assert np.copysign(1, left) == np.copysign(1, right), name


def names(plain: Any) -> list[str]:
    out: list[str] = []
    for each in fields(plain):
        value = getattr(plain, each.name)
        count = len(value) if isinstance(value, list) else 1
        nested = names(value) if hasattr(value, "__dataclass_fields__") else None
        out += nested or [f"{each.name}[{i}]" for i in range(count)]
    return out


def both(function: Any, *arguments: Any) -> Any:
    """Call it interpreted and compiled; the results must be equal."""
    plain = [a.plain if isinstance(a, Twin) else a for a in arguments]
    machine = [a.row if isinstance(a, Twin) else a for a in arguments]
    left, right = function(*plain), compiled(function)(*machine)
    assert left == right, function.__name__
    return left


def draw(random_: random.Random, group: str, record_type: type) -> Any:
    """Parameters anywhere in their search ranges, switches and choices too."""
    chosen: dict[str, Any] = {}
    for row in rows(group, record_type):
        name = row.path.split(".")[1]
        value: Any = random_.uniform(row.low, row.high)
        if row.kind is int:
            value = random_.randint(int(row.low), int(row.high))
        elif row.kind is bool:
            value = random_.random() < 0.5 if row.searched else row.default
        if row.off is not None and random_.random() < 0.2:
            value = row.kind(row.off)
        chosen[name] = value
    return record_type(**chosen)
