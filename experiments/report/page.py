"""The run's page: one HTML file that needs nothing else, on light and on dark paper.

Pictures are inline SVG in the page's own colours; the page names no other host, and its
content security policy would not let one in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from hms.agents.policy.healing_policy import HealingPolicy
from hms.evolution.statistics import Interval, paired_bootstrap
from hms.experiments.report import closing_text, palette, pictures, policy_words, weak_words
from hms.experiments.report.closing_table import (
    CHAMPION,
    GUARD_NOTE,
    NEVER_TRAINED,
    ClosingTable,
    Row,
    Section,
)
from hms.experiments.report.numbers import three_digits

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TEMPLATE = "report.html.j2"
PLATFORM = "platform"
FAMILY_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Timeline:
    """One held-out failure, second by second, under champion and best baseline.

    Attributes:
        incident: its id.
        seconds: columns stack, t_s, offered_rps, good_rps, bad_rps, down.
        acts: columns stack, t_s, kind (act, breaker), component, act.
        faults: (label, start_s, end_s).
        slo: availability that a second must reach, 0 to 1.
    """

    incident: str
    seconds: pd.DataFrame
    acts: pd.DataFrame
    faults: Sequence[tuple[str, float, float]]
    slo: float


@dataclass(frozen=True, slots=True)
class ReportData:
    """All that the page shows.

    Attributes:
        results: a row for each stack and held-out scenario.
        points: validation means; columns stack, kind, downtime_s, disruption_s.
        generations: the search's history.
        choice: why this policy is the champion.
        choice_rival: the best baseline on the validation failures.
        command: what to type to get the same run.
        facts: names and values for the end of the page.
    """

    id: str
    name: str
    started: str
    version: str
    budget: str
    seed: str
    table: ClosingTable
    results: pd.DataFrame
    points: pd.DataFrame
    generations: pd.DataFrame
    policy: HealingPolicy
    choice: str
    choice_rival: str
    timeline: Timeline | None
    command: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def rival(self) -> str:
        """The best baseline on the held-out failures."""
        return self.table.gate.best_baseline


def draw_pictures(data: ReportData) -> dict[str, Figure]:
    """The run's pictures by name."""
    drawn = {
        "closing": pictures.closing_picture(data.table.held_out, data.rival),
        "front": pictures.front_picture(data.points, data.rival),
        "convergence": pictures.convergence_picture(data.generations, data.choice_rival),
    }
    if data.timeline is not None:
        shown = data.timeline
        drawn["timeline"] = pictures.timeline_picture(
            shown.seconds, shown.acts, shown.faults, shown.slo, data.rival
        )
    return drawn


def render_page(data: ReportData, svgs: Mapping[str, str]) -> str:
    """The page's HTML.

    Args:
        svgs: the pictures as SVG files, by name.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = files("hms.experiments.report").joinpath("templates", TEMPLATE)
    shown: dict[str, Any] = dict.fromkeys(("closing", "front", "convergence", "timeline"), "")
    for name, svg in svgs.items():
        # our own SVG, not text from a file; matplotlib escapes the labels inside
        shown[name] = Markup(palette.inline_svg(svg, f"{data.name}: {name}", name))  # noqa: S704
    text = template.read_text(encoding="utf-8")
    return environment.from_string(text).render(**_context(data), pictures=shown) + "\n"


def _context(data: ReportData) -> dict[str, Any]:
    table = data.table
    raised = closing_text.marks(table)
    sections = [table.held_out] + ([table.never_trained] if table.never_trained else [])
    return {
        "id": data.id,
        "name": data.name,
        "started": data.started,
        "version": data.version,
        "budget": data.budget,
        "seed": data.seed,
        "passed": table.gate.passed,
        "sentence": closing_text.result_sentence(table),
        "level": f"{table.level:.0%}",
        "cards": _cards(table),
        "sections": [_section_view(section, table, raised) for section in sections],
        "families": _families_view(data),
        "weak": [_sentence(line) for line in weak_words.weak_lines(table.weak)],
        "never": weak_words.never_rows(table.weak),
        "timeline": _timeline_view(data),
        "policy": _policy_view(data.policy),
        "choice": data.choice[:1].upper() + data.choice[1:] + ".",
        "footnotes": [f"{name}: {text}." for name, text in table.footnotes.items()],
        "remarks": _remarks(table),
        "command": data.command,
        "facts": list(data.facts.items()),
    }


def _sentence(line: str) -> str:
    return f"The champion {line}."


def _cards(table: ClosingTable) -> list[dict[str, str]]:
    """Four figures, each beside the best baseline's."""
    champion = table.held_out.row(CHAMPION)
    rival = table.held_out.row(table.gate.best_baseline)

    def card(name: str, value: str, other: str) -> dict[str, str]:
        return {"name": name, "value": value, "beside": f"{rival.stack}: {other}"}

    seconds = three_digits
    return [
        card("downtime a failure", *(f"{seconds(r.downtime_s)} s" for r in (champion, rival))),
        card("availability", *(f"{100 * r.availability:.2f} %" for r in (champion, rival))),
        card("to recover", *(f"{seconds(r.time_to_recover_s)} s" for r in (champion, rival))),
        card("disruption by healing", *(f"{seconds(r.disruption_s)} s" for r in (champion, rival))),
    ]


