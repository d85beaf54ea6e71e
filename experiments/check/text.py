"""A review as people read it at three in the morning: the dearest first, what to paste beside it.

No colours, nothing wider than a screen; a rule is told once, with its dearest places below it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from hms.experiments.check.findings import Cost, Finding
from hms.experiments.check.review import Review
from hms.experiments.check.rules import RULES
from hms.experiments.check.snippets import snippet
from hms.experiments.report.numbers import three_digits

WIDTH = 98
PLACES = 3
"""Of one rule, unless all are asked for."""
MOST_NOTES = 12
INDENT = " " * 4


def review_lines(review: Review, everything: bool = False) -> Iterator[str]:
    """The whole answer of a review."""
    yield from _heading(review)
    for rule, group in _groups(review.proven):
        yield ""
        yield from _rule_lines(rule, group, everything)
    yield from _note_lines(review, everything)
    yield ""
    yield _closing(review)


def _heading(review: Review) -> Iterator[str]:
    system = review.system
    scenario = system.scenario
    rate = f"{system.offered_rps:.3g} requests/s"
    yield (
        f"{scenario.name}: {len(system.components)} components, {len(system.own_edges)} calls"
        f" between them, {rate}"
    )
    guessed = sum(system.timeout_is_guess(edge) for edge in system.own_edges)
    if guessed:
        of = len(system.own_edges)
        all_of = "none is stated" if guessed == of else f"{of - guessed} of {of} are stated"
        yield f"time-outs: {all_of}; what nobody wrote is not reviewed"
    yield from _unwell(review)


def _unwell(review: Review) -> Iterator[str]:
    """That guesses made too many worlds in which the system is overloaded without a failure."""
    if review.unwell > review.looked / 4:
        yield (
            f"at rest: {review.unwell} of {review.looked} draws break the promise without any"
            " failure; check load and capacity first"
        )


def _groups(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """By rule, in the order of the dearest finding of each."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.rule, []).append(finding)
    return list(groups.items())


def _rule_lines(rule: str, findings: Sequence[Finding], everything: bool) -> Iterator[str]:
    """The dearest place in full with what to paste, the next ones as rows, the rest counted."""
    first = findings[0]
    yield f"{first.severity.upper():<7} {rule}: {RULES[rule].title}"
    yield from _place_lines(first)
    yield from _paste_lines(first)
    if everything:
        for finding in findings[1:]:
            yield from _place_lines(finding)
            yield from _paste_lines(finding)
        return
    rows = findings[1:PLACES]
    if rows:
        yield f"{INDENT}the same:"
    wide = max((len(str(each.where)) for each in rows), default=0)
    for finding in rows:
        assert finding.cost is not None
        yield f"{INDENT}{finding.where!s:<{wide}}  {cost_text(finding.cost, short=True)}"
    yield from _counted(findings[PLACES:])


def _place_lines(finding: Finding) -> Iterator[str]:
    assert finding.cost is not None
    yield f"{INDENT}{finding.where}"
    yield from _wrapped(f"{finding.subject}: {finding.says}", INDENT * 2)
    yield from _other_places(finding)
    yield f"{INDENT * 2}costs {cost_text(finding.cost)}"
    if finding.cost.outlives >= 0.5 > finding.cost.outlives_changed:
        yield f"{INDENT * 2}the outage outlives its cause (metastable), with the change it does not"


def _becomes(cost: Cost) -> str:
    """Downtime as it is and with the change."""
    return f"{three_digits(cost.as_is_s)} s become {three_digits(cost.changed_s)} s"


def _counted(left: Sequence[Finding]) -> Iterator[str]:
    """How many more there are, what they cost, the first few names."""
    costs = [three_digits(each.cost.saved.mean) for each in left if each.cost]
    if costs:
        span = f"{costs[-1]} s" if costs[0] == costs[-1] else f"{costs[-1]} to {costs[0]} s"
        names = _listed([each.subject for each in left])
        yield f"{INDENT}and {len(left)} more, {span} each: {names}"


def cost_text(cost: Cost, short: bool = False) -> str:
    """`14.2 s of full outage [9.1, 18.0] per crash of payment`."""
    saved = cost.saved
    text = f"{three_digits(saved.mean)} s"
    if cost.unrecovered >= 0.5:
        text = f"at least {text}"
    if not short:
        text += " of full outage"
    if saved.high - saved.low > 0.05:
        text += f" [{three_digits(saved.low)}, {three_digits(saved.high)}]"
    return f"{text} per {cost.trial.words}"


def _other_places(finding: Finding) -> Iterator[str]:
    if finding.also:
        yield f"{INDENT * 2}see also {', '.join(str(place) for place in finding.also)}"
    if finding.assumed:
        yield from _wrapped(f"assumes {', '.join(finding.assumed)}", INDENT * 2)


def _paste_lines(finding: Finding) -> Iterator[str]:
    cost = finding.cost
    assert cost is not None
    yield f"{INDENT * 2}paste, and {_becomes(cost)}:"
    for line in snippet(finding).splitlines():
        yield f"{INDENT * 3}{line}"


def _note_lines(review: Review, everything: bool) -> Iterator[str]:
    """What breaks a rule without a cost that is known."""
    if review.notes:
        yield ""
        yield "NOTE    against a rule, but the usual remedy did not help in the simulated failure:"
        yield from _listed_by_rule(review.notes, everything)
    if review.unpriced:
        yield ""
        if review.refused:
            yield "NOTE    against a rule; no cost is known, as the system cannot be simulated:"
            yield from _wrapped(review.refused.replace("\n", " "), INDENT)
        else:
            yield "NOTE    against a rule, and too many to simulate in seconds; --all does:"
        yield from _listed_by_rule(review.unpriced, everything)


def _listed_by_rule(notes: Sequence[Finding], everything: bool) -> Iterator[str]:
    """A line a rule, or all places."""
    for rule, group in _groups(notes):
        if everything:
            for finding in group:
                yield f"{INDENT}{rule}  {finding.where}"
                yield from _wrapped(f"{finding.subject}: {finding.says}", INDENT * 2)
                if finding.cost is not None:
                    yield f"{INDENT * 2}{_becomes(finding.cost)} per {finding.cost.trial.words}"
            continue
        names = _listed([finding.subject for finding in group], MOST_NOTES)
        yield from _wrapped(f"{rule}: {names}", INDENT)


def _closing(review: Review) -> str:
    count = len(review.proven)
    took = f"{len(RULES)} rules in {review.wall_s:.1f} s"
    if not review.findings:
        return f"nothing found: {took}"
    found = f"{count} finding{'' if count == 1 else 's'}" if count else "no finding with a cost"
    return (
        f"{found}; {took}, {review.draws} draws a failure in `{review.engine}`, 95 % intervals,"
        f" seed {review.seed}."
        "\nwhy: hms check --explain RULE; all places: --all"
    )


def _listed(names: Sequence[str], most: int = 4) -> str:
    """The first few names, and how many more there are."""
    left = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *left])


def _wrapped(text: str, indent: str) -> list[str]:
    """Lines of a text; a number and its unit, or two factors, stay together."""
    kept = re.sub(r"(?<=\d) (?=m?s\b)| (?=×)|(?<=×) ", "\xa0", text)
    lines = textwrap.wrap(kept, WIDTH, initial_indent=indent, subsequent_indent=indent)
    return [line.replace("\xa0", " ") for line in lines]
