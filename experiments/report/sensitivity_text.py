"""A sensitivity study as text: what to measure first, and how much hangs on it."""

from __future__ import annotations

from collections.abc import Iterator

from hms.experiments.report.numbers import signed, three_digits
from hms.experiments.sensitivity.effects import Effect
from hms.experiments.sensitivity.study import Answer
from hms.experiments.sensitivity.unknowns import Unknown

MOST_ROWS = 12
MOST_NAMES = 12


def answer_lines(answer: Answer, rows: int = MOST_ROWS) -> Iterator[str]:
    """The whole answer of `hms sensitivity`."""
    yield _heading(answer)
    yield ""
    yield from _cases(answer)
    yield ""
    yield from _advice(answer)
    yield ""
    shown = [(u, e) for u, e in answer.ranked if e.flips > 0.0 or e.change_s > 0.0]
    yield from _table(shown[:rows], answer)
    if len(shown) > rows:
        yield f"… and {len(shown) - rows} more with less effect (--json has them all)"
    without = [_name(u) for u, e in answer.ranked if e.flips <= 0.0 and e.change_s <= 0.0]
    if without:
        more = f" and {len(without) - MOST_NAMES} more" if len(without) > MOST_NAMES else ""
        yield f"no effect seen: {', '.join(without[:MOST_NAMES])}{more}"
    yield "next: hms calibrate SCENARIO --traces FILE, or --metrics FILE, puts measured values in"


def _heading(answer: Answer) -> str:
    question = answer.question
    names = " against ".join(name for name, _ in question.policies)
    return (
        f"{question.scenario.name} under {names}: {len(answer.ranked)} guessed quantities,"
        f" {len(question.cases)} failures, {answer.runs:,} runs, seed {question.seed}"
    )


def _cases(answer: Answer) -> Iterator[str]:
    """What is answered as things are guessed, and how often."""
    if len(answer.question.policies) == 2:
        yield (
            f"better over all failures: {answer.answers[0]}, at {answer.settled[0]:.0%} of the"
            " random values of the guesses (the lead: its downtime minus the other's)"
        )
        return
    for case, name, share in zip(
        answer.question.cases, answer.answers, answer.settled, strict=True
    ):
        yield f"  {case.label:<40} {name} at {share:.0%} of the random values of the guesses"


def _advice(answer: Answer) -> Iterator[str]:
    """One sentence: what to measure first."""
    unknown, effect = answer.ranked[0]
    what = _what(answer)
    if effect.flips > 0.0:
        yield (
            f"measure {_name(unknown)} first: it decides {effect.share:.0%} of the {what} that"
            f" change when one guess does (moved alone, {effect.flips:.0%}"
            f" [{effect.flips_low:.0%}, {effect.flips_high:.0%}] of them)"
        )
        alike = [
            _name(other)
            for other, its in answer.ranked[1:]
            if its.flips > 0.0 and its.flips_high >= effect.flips_low
        ]
        if alike:
            yield (
                f"not told apart from it by {effect.points} points: {', '.join(alike[:4])}"
                + (f" and {len(alike) - 4} more" if len(alike) > 4 else "")
            )
    elif effect.change_s > 0.0:
        yield (
            f"no guess changes any of the {what}; {_name(unknown)} moves {_outcome(answer)} most:"
            f" {three_digits(effect.change_s)} s"
        )
    else:
        yield f"no guess changes any of the {what}, nor {_outcome(answer)}"


def _what(answer: Answer) -> str:
    return "verdicts" if len(answer.question.policies) == 1 else "rankings"


def _outcome(answer: Answer) -> str:
    """What is looked at besides the answer."""
    return "downtime" if len(answer.question.policies) == 1 else "the lead"


def _table(rows: list[tuple[Unknown, Effect]], answer: Answer) -> Iterator[str]:
    if not rows:
        return
    names = [_name(unknown) for unknown, _ in rows]
    width = max(len("measure"), *(len(name) for name in names))
    spans = [f"{u.low:g} to {u.high:g}" for u, _ in rows]
    span = max(len("guessed"), *(len(text) for text in spans))
    yield (
        f"{'measure':<{width}}  {'guessed':<{span}}  {_what(answer)} changed [95 %]"
        f"   moves {_outcome(answer)} by   if it rises{_head_of_where(answer)}"
    )
    for name, text, (_, effect) in zip(names, spans, rows, strict=True):
        flips = f"{effect.flips:.1%} [{effect.flips_low:.1%}, {effect.flips_high:.1%}]"
        change = (
            f"{three_digits(effect.change_s)} s"
            f" [{three_digits(effect.change_low)}, {three_digits(effect.change_high)}]"
        )
        rising = f"{signed(effect.rising)} s"
        where = ""
        if effect.where >= 0 and len(answer.question.policies) == 1:
            where = f"  {answer.question.cases[effect.where].label}"
        row = f"{name:<{width}}  {text:<{span}}  {flips:<24}   {change:<18}  {rising:>9}"
        yield row + where


def _head_of_where(answer: Answer) -> str:
    """The failure in which a verdict changes most; a rank is asked of all of them together."""
    return "  mostly in" if len(answer.question.policies) == 1 else ""


def _name(unknown: Unknown) -> str:
    """`cart service_time_ms`."""
    return f"{unknown.label} {unknown.key}"


def answer_mapping(answer: Answer) -> dict[str, object]:
    """What `--json` prints."""
    question = answer.question
    return {
        "scenario": question.scenario.name,
        "policies": [name for name, _ in question.policies],
        "seed": question.seed,
        "runs": answer.runs,
        "failures": [
            {"failure": case.label, "answer": name, "share_of_points": share}
            for case, name, share in zip(
                question.cases, answer.answers, answer.settled, strict=True
            )
        ],
        "quantities": [
            {
                "quantity": _name(unknown), "low": unknown.low, "high": unknown.high,
                "sure": unknown.sure, "changed": effect.flips,
                "changed_interval": [effect.flips_low, effect.flips_high],
                "share_of_changed": effect.share, "downtime_moved_s": effect.change_s,
                "downtime_moved_interval_s": [effect.change_low, effect.change_high],
                "total_index": effect.total, "downtime_if_it_rises_s": effect.rising,
                "points": effect.points,
                "mostly_in": question.cases[effect.where].label if effect.where >= 0 else None,
            }
            for unknown, effect in answer.ranked
        ],
    }  # fmt: skip
