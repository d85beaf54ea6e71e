"""Step 6: champion and baselines on held-out failures, and on families never trained on."""

from __future__ import annotations

from hms.experiments.job import Job
from hms.experiments.outcome_frame import evaluate_stacks
from hms.experiments.report.closing_table import CHAMPION, HELD_OUT, NEVER_TRAINED


def compare_stacks(job: Job) -> str:
    """Set `job.held_out` and `job.table`; the agent hosts of the replay start meanwhile."""
    import pandas as pd

    from hms.experiments.oracle import is_asked_for, oracle_frame
    from hms.experiments.report.closing_table import closing_table
    from hms.experiments.steps.replay import start_hosts

    start_hosts(job)
    stacks = {CHAMPION: job.champion, **job.baselines}
    sizes = {name: len(stacks) * len(job.sets[name].ids) for name in (HELD_OUT, NEVER_TRAINED)}
    job.progress.expect(sum(sizes.values()))
    parts: list[pd.DataFrame] = []
    for name, size in sizes.items():
        if size:
            part = evaluate_stacks(job, stacks, name, done=sum(len(each) for each in parts))
            part.insert(1, "set", name)
            parts.append(part)
    if is_asked_for(job):
        for name in [name for name, size in sizes.items() if size]:
            job.progress.advance(sum(sizes.values()), f"{name}: the oracle")
            part = oracle_frame(job, name)
            part.insert(1, "set", name)
            parts.append(part)
    job.held_out = pd.concat(parts, ignore_index=True)
    compare = job.plan.compare
    job.table = closing_table(
        job.held_out,
        seed=job.seed,
        resamples=compare.resamples,
        level=compare.level,
        incidents=job.spent,
        footnotes=job.footnotes,
    )
    return job.table.gate.sentence
