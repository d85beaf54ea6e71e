"""`hms check`: reviews today's settings, and puts a system's expectations under test."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

import click

from hms.experiments.cli.fault_option import fault_option

if TYPE_CHECKING:
    from hms.experiments.check.system import System

FAILED = 1
COLOURS = {"HIGH": "red", "MEDIUM": "yellow", "LOW": "cyan", "FAILED": "red", "ok": "green"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line."""

    paths: tuple[str, ...]
    overlays: tuple[Path, ...]
    merge: tuple[str, ...]
    faults: tuple[str, ...]
    policy: str | None
    expect: tuple[str, ...]
    seed: str
    seeds: int
    strict: bool
    everything: bool
    as_json: bool
    junit: Path | None
    engine: str


@click.command("check", short_help="Review today's settings; test what a system promises.")
@click.argument("paths", metavar="MANIFESTS...|SCENARIO", nargs=-1)
@click.option("--overlay", "overlays", multiple=True, type=click.Path(path_type=Path),
              help="A partial scenario merged over it; may be repeated.")  # fmt: skip
@click.option("--merge", multiple=True, metavar="FORMAT:PATH",
              help="Beside manifests a further source, such as traces:spans.json.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit 1 if a finding has a cost.")
@click.option("--explain", "explain", metavar="[RULE]", is_flag=False, flag_value="",
              default=None, help="What a rule looks for, and why; without RULE: all.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Every place of a rule, all simulated.")
@click.option("--policy", metavar="P", help="Test the expectations under this policy: a file, a "
              "run, a baseline, today.")  # fmt: skip
@click.option("--expect", multiple=True, metavar="KEY=VALUE",
              help="An expectation to add to the scenario's; may be repeated.")  # fmt: skip
@fault_option
@click.option("--engine", type=click.Choice(["fluid", "request"]), default="fluid",
              show_default=True, help="Mean flows, or single requests (slower).")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1, 1000), default=1, show_default=True,
              help="Runs that must all keep the expectations.")  # fmt: skip
@click.option("--seed", default="0", show_default=True, help="Of all that is drawn.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the results as JUnit XML.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The results as JSON.")
def command(explain: str | None, **options: Any) -> None:
    """Review the settings that a system has today, in seconds and without a search.

    MANIFESTS are Kubernetes or compose files or folders; SCENARIO is a scenario file or a shipped
    scenario's name. Each finding says where it stands, what it costs in simulation and what to
    paste. What the scenario expects is tested, too; with --policy nothing else is.

    \b
      hms check online-boutique
      hms check k8s/ --strict
      hms check --explain retry-multiplication
      hms check shop.yaml --policy ladder --seeds 20 --junit check.xml
      hms check shop.yaml --policy today --fault crash:payment --expect recovers_within_s=30
    """
    asked = Asked(**options)
    if explain is not None:
        _explain(explain)
    elif not asked.paths:
        raise click.UsageError("nothing to check\n    expected: manifests, or a scenario")
    elif _check(asked):
        click.get_current_context().exit(FAILED)


def _check(asked: Asked) -> bool:
    """Review and test what is asked for; whether it failed."""
    from hms.documents import write_whole
    from hms.experiments.check.engines import is_compiled
    from hms.experiments.check.expect_option import expectations
    from hms.experiments.check.junit import junit_text

    system = _system(asked)
    expected = expectations(system.scenario, asked.expect)
    if asked.policy is not None and not expected:
        raise click.UsageError(
            "nothing is expected of it\n"
            "    expected: `expect` in the scenario, or --expect recovers_within_s=60"
        )
    if not is_compiled(asked.engine):
        click.echo("note: compiling the engine, once: it takes less than a minute", err=True)
    parts = [_hold(asked, system, expected)] if expected else []
    if asked.policy is None:
        parts.insert(0, _review(asked, system))
    if asked.junit is not None:
        write_whole(asked.junit, junit_text(part.suite for part in parts))
    if asked.as_json:
        merged = {key: value for part in parts for key, value in part.data.items()}
        click.echo(json.dumps(merged, indent=1))
    else:
        shown = ("\n".join(map(_coloured, part.lines)) for part in parts)
        click.echo("\n\n".join(shown))
    return any(part.failed for part in parts)


