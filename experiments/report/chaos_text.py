"""The forecast of chaos files as text: how bad, who is hurt, for how long, what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hms.experiments.chaos_forecast import Forecast, Spread
from hms.experiments.report.numbers import three_digits
from hms.experiments.report.run_text import fault_lines, timeline_lines
from hms.scenarios.chaos.loss import Lost

MOST_FAULTS = 12
MOST_ROWS = 20
MOST_DONE = 2


def forecast_lines(told: Forecast) -> Iterator[str]:
    """The whole answer of `hms simulate --chaos`."""
    yield _heading(told)
    yield ""
    typical = told.typical()
    own = list(fault_lines(typical.scenario))
    yield from own[:MOST_FAULTS]
    if len(own) > MOST_FAULTS:
        yield f"… and {len(own) - MOST_FAULTS} more faults"
    yield ""
    yield from timeline_lines(typical.scenario, typical.struck, ())
    yield "        (the seed in the middle by availability)"
    yield ""
    yield from _verdict(told)
    yield ""
    yield from _blast_radius(told)
    if told.lost:
        yield ""
        yield from loss_lines(told.lost)


def _heading(told: Forecast) -> str:
    drawn = f", {told.guessed} quantities drawn anew for each" if told.guessed else ""
    plural = "" if told.experiments == 1 else "s"
    return (
        f"{told.name} under {told.policy} with {', '.join(told.files)}: {told.experiments}"
        f" chaos experiment{plural}, {len(told.trials)} seeds{drawn},"
        f" {told.trials[0].scenario.horizon_s:.0f} s, engine {told.engine}"
    )


def _verdict(told: Forecast) -> Iterator[str]:
    seeds = len(told.trials)
    ended = ", ".join(f"{n} {name}" for name, n in told.verdicts().items() if n)
    calm = told.spread("availability", calm=True)
    risk = told.collapse
    yield f"verdict       {ended} of {seeds} seeds"
    if risk.share > 0.0:
        yield f"P(collapse)   {risk.share:.0%} [{risk.low:.0%}, {risk.high:.0%}]"
    if told.metastable:
        many = f"{told.metastable} of {seeds} seeds"
        yield f"METASTABLE    stays down though nothing is wrong any more, in {many}"
    yield (
        f"availability  {_percent(told.spread('availability'))};"
        f" without chaos {100.0 * calm.median:.2f} %"
    )
    yield f"below SLO     {spread_text(told.spread('slo_violation_s'))} s"
    entries = list(dict.fromkeys(load.entry for load in told.typical().scenario.workload))
    for entry in entries if len(entries) > 1 else ():
        down = Spread.of([trial.down_s.get(entry, 0.0) for trial in told.trials])
        yield f"entry down    {entry} {spread_text(down)} s"
    back, never = told.back_s()
    text = f"{spread_text(back)} s" if back else "never"
    text += f"; not by the end in {never} of {seeds} seeds" if never and back else ""
    yield f"back after    {text}"


def _percent(spread: Spread) -> str:
    return f"{100 * spread.median:.2f} % [{100 * spread.low:.2f}, {100 * spread.high:.2f}]"


def spread_text(spread: Spread) -> str:
    """`44.0 [30.0, 61.0]`: the middle seed, and what one in twenty is below and above."""
    bounds = f"[{three_digits(spread.low)}, {three_digits(spread.high)}]"
    return f"{three_digits(spread.median)} {bounds}"


def _blast_radius(told: Forecast) -> Iterator[str]:
    """A row for each component that was hurt in any seed, the worst first; then the others."""
    trials = told.trials
    if any(trial.found is None for trial in trials):
        yield f"blast radius  not known: the engine {told.engine} shows no telemetry"
        return
    hurt = {n: Spread.of([t.hurt_s[n] for t in trials]) for n in trials[0].hurt_s}
    often = {n: sum(1 for t in trials if t.hurt_s[n] > 0.0) for n in hurt}
    found = sorted((n for n in hurt if often[n]), key=lambda n: (-hurt[n].median, -often[n], n))
    rows = [name for name in found if hurt[name].median > 0.0]
    width = max(12, *(len(name) for name in hurt))
    if rows:
        yield f"{'blast radius':<{width}}  hurt s [5 %, 95 %]    in seeds"
    else:
        yield "blast radius  nobody is hurt"
    for name in rows:
        yield (
            f"{name:<{width}}  {spread_text(hurt[name]):<20}"
            f"  {often[name]} of {len(trials)}{_role(name, told)}"
        )
    seldom = [f"{name} {often[name]}" for name in found if name not in rows]
    if seldom:
        yield f"hurt in at most half of the seeds: {', '.join(seldom)}"
    starved = {n: Spread.of([t.starved_s[n] for t in trials]).median for n in hurt if not often[n]}
    if any(starved.values()):
        called = ", ".join(f"{n} {three_digits(s)} s" for n, s in starved.items() if s)
        yield f"starved of calls: {called}"
    well = [name for name, seconds in starved.items() if not seconds]
    if well:
        yield f"not hurt: {', '.join(well)}"


def _role(name: str, told: Forecast) -> str:
    """Whether a component is where people come in, and whether it was struck itself."""
    scenario = told.typical().scenario
    words = []
    if any(fault.component == name for trial in told.trials for fault in trial.scenario.faults):
        words.append("struck")
    if any(load.entry == name for load in scenario.workload):
        words.append("entry")
    return f"  ({', '.join(words)})" if words else ""


def loss_lines(lost: Sequence[Lost]) -> Iterator[str]:
    """What the files say and a scenario cannot, field by field; what was done, once for a field."""
    yield "not as the files say it:"
    done: dict[Lost, list[str]] = {}
    for row in lost:
        done.setdefault(replace(row, done=""), []).append(row.done)
    for row, told in list(done.items())[:MOST_ROWS]:
        place = f"{row.file}:{row.line}" if row.line else row.file
        said = f" `{row.value}`" if row.value else ""
        more = f"; and {len(told) - MOST_DONE} more" if len(told) > MOST_DONE else ""
        yield f"  {place}  {row.experiment}: {row.field or 'all of it'}{said}"
        yield f"      {row.why}; {'; '.join(told[:MOST_DONE])}{more}"
    if len(done) > MOST_ROWS:
        yield f"  … and {len(done) - MOST_ROWS} more (--json has them all)"
