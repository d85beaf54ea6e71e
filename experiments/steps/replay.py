"""Step 7: the champion for real. One agent host a component, each deciding for itself.

The world is the compiled one, in virtual time; every decision is taken by the runtime inside a
Ray actor. The event log must have the same bytes as the compiled engine's: what was evolved is
what runs. A difference is our bug and ends the run with exit 70.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hms.agents.policy.kinds import OPEN, PHASE_NAMES
from hms.errors import HmsError
from hms.experiments.event_words import ACT, EJECTED, PHASE, Event, read_events
from hms.experiments.fault_words import end_s, full_text
from hms.experiments.job import Job, Replayed
from hms.experiments.report.closing_table import CHAMPION, HELD_OUT
from hms.experiments.simulation import recorded

if TYPE_CHECKING:
    import pandas as pd

    from hms.scenarios.compile import CompiledScenario
    from hms.scenarios.model import Scenario
    from hms.scenarios.outcome import Outcome

WORST = "held_out_worst"


def start_hosts(job: Job) -> None:
    """Set `job.hosts`: their processes start while the held-out failures are simulated."""
    from hms.agents.mac import host
    from hms.agents.mac.virtual_time import describe

    if job.cluster is not None and not job.hosts:
        job.hosts = host.start_hosts(job.cluster.ray, len(describe(job.topology)))


def stop_hosts(job: Job) -> None:
    """End the hosts' processes; nothing to do where there are none."""
    from hms.agents.mac import host

    if job.cluster is not None and job.hosts:
        host.stop_hosts(job.cluster.ray, job.hosts)
    job.hosts = []


def replay_champion(job: Job) -> str:
    """Set `job.replayed`.

    Raises:
        HmsError: the actors decided something else than the compiled engine.
    """
    from hms.agents.mac.virtual_time import replay

    rival = job.table.gate.best_baseline
    chosen = job.sets[HELD_OUT]
    place = chosen_incident(job, rival)
    scenario, compiled = chosen.scenarios[place], chosen.compiled[place]
    incident = chosen.ids[place]
    job.progress.expect(scenario.horizon_s)
    _, log = replay(
        compiled,
        job.champion,
        scenario,
        job.hosts,
        progress=lambda t_s: job.progress.advance(t_s, f"{incident}: {t_s:.0f} s of virtual time"),
    )
    outcomes = {
        CHAMPION: recorded(job.champion, compiled, scenario),
        rival: recorded(job.baselines[rival], compiled, scenario),
    }
    job.replayed = replayed(incident, scenario, compiled, outcomes)
    job.replayed.hosts = len(job.hosts)
    job.replayed.equal = log == outcomes[CHAMPION].events
    job.replayed.logs["champion.actors.log"] = "\n".join(log) + "\n"
    job.spent["replay"] = 3
    if not job.replayed.equal:
        raise HmsError(difference(outcomes[CHAMPION].events, log, incident))
    stop_hosts(job)
    return f"{incident} on {job.replayed.hosts} hosts: the log of the compiled engine"


