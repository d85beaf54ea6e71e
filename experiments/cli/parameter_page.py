"""The parameter table for people: facts on a row, a list, the page docs/parameters.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hms.agents.policy.parameters import GROUPS, StepParameters, Tunable
from hms.agents.policy.policy_values import ROWS, write_value
from hms.experiments.cli.policy_words import OFF_WORDS, quantity
from hms.experiments.export.targets import TARGETS

UNITS = {"s": "seconds", "1/s": "per second", "1": "none", "": "none"}
HEAD = """# Parameters of a healing policy

Made by `hms explain --markdown > docs/parameters.md` from the parameter table
(`agents/policy/parameters.py`); a test keeps both equal. Do not edit by hand.

A policy file writes them by group: `breaker: {failure_rate: 0.18}`. What is not written takes
its default. `retry_on: [refused, timeout]` writes the five switches `retry_on_...` together.
"Searched" is the range that evolution tries; the legal range is wider.
"""


def facts(row: Tunable) -> dict[str, Any]:
    """Everything that the table and the targets say about one parameter, as text."""
    return {
        "parameter": row.path,
        "does": row.does,
        "default": default(row),
        "range": legal(row),
        "searched": searched(row),
        "unit": _unit(row),
        "scale": row.scale,
        "in a file": in_a_file(row),
        "exports": {name: target.how(row.path) for name, target in TARGETS.items()},
    }


def default(row: Tunable) -> str:
    """The default as a file writes it, with what it means where that is not plain."""
    written = write_value(row, row.default)
    text = str(written).lower() if isinstance(written, bool) else str(written)
    if row.off is not None and row.default == row.off:
        return f"{text} ({OFF_WORDS.get(row.path, 'off')})"
    if row.choices or row.scale == "switch":
        return text
    told = quantity(row, float(row.default))
    return text if told.replace(" ", "").isdigit() or told == text else f"{text} ({told})"


def legal(row: Tunable) -> str:
    """What a file may say."""
    if row.choices:
        return ", ".join(row.choices)
    if row.scale == "switch":
        return "true, false"
    text = f"{_number(row, row.least)} to {_number(row, row.most)}"
    if row.off is None:
        return text
    meaning = OFF_WORDS.get(row.path, "off")
    if row.off > row.most:
        return f"{text}, or `off`"
    within = row.least <= row.off <= row.most
    return f"{text}{';' if within else ', or'} {_number(row, row.off)}: {meaning}"


def searched(row: Tunable) -> str:
    """What evolution tries."""
    if not row.searched:
        return "never: it stays as it is"
    if row.choices or row.scale == "switch":
        return "all of them"
    return f"{_number(row, row.low)} to {_number(row, row.high)}"


def in_a_file(row: Tunable) -> str:
    """How a policy file writes it."""
    group, name = row.path.split(".")
    if group == "step":
        return "in a step of recovery: errors: [{act: restart, patience_s: 20}]"
    if name.startswith("retry_on_"):
        return f"retry: {{retry_on: [{name.removeprefix('retry_on_')}, ...]}}"
    written = write_value(row, row.default)
    text = str(written).lower() if isinstance(written, bool) else str(written)
    return f"{group}: {{{name}: {text}}}"


def short_list(rows: Sequence[Tunable]) -> list[str]:
    """A line for each parameter, by group."""
    lines: list[str] = []
    group = ""
    for row in rows:
        if row.path.split(".")[0] != group:
            group = row.path.split(".")[0]
            lines += ["", f"{group}: {_says(group)}"] if lines else [f"{group}: {_says(group)}"]
        lines.append(f"  {row.path:<30} {default(row):<28} {row.does}")
    return lines


def page(rows: Sequence[Tunable]) -> str:
    """The page docs/parameters.md."""
    lines = [HEAD]
    group = ""
    for row in rows:
        if row.path.split(".")[0] != group:
            group = row.path.split(".")[0]
            title = "a step of recovery" if group == "step" else group
            lines += [f"## {title}", "", _says(group), ""]
            lines += ["| parameter | does | default | range | searched | scale | to Envoy |"]
            lines += ["|-|-|-|-|-|-|-|"]
        told = facts(row)
        cells = (
            f"`{row.path}`",
            row.does,
            told["default"],
            told["range"],
            told["searched"] if row.searched else "-",
            row.scale,
            told["exports"]["envoy"],
        )
        lines.append("| " + " | ".join(cells) + " |")
        if row is rows[-1] or rows[rows.index(row) + 1].path.split(".")[0] != group:
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _says(group: str) -> str:
    record = StepParameters if group == "step" else GROUPS[group]
    return (record.__doc__ or "").strip().splitlines()[0]


def _unit(row: Tunable) -> str:
    if row.choices or row.scale == "switch":
        return "none"
    if row.unit == "1" and row.path in ROWS and quantity(row, 0.5).endswith("%"):
        return "a share, 0 to 1"
    return UNITS[row.unit]


def _number(row: Tunable, value: float) -> str:
    if row.choices:
        return row.choices[int(value)]
    if row.scale == "switch":
        return "true" if value else "false"
    return str(int(value)) if row.kind is int else f"{value:g}"
