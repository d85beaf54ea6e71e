"""`hms simulate`: one incident under one policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hms.experiments.cli.engine_option import EngineName
from hms.experiments.cli.fault_option import fault_option

if TYPE_CHECKING:
    from hms.experiments.chaos_forecast import Forecast
    from hms.experiments.single_run import Incident, Ran

REQUEST = "request"


@click.command(name="simulate", short_help="Run one scenario under one policy.")
@click.argument("scenario")
@click.option("--policy", "policy", default="today", show_default=True, metavar="P",
              help="A policy file, a run, a baseline's name, or today.")  # fmt: skip
@click.option("--engine", type=EngineName(), default="fluid", show_default=True,
              help="Mean flows, single requests, or means with real agents.")  # fmt: skip
@click.option("--event-budget", type=click.IntRange(min=1), metavar="N",
              help="Where --engine request stops at the latest, in events.")  # fmt: skip
@click.option("--seed", default="0", show_default=True, help="Of all that is drawn.")
@click.option("--overlay", "overlays", multiple=True, type=click.Path(path_type=Path),
              help="A partial scenario merged over it; may be repeated.")  # fmt: skip
@fault_option
@click.option("--chaos", "chaos", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="A Chaos Mesh or Istio file: what it would do. May be repeated.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1, 10_000), default=20, show_default=True,
              help="With --chaos: how many runs, each with its own chances.")  # fmt: skip
@click.option("--traces", type=click.Path(path_type=Path), metavar="FILE",
              help="With --engine request: write its traces as OTLP JSON lines.")  # fmt: skip
@click.option("--spans", type=click.IntRange(1, 1_000_000), default=200_000, show_default=True,
              help="With --traces: how many spans are kept, the first that end.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Result, events and timeline as JSON.")
def command(
    scenario: str,
    policy: str,
    engine: str,
    event_budget: int | None,
    seed: str,
    overlays: tuple[Path, ...],
    faults: tuple[str, ...],
    chaos: tuple[Path, ...],
    seeds: int,
    traces: Path | None,
    spans: int,
    as_json: bool,
) -> None:
    """Run SCENARIO once: a scenario file, a bare import, or a shipped scenario's name.

    Quantities that are known only as ranges are taken at their midpoints. With --chaos the
    scenario runs once for each of several seeds, which draw them, with the chaos and without.

    \b
      hms simulate shop.yaml --fault crash:payment
      hms simulate shop.yaml --fault 'latency:cart->payment:added_ms=800,duration_s=90'
      hms simulate shop.yaml --policy ladder
      hms simulate shop.yaml --policy latest --engine actors
      hms simulate shop.yaml --chaos slow-cart.yaml
    """
    from hms.experiments.chaos_forecast import forecast
    from hms.experiments.report.request_text import request_lines
    from hms.experiments.report.run_text import run_lines
    from hms.experiments.request_run import EVENT_BUDGET, run_requests
    from hms.experiments.single_run import prepare, run_incident
    from hms.experiments.steps.write import json_text

    if chaos:
        if engine not in ("fluid", REQUEST) or traces is not None:
            raise click.UsageError("--chaos runs on fluid or request, and writes no traces")
        told = forecast(scenario, overlays, faults, chaos, policy, seed, seeds, engine)
        _forecast(told, as_json)
        return
    if traces is not None and engine != REQUEST:
        raise click.UsageError(f"--traces is for --engine {REQUEST}: {engine} has no requests")
    if event_budget is not None and engine != REQUEST:
        raise click.UsageError(f"--event-budget is for --engine {REQUEST}: {engine} has no events")
    incident = prepare(scenario, overlays, seed, faults)
    if engine == REQUEST:
        kept = 0 if traces is None else spans
        ran = run_requests(incident, policy, event_budget or EVENT_BUDGET, kept)
        if traces is not None:
            _write_traces(traces, ran, incident)
    else:
        ran = run_incident(incident, policy, engine)
    if as_json:
        click.echo(json_text(ran_mapping(incident, ran)), nl=False)
        return
    for line in (*run_lines(incident, ran), *request_lines(ran.outcome)):
        click.echo(line)


def _write_traces(path: Path, ran: Ran, incident: Incident) -> None:
    """Write what a request run kept of its requests."""
    from hms.experiments.calibration.trace_writer import write_traces
    from hms.scenarios.engines.request.results import RequestOutcome

    assert isinstance(ran.outcome, RequestOutcome)
    count = write_traces(path, ran.outcome, incident.compiled.edge_names)
    click.echo(f"wrote {count:,} spans to {path}", err=True)


def _forecast(told: Forecast, as_json: bool) -> None:
    """Print what chaos files would do."""
    from hms.experiments.chaos_forecast import forecast_mapping
    from hms.experiments.report.chaos_text import forecast_lines
    from hms.experiments.steps.write import json_text

    if as_json:
        click.echo(json_text(forecast_mapping(told)), nl=False)
        return
    for line in forecast_lines(told):
        click.echo(line)


def ran_mapping(incident: Incident, ran: Ran) -> dict[str, Any]:
    """What `--json` prints: the outcome's columns, the events, the system second by second."""
    from hms.experiments.report.incident_text import examined, incident_mapping
    from hms.experiments.report.request_text import request_mapping
    from hms.scenarios.outcome import COLUMNS

    outcome = ran.outcome
    found = examined(incident.scenario, outcome, ran.events)
    return {
        "scenario": incident.scenario.name,
        "policy": ran.policy,
        "seed": incident.seed,
        "quantities_at_midpoint": incident.guessed,
        "verdict": outcome.verdict,
        **{name: getattr(outcome, name) for name in COLUMNS},
        "events": [
            {"t_s": event.t_s, "rule": event.rule, "component": event.component,
             "callee": event.callee, "before": event.before, "after": event.after}
            for event in ran.events
        ],
        "timeline": {
            name: [float(value) for value in outcome.timeline[name]]
            for name in ("t_s", "offered_rps", "good_rps", "bad_rps")
        },
        **({} if found is None else {"incident": incident_mapping(found)}),
        **request_mapping(outcome),
    }  # fmt: skip
