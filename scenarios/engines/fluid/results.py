"""From the counters of a run to its outcome."""

from typing import Any

from hms.scenarios.compile import CompiledScenario
from hms.scenarios.engines.fluid.measure import leftovers
from hms.scenarios.engines.fluid.telemetry import telemetry_of
from hms.scenarios.outcome import ADDED_REPLICA_PRICE, Outcome


def outcome_of(compiled: CompiledScenario, state: Any) -> Outcome:
    """The outcome of a run that reached its horizon."""
    world = {name: state.world[name][0].item() for name in state.world.dtype.names}
    horizon_s = world["ticks"] * world["dt"]
    mean_rps = max(world["offered"] / horizon_s, 1e-12)
    late = float(leftovers(state))
    _close_with(late, world)
    recover_s, recovered = _recovery(world, horizon_s)
    parts = (
        world["out_of_service"],
        world["added_replica"],
        world["quality_loss"] / mean_rps,
        world["lost_in_flight"] / mean_rps,
    )
    end = world["end_good"] + world["end_bad"]
    outcome = Outcome(
        downtime_s=world["downtime_bad"] / mean_rps,
        slo_violation_s=world["slo_violation_s"],
        availability=_share(world["total_good"], world["total_offered"]),
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
        bad=world["total_bad"],
        end_availability=_share(world["end_good"], end),
        breaches=world["breaches"],
        components=compiled.names,
    )
    if world["record"]:
        outcome.timeline = _timeline(state)
        outcome.telemetry = telemetry_of(compiled, state)
    return outcome


def _close_with(late: float, world: dict[str, Any]) -> None:
    """What is late and unanswered at the horizon counts as bad in the last window."""
    answered = world["last_good"] + world["last_bad"]
    promised = world["availability"]
    was_down = answered > 0.0 and world["last_good"] < promised * answered
    is_down = late > 0.0 and world["last_good"] < promised * (answered + late)
    if was_down:
        world["downtime_bad"] += late
    elif is_down:
        world["downtime_bad"] += world["last_bad"] + late
        world["slo_violation_s"] += 1.0
    world["total_bad"] += late
    world["end_bad"] += late


def _share(part: float, whole: float) -> float:
    """Part of the whole, 1 where there is no whole: nobody asked, so nobody was failed."""
    return min(1.0, part / whole) if whole > 0.0 else 1.0


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
