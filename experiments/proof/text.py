"""A proof on one screen: pass or fail first, then why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hms.evolution.proof.engines import SCENARIOS_LEAST, TAU_LEAST
from hms.experiments.report.numbers import three_digits

if TYPE_CHECKING:
    from hms.evolution.proof.compared import Against, Comparison
    from hms.experiments.proof.proof import Proof

PART_WORDS = {
    "held_out_never_trained": "families never trained on",
    "test_never_trained_families": "unseen families",
    "test_never_trained_topologies": "unseen topologies",
    "test_never_trained_both": "unseen families on unseen topologies",
}


def proof_lines(proof: Proof) -> Iterator[str]:
    """The whole screen."""
    yield headline(proof)
    yield _where(proof)
    yield ""
    yield from _gate(proof)
    yield ""
    yield from _stacks(proof)
    yield ""
    yield from _apart(proof)
    yield from _widths(proof)
    yield from _oracle(proof)
    yield from _request(proof)


def headline(proof: Proof) -> str:
    """PASS or FAIL, who, by how much, and what failed."""
    found = proof.verdict.comparison
    who = f"{proof.subject.name} ({proof.subject.policy.sha256[:8]})"
    beaten = found.beaten
    word = "below" if beaten.gain_share >= 0.0 else "above"
    gain = (
        f"{three_digits(found.downtime_s)} s of downtime, {abs(beaten.gain_share):.0%} {word}"
        f" {found.best}, the best baseline"
    )
    if proof.passed:
        alone = "" if proof.ranks is not None else " (fluid engine alone)"
        return f"PASS  {who}: {gain}{alone}"
    reasons = [*proof.verdict.failed]
    if proof.engines_agree is False:
        reasons.append("request engine")
    return f"FAIL  {who}: {gain}; fails {', '.join(reasons)}"


def _where(proof: Proof) -> str:
    on = ", ".join(proof.look.on)
    ordinal = proof.look.number
    more = (
        "first look at this lineage"
        if ordinal == 1
        else f"look {ordinal} at this lineage, judged at {proof.verdict.alpha:.2g}"
    )
    count = proof.verdict.comparison.scenarios
    return f"{count} held-out failures of {on}, drawn after the policy was frozen; {more}"


def _gate(proof: Proof) -> Iterator[str]:
    width = max(len(part.wanted) for part in proof.verdict.parts)
    for part in proof.verdict.parts:
        mark = "ok  " if part.passed else "FAIL"
        yield f"  {mark}  {part.name:<11}  {part.wanted:<{width}}  {part.told}"


def _stacks(proof: Proof) -> Iterator[str]:
    found = proof.verdict.comparison
    level = f"{1.0 - 2.0 * proof.verdict.alpha:.4g}"
    names = sorted(found.against, key=lambda name: found.against[name].downtime_s)
    width = max(len(name) for name in ("champion", *names))
    yield (
        f"{'policy':<{width}}  down s  worst 10th  disrupt s"
        f"  {f'champion − it s [{level}]':>27}   p (Holm)  effect"
    )
    rows = [(found.downtime_s, _own(found, width))]
    rows += [
        (one.downtime_s, _other(one, width)) for one in (found.against[name] for name in names)
    ]
    for _, line in sorted(rows, key=lambda row: row[0]):
        yield line


def _own(found: Comparison, width: int) -> str:
    return (
        f"{'champion':<{width}}  {three_digits(found.downtime_s):>6}"
        f"  {three_digits(found.cvar_s):>10}  {three_digits(found.disruption_s):>9}"
    )


def _other(one: Against, width: int) -> str:
    difference = f"{one.difference.mean:.1f} [{one.difference.low:.1f}, {one.difference.high:.1f}]"
    p = f"{one.p_holm:.4f}" if one.p_holm >= 1e-4 else "<.0001"
    return (
        f"{one.name:<{width}}  {three_digits(one.downtime_s):>6}"
        f"  {three_digits(one.cvar_s):>10}  {three_digits(one.disruption_s):>9}"
        f"  {difference:>27}  {p:>9}  {one.effect:>6.2f}"
    )


def _gain(found: Comparison) -> str:
    one = found.beaten
    bounds = sorted(
        (-one.difference.low / max(one.downtime_s, 1e-9), one.bound_s / max(one.downtime_s, 1e-9))
    )
    return (
        f"{one.gain_share:+.0%} [{bounds[0]:+.0%}, {bounds[1]:+.0%}] against {one.name}"
        f" ({three_digits(found.downtime_s)} s beside {three_digits(one.downtime_s)} s,"
        f" n = {found.scenarios})"
    )


def _apart(proof: Proof) -> Iterator[str]:
    for name, found in proof.apart_found.items():
        yield f"gain on {PART_WORDS.get(name, name)}, apart: {_gain(found)}"


def _widths(proof: Proof) -> Iterator[str]:
    if len(proof.widths) < 2:
        yield "guessed quantities: none; every quantity is known"
        return
    words = {1.0: "as guessed", 0.5: "half as wide", 0.0: "at their middles"}
    yield "gain by the width of the guessed quantities:"
    for width, found in proof.widths.items():
        yield f"  {words[width]:<16}  {_gain(found)}"


def _oracle(proof: Proof) -> Iterator[str]:
    gap = proof.oracle
    if gap is None:
        return
    told = "no gap to close" if gap.closed is None else f"{gap.closed:.0%} of the gap is closed"
    yield (
        f"oracle (n = {gap.scenarios}): {three_digits(gap.oracle_s)} s, champion"
        f" {three_digits(gap.champion_s)} s, best baseline {three_digits(gap.best_s)} s: {told}"
    )


def _request(proof: Proof) -> Iterator[str]:
    ranks = proof.ranks
    if ranks is None:
        yield "request engine: not asked (--request 0), so nothing is known of caricatures"
        return
    fluid_s, request_s = ranks.gain_s
    mark = "ok  " if proof.engines_agree else "FAIL"
    few = "" if ranks.scenarios >= SCENARIOS_LEAST else f" (of {SCENARIOS_LEAST} or more)"
    yield (
        f"{mark}  request engine, {ranks.scenarios} failures{few}: Kendall's tau {ranks.tau:.2f}"
        f" (wanted {TAU_LEAST:g}), gain {request_s:.1f} s beside {fluid_s:.1f} s on fluid"
    )
    if proof.breakers:
        told = ", ".join(
            f"{each.name} {each.opened} of {each.cases}" if each.can_open
            else f"{each.name} cannot open"
            for each in proof.breakers
        )  # fmt: skip
        yield f"      breakers opened where a fault is above their threshold: {told}"
