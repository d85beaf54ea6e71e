"""`hms compare`: one incident under several policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hms.experiments.cli.fault_option import fault_option

if TYPE_CHECKING:
    from hms.experiments.single_run import Incident, Ran


@click.command(name="compare", short_help="Run one scenario under several policies.")
@click.argument("scenario")
@click.argument("policies", nargs=-1, metavar="[--policies] P...")
@click.option("--policies", "_named", is_flag=True, hidden=True)
@click.option("--seed", default="0", show_default=True, help="Of all that is drawn.")
@click.option("--overlay", "overlays", multiple=True, type=click.Path(path_type=Path),
              help="A partial scenario merged over it; may be repeated.")  # fmt: skip
@fault_option
@click.option("--json", "as_json", is_flag=True, help="The rows as JSON.")
def command(
    scenario: str,
    policies: tuple[str, ...],
    _named: bool,
    seed: str,
    overlays: tuple[Path, ...],
    faults: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run SCENARIO once under each policy: files, runs, baselines, today. Best first.

    Without policies: today and every baseline.

    \b
      hms compare shop.yaml --policies today ladder latest
      hms compare shop.yaml --fault crash:payment
    """
    from hms.evolution.baselines import TODAY, names
    from hms.experiments.single_run import prepare, run_incident
    from hms.experiments.steps.write import json_text

    incident = prepare(scenario, overlays, seed, faults)
    wanted = dict.fromkeys(policies or (TODAY, *names()))
    runs = [run_incident(incident, name) for name in wanted]
    runs.sort(key=lambda ran: (ran.outcome.downtime_s, ran.outcome.disruption_s))
    if as_json:
        click.echo(json_text(rows_mapping(incident, runs)), nl=False)
        return
    for line in comparison_lines(incident, runs):
        click.echo(line)


def comparison_lines(incident: Incident, runs: Sequence[Ran]) -> Iterator[str]:
    """A row for each policy."""
    from hms.experiments.report.numbers import three_digits
    from hms.experiments.report.run_text import bars, fault_lines

    scenario = incident.scenario
    guessed = f"; {incident.guessed} quantities at midpoints" if incident.guessed else ""
    yield f"{scenario.name}, {scenario.horizon_s:.0f} s, seed {incident.seed}{guessed}"
    yield ""
    yield from fault_lines(scenario)
    yield ""
    width = max(len("policy"), *(len(ran.policy) for ran in runs))
    yield f"{'policy':<{width}}   down s  avail %  back s  disrupt s  verdict    good answers"
    step_s = max(1, round(scenario.horizon_s / 30))
    for ran in runs:
        out = ran.outcome
        back = three_digits(out.time_to_recover_s) if out.recovered else "never"
        line = out.timeline
        yield (
            f"{ran.policy:<{width}}  {three_digits(out.downtime_s):>7}"
            f"  {100.0 * out.availability:>7.2f}  {back:>6}  {three_digits(out.disruption_s):>9}"
            f"  {out.verdict:<9}  {bars(line['good_rps'], line['bad_rps'], step_s)}"
        )
    yield ""
    yield "one failure, one seed: to compare policies on many, use hms run"


def rows_mapping(incident: Incident, runs: Sequence[Ran]) -> dict[str, Any]:
    """What `--json` prints."""
    from hms.scenarios.outcome import COLUMNS

    return {
        "scenario": incident.scenario.name,
        "seed": incident.seed,
        "policies": [
            {
                "policy": ran.policy,
                "verdict": ran.outcome.verdict,
                **{name: getattr(ran.outcome, name) for name in COLUMNS},
            }
            for ran in runs
        ],
    }
