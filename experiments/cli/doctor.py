"""`hms doctor`: what is installed, what this machine gives, what Ray would open on it."""

from __future__ import annotations

import json
import textwrap
import time
from typing import Any

import click

from hms.experiments.cli.machine import SHARED_MEMORY_LEAST_MB, survey

WIDTH = 100
INDENT = 11


@click.command(name="doctor")
@click.option("--ray", "with_ray", is_flag=True, help="Start a local Ray and list its ports.")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON on stdout.")
def command(with_ray: bool, as_json: bool) -> None:
    """What is installed, which CPUs and memory there are, whether runs can be written.

    Starts nothing; with --ray it starts a private Ray for some seconds, lists the ports on
    which that listens, and stops it. Exit 0 whatever it finds, but 3 for --ray without Ray.
    """
    findings = survey()
    if with_ray:
        click.echo("starting a private Ray for some seconds", err=True)
        findings["ray"] = ray_ports()
    if as_json:
        click.echo(json.dumps(findings, indent=2, allow_nan=False))
        return
    for line in report(findings):
        click.echo("\n".join(textwrap.wrap(line, WIDTH, subsequent_indent=" " * INDENT)))


def ray_ports() -> dict[str, Any]:
    """Start a private Ray, look on which ports it listens, stop it.

    Raises:
        MissingError: Ray is not installed, or this system has no /proc.
    """
    from hms.agents.mac import cluster, listening

    began_s = time.monotonic()
    with cluster.start(1):
        started_s = time.monotonic() - began_s
        ports = listening.listening_ports()
    return {
        "started_s": round(started_s, 1),
        "loopback_only": all(port.is_loopback for port in ports),
        "ports": [
            {"program": p.program, "address": p.address, "port": p.port, "loopback": p.is_loopback}
            for p in ports
        ],
    }


def report(findings: dict[str, Any]) -> list[str]:
    """The findings for a person: a line each, and what to do about what is not right."""
    lines = [
        f"hms        {findings['hms']}, {findings['folder']}",
        f"python     {findings['python']}{'' if findings['python_supported'] else _UNSUPPORTED}",
        f"system     {findings['system']}",
        f"cpus       {findings['cpus_usable']} usable of {findings['cpus']}",
        *_memory_lines(findings),
        f"runs       {_runs(findings['runs'])}",
    ]
    for extra, packages in findings["packages"].items():
        lines.append(f"{extra:<10} {_packages(extra, packages)}")
    for program, settings in findings["usage_reports"].items():
        shown = " ".join(f"{name}={value}" for name, value in settings.items())
        lines.append(f"reports    {program}: off in every run ({shown})")
    return lines + (_ray_lines(findings["ray"]) if "ray" in findings else [])


_UNSUPPORTED = ": not supported, expected 3.11, 3.12 or 3.13"


def _memory_lines(findings: dict[str, Any]) -> list[str]:
    memory, shared = findings["memory_mb"], findings["shared_memory_mb"]
    lines = []
    if memory:
        available, total = memory["available"], memory["total"]
        lines.append(f"memory     {available:,} MB available of {total:,} MB")
    if shared:
        few = shared["free"] < SHARED_MEMORY_LEAST_MB
        hint = f": less than {SHARED_MEMORY_LEAST_MB} MB, Ray falls back to files" if few else ""
        lines.append(f"/dev/shm   {shared['free']:,} MB free of {shared['total']:,} MB{hint}")
    return lines


def _runs(runs: dict[str, Any]) -> str:
    text = f"{runs['folder']}: {runs['count']} run{'s' * (runs['count'] != 1)}"
    text += ", writable" if runs["writable"] else f", not writable: {runs['reason']}"
    if not runs["exists"]:
        text += " (the first run makes it)" if runs["writable"] else ""
    return text + ("" if runs["store"] is None else f"; mlflow.db: {runs['store']}")


def _packages(extra: str, packages: dict[str, str | None]) -> str:
    there = ", ".join(f"{name} {found}" for name, found in packages.items() if found)
    absent = ", ".join(name for name, found in packages.items() if not found)
    if not absent:
        return there
    get = f"missing: {absent}"
    get += f' (pip install "hms-healing[{extra}]")' if extra != "base" else ""
    return f"{there}; {get}" if there else get


def _ray_lines(ray: dict[str, Any]) -> list[str]:
    verdict = (
        "reachable from this machine only"
        if ray["loopback_only"]
        else "REACHABLE FROM OTHER MACHINES: please report this as a bug"
    )
    lines = [f"ray        up in {ray['started_s']} s, {len(ray['ports'])} ports, {verdict}"]
    for port in ray["ports"]:
        place = "loopback" if port["loopback"] else "NOT LOOPBACK"
        lines.append(f"{'port':<10} {port['address']}:{port['port']} {port['program']}, {place}")
    return lines
