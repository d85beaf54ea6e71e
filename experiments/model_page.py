"""The tables of docs/model-description.md, from the tables that the code itself reads.

`python -m hms.experiments.model_page` writes what stands between the page's markers anew.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from hms.agents.policy.parameters import table as parameter_table
from hms.documents import write_whole
from hms.scenarios.fault_kinds import OURS
from hms.scenarios.file_keys import COMPONENT_KEYS, EDGE_KEYS, FileKey

PAGE = Path(__file__).resolve().parents[1] / "docs" / "model-description.md"


def filled(text: str) -> str:
    """The page with everything between its markers made anew."""
    for name, lines in PARTS.items():
        pattern = re.compile(rf"(<!-- {name} -->).*?(<!-- end -->)", re.DOTALL)
        inside = "\n".join(lines())
        inside = f"\n{inside}\n" if "\n" in inside else inside
        text = pattern.sub(lambda found, inside=inside: found[1] + inside + found[2], text)  # type: ignore[misc]
    return text


def _keys(keys: dict[str, FileKey]) -> Callable[[], Iterator[str]]:
    def lines() -> Iterator[str]:
        yield "| quantity | kind | range |"
        yield "|-|-|-|"
        for key in keys.values():
            kind = "drawn or fixed" if key.may_range else "fixed"
            yield f"| `{key.key}` | {kind} | {key.expected} |"

    return lines


def _faults() -> Iterator[str]:
    yield "| kind | strikes | what it does | parameters | ended by |"
    yield "|-|-|-|-|-|"
    for kind in OURS.values():
        parameters = ", ".join(
            key.key if math.isnan(key.default) else f"{key.key} ({key.default:g})"
            for key in kind.parameters
        )
        ends = ", ".join([*kind.ends, *(["duration"] if kind.may_last else [])])
        yield f"| {kind.name} | {kind.target} | {kind.does} | {parameters} | {ends} |"


def _parameters() -> Iterator[str]:
    yield f"{len(parameter_table())} in number"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "components": _keys(COMPONENT_KEYS),
    "edges": _keys(EDGE_KEYS),
    "faults": _faults,
    "parameters": _parameters,
}


def main() -> None:
    """Write the page anew."""
    write_whole(PAGE, filled(PAGE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