def chosen_incident(job: Job, rival: str) -> int:
    """The failure in the middle: half of those that were felt went better for the champion.

    Better by champion - best baseline in downtime; felt: a second below the SLO under either.
    Where none was felt, all count. With `held_out_worst`: the champion's worst.
    """
    rows = job.held_out[job.held_out["set"] == HELD_OUT]
    champion = rows[rows["stack"] == CHAMPION]
    other = rows[rows["stack"] == rival]
    ours, theirs = champion["downtime_s"].to_numpy(), other["downtime_s"].to_numpy()
    if job.plan.replayed[0] == WORST:
        return int(np.argmax(ours))
    below_s = champion["slo_violation_s"].to_numpy() + other["slo_violation_s"].to_numpy()
    felt = np.flatnonzero(below_s > 0.0)
    among = felt if len(felt) else np.arange(len(ours))
    order = among[np.argsort((ours - theirs)[among], kind="stable")]
    return int(order[(len(order) - 1) // 2])


def difference(ours: list[str], theirs: list[str], incident: str) -> str:
    """The first line in which two event logs differ."""
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        if one != other:
            return (
                f"actors and compiled engine differ on {incident}, line {number} of their logs:\n"
                f"    compiled: {one}\n    actors:   {other}"
            )
    return f"actors and compiled engine differ on {incident}: {len(ours)} and {len(theirs)} lines"


def replayed(
    incident: str,
    scenario: Scenario,
    compiled: CompiledScenario,
    outcomes: dict[str, Outcome],
) -> Replayed:
    """Frames and logs of recorded runs of one incident, by stack."""
    import pandas as pd

    slo = min(promise.availability for promise in scenario.slo.values())
    warm_up_s = scenario.warm_up_s
    parts = {
        name: outcome_frames(name, incident, run, slo, warm_up_s) for name, run in outcomes.items()
    }
    acts = [acts_frame(name, incident, run, compiled) for name, run in outcomes.items()]
    return Replayed(
        incident=incident,
        hosts=0,
        equal=False,
        seconds=pd.concat([seconds for seconds, _ in parts.values()], ignore_index=True),
        components=pd.concat([components for _, components in parts.values()], ignore_index=True),
        acts=pd.concat(acts, ignore_index=True),
        faults=[(full_text(f, scenario), f.start_s, end_s(f)) for f in scenario.faults],
        slo=slo,
        logs={f"{name}.log": _text(run) for name, run in outcomes.items()},
    )


def outcome_frames(
    stack: str, incident: str, run: Outcome, slo: float, warm_up_s: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A recorded run second by second: the whole system, and each component."""
    import pandas as pd

    line = run.timeline
    ended = line["good_rps"] + line["bad_rps"]
    share = np.divide(line["good_rps"], ended, out=np.ones_like(ended), where=ended > 0.0)
    head = {"stack": stack, "incident": incident}
    seconds = pd.DataFrame(
        {
            **head,
            "t_s": line["t_s"],
            "offered_rps": line["offered_rps"],
            "good_rps": line["good_rps"],
            "bad_rps": line["bad_rps"],
            "down": (share < slo) & (line["t_s"] >= warm_up_s),
        }
    )
    names = run.components
    columns = {
        "present": "present", "answered_rps": "ok_rps", "failed_rps": "bad_out_rps",
        "serving": "serving",
    }  # fmt: skip
    components = pd.DataFrame(
        {
            **head,
            "t_s": np.repeat(line["t_s"], len(names)),
            "component": np.tile(np.array(names, dtype=object), len(line["t_s"])),
            **{name: line[source].reshape(-1) for name, source in columns.items()},
        }
    )
    return seconds, components


def acts_frame(
    stack: str, incident: str, run: Outcome, compiled: CompiledScenario
) -> pd.DataFrame:
    """What was done in a recorded run: acts of healing, breakers opened, replicas ejected."""
    import pandas as pd

    rows = [
        {"stack": stack, "incident": incident, "t_s": event.t_s, **told}
        for event in read_events(run.events, compiled.names, compiled.edge_names)
        if (told := _told(event)) is not None
    ]
    columns = ["stack", "incident", "t_s", "kind", "component", "act", "issue"]
    return pd.DataFrame(rows, columns=columns)


def _told(event: Event) -> dict[str, str] | None:
    """An event as a row of the acts; None for what only changes back, or is only seen."""
    if event.rule == ACT:
        return {"kind": "act", "component": event.component, "act": event.after,
                "issue": event.before}  # fmt: skip
    if event.rule == PHASE and event.after == PHASE_NAMES[OPEN]:
        return {"kind": "breaker", "component": event.callee, "act": "stop calls to", "issue": ""}
    if event.rule == EJECTED and len(event.after) > len(event.before.replace("none", "")):
        return {"kind": "breaker", "component": event.callee, "act": "eject replica of",
                "issue": ""}  # fmt: skip
    return None


def _text(run: Outcome) -> str:
    return "\n".join(run.events) + "\n"
