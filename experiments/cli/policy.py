"""`hms policy show|diff|validate`: read, compare and check policies.

Works without the `lab` extra.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import GROUPS, table
from hms.agents.policy.policy_file import ISSUES
from hms.agents.policy.policy_values import write_paths
from hms.errors import InputError
from hms.experiments.cli import policy_words
from hms.experiments.export.sources import find_policy, read_policy

SHORT_HASH = 12


@click.group("policy")
def command() -> None:
    """Show, compare and check healing policies.

    P is a policy file, a run (folder, id or latest) or the name of a baseline.
    """


@command.command("show")
@click.argument("policy", metavar="P")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(policy: str, as_json: bool) -> None:
    """Show every value of P with its unit; what differs from the default says so."""
    found = find_policy(policy)
    if as_json:
        told = {
            "source": found.source,
            "sha256": found.policy.sha256,
            "policy": found.policy.to_mapping(),
        }
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    click.echo(f"{found.name}  sha256 {found.policy.sha256}  from {found.source}")
    click.echo("\n".join(shown(found.policy)))


def shown(policy: HealingPolicy) -> Iterator[str]:
    """The lines of a policy: a group after the other, then ladders and overrides."""
    for group, record in GROUPS.items():
        yield ""
        yield f"{group}: {str(record.__doc__).splitlines()[0]}"
        for row in (row for row in table() if row.path.startswith(f"{group}.")):
            value = policy.value(row.path)
            told = policy_words.spoken(row.path, value)
            usual = policy_words.spoken(row.path, row.default)
            mark = "default" if value == row.default else f"default {usual}"
            yield f"  {row.path.split('.')[1]:<22} {told:<22} {mark:<30} {row.does}".rstrip()
    yield ""
    yield "recovery: what is done about an illness, top to bottom"
    for issue in ISSUES:
        yield f"  {issue:<22} {policy_words.ladder(policy.recovery.get(issue, ()))}"
    yield ""
    yield "overrides: " + ("later ones win" if policy.overrides else "none")
    for each in policy.overrides:
        yield f"  {policy_words.override(each)}"


@command.command("diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(a: str, b: str, as_json: bool) -> None:
    """Say in words what policy B does instead of A, group by group."""
    first, second = find_policy(a), find_policy(b)
    changes = list(differences(first.policy, second.policy))
    if as_json:
        told = {
            "a": {"source": first.source, "sha256": first.policy.sha256},
            "b": {"source": second.source, "sha256": second.policy.sha256},
            "same": first.policy.sha256 == second.policy.sha256,
            "changes": changes,
        }
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    click.echo(f"{second.name} ({second.policy.sha256[:SHORT_HASH]}) instead of"
               f" {first.name} ({first.policy.sha256[:SHORT_HASH]})")
    click.echo("\n".join(by_group(changes)) if changes else "no difference")


def differences(a: HealingPolicy, b: HealingPolicy) -> Iterator[dict[str, Any]]:
    """What `b` says otherwise, in the order of the parameter table."""
    for row in table():
        was, now = a.value(row.path), b.value(row.path)
        if was != now:
            yield {
                "group": row.path.split(".")[0],
                "parameter": row.path,
                "a": write_paths({row.path: was})[row.path],
                "b": write_paths({row.path: now})[row.path],
                "words": policy_words.difference(row.path, was, now),
            }
    ladders_a, ladders_b = a.to_mapping().get("recovery", {}), b.to_mapping().get("recovery", {})
    for issue in ISSUES:
        first = policy_words.ladder(a.recovery.get(issue, ()))
        second = policy_words.ladder(b.recovery.get(issue, ()))
        if first != second:
            yield {
                "group": "recovery",
                "parameter": f"recovery.{issue}",
                "a": ladders_a.get(issue, []),
                "b": ladders_b.get(issue, []),
                "words": f"against {issue}: {second} instead of {first}",
            }
    yield from _overrides(a, b)


def _overrides(a: HealingPolicy, b: HealingPolicy) -> Iterator[dict[str, Any]]:
    first, second = ([policy_words.override(o) for o in p.overrides] for p in (a, b))
    for told in (*first, *second):
        if (told in first) != (told in second):
            yield {
                "group": "overrides",
                "parameter": "overrides",
                "a": told if told in first else None,
                "b": told if told in second else None,
                "words": told if told in second else f"no longer {told}",
            }
    if first != second and sorted(first) == sorted(second):
        yield {
            "group": "overrides",
            "parameter": "overrides",
            "a": first,
            "b": second,
            "words": "the same overrides in another order: later ones win",
        }


def by_group(changes: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The differences in words, under the name of their group."""
    group = ""
    for change in changes:
        if change["group"] != group:
            group = change["group"]
            yield f"{group}:"
        yield f"  {change['words']}"


@command.command("validate")
@click.argument("policies", metavar="P...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def validate(policies: tuple[str, ...], as_json: bool) -> None:
    """Check policies; every mistake is named with its line. Exit 2 if there is one."""
    verdicts = [verdict(name) for name in policies]
    if as_json:
        click.echo(json.dumps(verdicts, indent=1, ensure_ascii=False))
    for each in () if as_json else verdicts:
        if each["valid"]:
            click.echo(f"{each['policy']}: valid, sha256 {each['sha256'][:SHORT_HASH]}")
        else:
            click.echo(each["message"], err=True)
    wrong = sum(not each["valid"] for each in verdicts)
    if wrong:
        if not as_json:
            click.echo(f"{wrong} of {len(verdicts)} policies are not valid", err=True)
        raise SystemExit(InputError.exit_code)


def verdict(name: str) -> dict[str, Any]:
    """Whether one policy is valid, and all of its mistakes."""
    try:
        path = Path(name)
        policy = read_policy(path) if path.is_file() else find_policy(name).policy
    except InputError as error:
        problems = [
            {
                "path": ".".join(str(part) for part in problem.path),
                "line": problem.line,
                "what": problem.what,
                "expected": problem.expected,
                "nearest": problem.nearest,
            }
            for problem in error.problems
        ]
        return {"policy": name, "valid": False, "message": str(error), "problems": problems}
    return {"policy": name, "valid": True, "sha256": policy.sha256, "problems": []}
