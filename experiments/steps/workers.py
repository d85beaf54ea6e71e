"""Step 3: the hands. Compile the engine once, then start Ray's workers, which read the cache."""

from __future__ import annotations

import os
import threading

from hms.experiments.job import Job
from hms.experiments.steps.track import begin_tracking


def start_workers(job: Job) -> str:
    """Set `job.cluster` and `job.backend`; MLflow's parent run begins meanwhile.

    The engine is compiled here and not by the workers: four processes on an empty cache would
    each compile all of it. Compiling and Ray's start overlap.
    """
    from hms.agents.mac import cluster
    from hms.evolution.backends import RayBackend, planned_chunk
    from hms.experiments.simulation import simulate_pairs, warm_up

    share_machine_code(job.options.ray_address)
    failure: list[BaseException] = []

    def compile_engine() -> None:
        try:
            warm_up(job.sets)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the main thread
            failure.append(error)

    compiling = threading.Thread(target=compile_engine, name="compile", daemon=True)
    compiling.start()
    job.cluster = cluster.start(job.options.workers, address=job.options.ray_address)
    job.progress.advance(0.3, "opening MLflow, compiling the engine")
    begin_tracking(job)
    job.progress.advance(0.6, "compiling the engine")
    while compiling.is_alive():
        compiling.join(0.2)
    if failure:
        raise failure[0]
    sets = {name: found.cases for name, found in job.sets.items()}
    job.backend = RayBackend(
        job.cluster.ray,
        sets,
        simulate_pairs(job.plan.prices),
        chunk_incidents=planned_chunk(len(job.topology.components), job.topology.horizon_s),
    )
    return f"{job.options.workers} workers"


def share_machine_code(address: str = "") -> None:
    """Let Ray's workers find what is compiled here: they run with another home folder.

    Workers of another machine get the folder only if the user names one, as a shared volume: our
    own need not exist there.
    """
    from hms.agents.mac.cluster import on_this_machine
    from hms.scenarios.machine_code import cache_folder

    if on_this_machine(address):
        os.environ.setdefault("HMS_CACHE_DIR", str(cache_folder().parents[1]))