def _coloured(line: str) -> str:
    """The first word in its colour; echo takes colours away again where nobody sees them."""
    word = line.partition(" ")[0]
    if word not in COLOURS or "NO_COLOR" in os.environ:
        return line
    return click.style(word, fg=COLOURS[word], bold=True) + line[len(word) :]


def _system(asked: Asked) -> System:
    """What is checked; what an import had to say goes to stderr."""
    from hms.experiments.check.subject import is_scenario, read_system
    from hms.experiments.cli.import_ import given

    if asked.merge and is_scenario(asked.paths):
        raise click.UsageError("--merge is for manifests\n    expected: --overlay for a scenario")
    merge = [given(text) for text in asked.merge]
    system, said = read_system(asked.paths, asked.overlays, asked.faults, merge)
    for note in said:
        click.echo(f"note: {note}", err=True)
    return system


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the answer, in each of its forms."""

    lines: list[str]
    data: dict[str, Any]
    suite: Element
    failed: bool


def _review(asked: Asked, system: System) -> Part:
    from hms.experiments.check.data_form import review_mapping
    from hms.experiments.check.junit import review_suite
    from hms.experiments.check.review import review
    from hms.experiments.check.text import review_lines

    found = review(system, asked.seed, everything=asked.everything, engine=asked.engine)
    return Part(
        list(review_lines(found, asked.everything)),
        review_mapping(found),
        review_suite(found, asked.strict),
        asked.strict and bool(found.proven),
    )


def _hold(asked: Asked, system: System, expected: dict[str, Any]) -> Part:
    """Run the scenario for each seed, and compare."""
    from hms.evolution.baselines import TODAY
    from hms.experiments.check.expectation_text import summary, tested_lines, tested_mapping
    from hms.experiments.check.expectations import UnderPolicy, hold_to, seeds_from
    from hms.experiments.check.junit import expectations_suite
    from hms.experiments.single_run import policy_named

    if not system.scenario.faults:
        click.echo("note: nothing fails in the scenario; --fault adds a failure", err=True)
    name = asked.policy or TODAY
    policy = None if name == TODAY else policy_named(name, system.middle)[1]
    tested = hold_to(
        UnderPolicy(system, name, policy, asked.engine),
        expected,
        seeds_from(asked.seed, asked.seeds),
    )
    again = _again(asked, name)
    return Part(
        [*tested_lines(tested, again), "", summary(tested, name, asked.seeds)],
        tested_mapping(tested, name, again),
        expectations_suite(system.scenario.name, name, tested, again),
        any(each.missed for each in tested),
    )


def _again(asked: Asked, policy: str) -> Sequence[str]:
    """The words of the command that shows one run again, without its seed."""
    from hms.experiments.check.subject import is_scenario

    words = ["hms", "simulate" if is_scenario(asked.paths) else "check", *asked.paths]
    for overlay in asked.overlays:
        words += ["--overlay", str(overlay)]
    for fault in asked.faults:
        words += ["--fault", fault]
    if not is_scenario(asked.paths):
        for text in asked.merge:
            words += ["--merge", text]
        for text in asked.expect:
            words += ["--expect", text]
    if asked.engine != "fluid":
        words += ["--engine", asked.engine]
    return [*words, "--policy", policy]


def _explain(name: str) -> None:
    """The page of one rule, or the list of all."""
    from hms.errors import InputError
    from hms.experiments.check.rules import RULES
    from hms.problems import nearest

    if not name:
        width = max(map(len, RULES))
        for rule in RULES.values():
            click.echo(f"{rule.name:<{width}}  {rule.title}")
        return
    if name not in RULES:
        near = nearest(name, RULES)
        hint = f"\n    nearest: `{near}`" if near else ""
        raise InputError(f"no rule `{name}`\n    expected: {', '.join(RULES)}{hint}")
    click.echo(RULES[name].page.rstrip())
