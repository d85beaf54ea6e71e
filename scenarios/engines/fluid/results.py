"""From the counters of a run to its outcome."""

from typing import Any

from hms.scenarios.compile import CompiledScenario
from hms.scenarios.engines.fluid.measure import leftovers
from hms.scenarios.outcome import ADDED_REPLICA_PRICE, Outcome


def outcome_of(compiled: CompiledScenario, state: Any) -> Outcome:
    """The outcome of a run that reached its horizon."""
    world = {name: state.world[name][0].item() for name in state.world.dtype.names}
    horizon_s = world["ticks"] * world["dt"]
    mean_rps = max(world["offered"] / horizon_s, 1e-12)
    late = float(leftovers(state))
    bad = world["total_bad"] + late
    downtime_bad = world["downtime_bad"] + late
    recover_s, recovered = _recovery(world, horizon_s)
    parts = (
        world["out_of_service"],
        world["added_replica"],
        world["quality_loss"] / mean_rps,
        world["lost_in_flight"] / mean_rps,
    )
    end = world["end_good"] + world["end_bad"]
    outcome = Outcome(
        downtime_s=downtime_bad / mean_rps,
        slo_violation_s=world["slo_violation_s"],
        availability=min(1.0, world["total_good"] / max(world["total_offered"], 1e-12)),
        time_to_recover_s=recover_s,
        recovered=recovered,
        disruption_s=parts[0] + ADDED_REPLICA_PRICE * parts[1] + parts[2] + parts[3],
        out_of_service_s=parts[0],
        added_replica_s=parts[1],
        quality_loss_s=parts[2],
        lost_in_flight_s=parts[3],
        restarts=world["restarts"],
        offered=world["total_offered"],
        good=world["total_good"],
        bad=bad,
        end_availability=world["end_good"] / end if end > 0.0 else 0.0,
        components=compiled.names,
    )
    if world["record"]:
        outcome.timeline = _timeline(state)
    return outcome


def _recovery(world: dict[str, Any], horizon_s: float) -> tuple[float, bool]:
    if world["first_down_window"] < 0:
        return 0.0, True
    if world["recovered_window"] < 0:
        return horizon_s - world["first_down_window"], False
    return float(world["recovered_window"] - world["first_down_window"]), True


def _timeline(state: Any) -> dict[str, Any]:
    import numpy as np

    seconds = len(state.windows)
    cells = state.component_windows
    return {
        "t_s": np.arange(seconds, dtype=np.float64),
        "offered_rps": state.windows["offered"].copy(),
        "good_rps": state.windows["good"].copy(),
        "bad_rps": state.windows["bad"].copy(),
        "present": cells["present"].copy(),
        "ok_rps": cells["ok"].copy(),
        "bad_out_rps": cells["bad"].copy(),
        "serving": cells["serving"].copy(),
    }
