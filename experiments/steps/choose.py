"""Step 5: the champion. Finalists and baselines meet on validation scenarios."""

from __future__ import annotations

from hms.experiments.job import Job
from hms.experiments.outcome_frame import evaluate_stacks
from hms.experiments.steps.second_opinion import ask_requests

SET = "validation"


def finalist_name(place: int) -> str:
    """`finalist-01`: the place among the finalists, counted from 1."""
    return f"finalist-{place + 1:02d}"


def choose_champion(job: Job) -> str:
    """Set `job.finalists`, `job.validation`, `job.choice`, `job.engines` and `job.champion`."""
    import hms
    from hms.agents.policy.healing_policy import HealingPolicy
    from hms.evolution.choose import Rule, choose
    from hms.evolution.gate import Scores

    plan = job.plan.choose
    job.finalists = job.search.finalists(plan.finalists)
    stacks = {finalist_name(i): one.policy for i, one in enumerate(job.finalists)}
    job.progress.expect((len(stacks) + len(job.baselines)) * len(job.sets[SET].ids))
    frame = evaluate_stacks(job, {**stacks, **job.baselines}, SET)
    frame["kind"] = ["finalist" if name in stacks else "baseline" for name in frame["stack"]]
    scores = {
        str(name): Scores(part["downtime_s"].to_numpy(), part["disruption_s"].to_numpy())
        for name, part in frame.groupby("stack", sort=False)
    }
    breaches = frame.groupby("stack", sort=False)["breaches"].sum()
    job.choice = choose(
        [scores[name] for name in stacks],
        {name: scores[name] for name in job.baselines},
        Rule(plan.finalists, plan.disruption_s_at_most),
        breaches=[float(breaches[name]) for name in stacks],
    )
    chosen = finalist_name(job.choice.index)
    frame.loc[frame["stack"] == chosen, "kind"] = "champion"
    job.validation = frame
    job.engines = ask_requests(job, stacks, chosen)
    follow_baseline(job)
    policy = job.finalists[job.choice.index].policy
    about = {"name": job.plan.name, "made_by": f"hms {hms.__version__}"}
    job.champion = HealingPolicy(about, policy.groups, policy.recovery, policy.overrides)
    return job.choice.reason


def follow_baseline(job: Job) -> None:
    """Add to each generation what the best baseline does on the failures it saw.

    Generations see different failures; without this, a curve of the search shows mostly which.
    """
    import numpy as np

    from hms.evolution.objectives import column
    from hms.evolution.rotation import Rotation

    settings = job.settings
    families = settings.families
    rows = job.backend.evaluate(
        [job.baselines[job.choice.best_baseline]], range(len(families)), "train"
    )
    downtime_s = rows[0, :, column("downtime_s")]
    job.spent["baseline on training"] = len(families)
    rotation = Rotation(families, settings.scenarios, settings.rotation_share, job.seed)
    for row in job.history:
        turn = row["generation"] - 1
        seen = (rotation.window(turn) + rotation.before(turn))[: row["scenarios"]]
        row["baseline_downtime_s"] = float(np.mean(downtime_s[seen]))
