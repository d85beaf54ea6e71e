"""Names of foreign files as ids of a scenario."""

from __future__ import annotations

import re

_LONGEST = 64


def as_id(name: str, taken: dict[str, str]) -> str:
    """A name as an id: other letters become `-`; a number is added where another name has it.

    Args:
        taken: ids given so far, by id; the new one is added.
    """
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")[:_LONGEST] or "unnamed"
    chosen, number = slug, 2
    while taken.get(chosen, name) != name:
        tail = f"-{number}"
        chosen, number = f"{slug[: _LONGEST - len(tail)]}{tail}", number + 1
    taken[chosen] = name
    return chosen
