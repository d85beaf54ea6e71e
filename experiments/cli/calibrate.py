"""`hms calibrate SCENARIO --traces FILE…|--metrics FILE`: a scenario as it was measured."""

from __future__ import annotations

import click

from hms.documents import write_whole


@click.command(name="calibrate", short_help="Fit times, calls and load to traces or metrics.")
@click.argument("scenario")
@click.option("--traces", multiple=True, metavar="FILE|DIR",
              help="OTLP or Jaeger JSON; may be repeated.")  # fmt: skip
@click.option("--metrics", metavar="FILE", help="A CSV: t_s,component,metric,value.")
@click.option("--sampled", type=click.FloatRange(0.0, 1.0, min_open=True), default=1.0,
              show_default=True, help="Share of all traces that the files hold.")  # fmt: skip
@click.option("--overlay", "overlays", multiple=True, metavar="FILE",
              help="A partial scenario merged over it first; may be repeated.")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write the overlay here, else to stdout.")
@click.option("--json", "as_json", is_flag=True, help="Values, intervals and errors as JSON.")
def command(
    scenario: str,
    traces: tuple[str, ...],
    metrics: str | None,
    sampled: float,
    overlays: tuple[str, ...],
    output: str | None,
    as_json: bool,
) -> None:
    """Fit service times, calls for each request and load of SCENARIO to what was measured.

    Writes an overlay whose values are `sure: measured`, and says how far the scenario with it is
    still from the data. Service times are without the waiting that they were measured with.

    \b
      hms calibrate shop.yaml --traces spans.json -o measured.overlay.yaml
      hms calibrate shop.yaml --metrics week.csv -o measured.overlay.yaml
      hms simulate shop.yaml --overlay measured.overlay.yaml
    """
    from hms.experiments.calibration.as_overlay import overlay_text
    from hms.experiments.calibration.calibrate import calibrated
    from hms.experiments.report.calibration_text import lines, mapping
    from hms.experiments.steps.write import json_text

    if bool(traces) == bool(metrics):
        raise click.UsageError("one of --traces and --metrics is needed")
    done = calibrated(scenario, overlays, traces, metrics, sampled)
    text = overlay_text(done.overlay)
    if output is not None:
        write_whole(output, text)
    if as_json:
        click.echo(json_text(mapping(done, output)), nl=False)
        return
    if output is None:
        click.echo(text, nl=False)
    for line in lines(done, output, scenario):
        click.echo(line, err=output is None)