def _section_view(
    section: Section, table: ClosingTable, raised: Mapping[str, str]
) -> dict[str, Any]:
    heads = {
        "held_out": "On failures that evolution never saw",
        NEVER_TRAINED: "On kinds of failure that were never trained on",
    }
    families = ", ".join(name.replace("_", " ") for name in section.families)
    return {
        "heading": heads[section.set],
        "note": f"{section.scenarios} failures: {families}. Lowest downtime first.",
        "rows": [
            _row_view(row, raised.get(row.stack, ""), table.gate.best_baseline)
            for row in section.rows
        ],
    }


def _row_view(row: Row, mark: str, rival: str) -> dict[str, str]:
    cells = closing_text.cells(row)
    kind = row.stack if row.stack == CHAMPION else "rival" if row.stack == rival else ""
    return {
        "kind": kind,
        "stack": row.stack,
        "mark": mark,
        "downtime": cells[1],
        "cvar": three_digits(row.cvar_s),
        "availability": cells[2],
        "recover": cells[3],
        "never": cells[4],
        "disruption": cells[5],
        "downtime_difference": cells[6],
        "downtime_verdict": verdict_class(row.downtime_difference),
        "disruption_difference": cells[7],
        "disruption_verdict": verdict_class(row.disruption_difference),
    }


def verdict_class(interval: Interval | None) -> str:
    """The style of a difference: surely better, surely worse, or neither."""
    verdict = interval.verdict if interval is not None else 0
    return {-1: "better", 1: "worse"}.get(verdict, "")


def _families_view(data: ReportData) -> dict[str, Any]:
    """Downtime by family for champion, best baseline and platform."""
    stacks = list(dict.fromkeys([CHAMPION, data.rival, PLATFORM]))
    stacks = [name for name in stacks if (data.results["stack"] == name).any()]
    rows = []
    for (set_name, family), part in data.results.groupby(["set", "family"], sort=True):
        by_stack = {name: part[part["stack"] == name]["downtime_s"].to_numpy() for name in stacks}
        ours = by_stack[CHAMPION]
        cells = []
        for name in stacks:
            verdict = ""
            if name != CHAMPION:
                found = paired_bootstrap(
                    ours, by_stack[name], [str(family)] * len(ours),
                    seed=data.seed, resamples=FAMILY_RESAMPLES, level=data.table.level,
                )  # fmt: skip
                verdict = verdict_class(found)
            cells.append(
                {"text": three_digits(float(by_stack[name].mean())),
                 "verdict": verdict}
            )  # fmt: skip
        rows.append(
            {"family": str(family).replace("_", " "), "count": len(ours), "cells": cells,
             "never_trained": set_name == NEVER_TRAINED}
        )  # fmt: skip
    return {"stacks": stacks, "rows": rows}


def _timeline_view(data: ReportData) -> dict[str, str]:
    if data.timeline is None:
        return {"text": "", "caption": ""}
    shown = data.timeline
    what = "; ".join(label for label, _, _ in shown.faults)
    return {
        "text": (
            f"Held-out failure {shown.incident}: {what}. It is the one in the middle: of the"
            f" failures that were felt, half went better for the champion beside {data.rival}."
        ),
        "caption": (
            "Share of requests answered in time in each second, under the champion and under"
            f" {data.rival}. Dotted: the SLO, {100 * shown.slo:g} %. Triangles: acts of"
            " healing; dots: calls stopped by a breaker."
        ),
    }


def _policy_view(policy: HealingPolicy) -> dict[str, Any]:
    return {
        "summary": policy_words.summary(policy),
        "ladders": policy_words.ladders(policy),
        "changes": policy_words.changes(policy),
        "overrides": list(policy_words.override_texts(policy)),
    }


def _remarks(table: ClosingTable) -> list[str]:
    spent = ", ".join(f"{count:,} {what}" for what, count in table.incidents.items())
    return [
        f"Simulated incidents: {spent}.",
        f"Intervals: {table.level:.0%}, paired bootstrap over failures, stratified by family.",
        f"{GUARD_NOTE[:1].upper()}{GUARD_NOTE[1:]}.",
        "Downtime: seconds of full outage. Disruption: what the healing itself cost, in"
        " replica-seconds out of service, replicas added, quality lost and requests lost.",
        "This is the run's own short test: one experiment, one seed.",
    ]
