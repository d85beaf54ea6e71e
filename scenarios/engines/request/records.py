"""The world of single requests as arrays of records: what exists, and the pools of what passes.

Visits and calls live in pools of fixed capacity: a slot is taken from a list of free ones or, if
there is none, from the end. Whoever remembers a slot also remembers its serial (a visit's) or its
generation (a call's): a slot that was used again since then is recognised and left alone.
"""

from typing import Any

import numpy as np

from hms.agents.policy.breaker import BreakerState
from hms.agents.policy.component import Act
from hms.agents.policy.detection import DetectionState
from hms.agents.policy.guard import GuardState
from hms.agents.policy.outlier import OutlierGrant, OutlierObservation, OutlierState
from hms.agents.policy.parameters import (
    BreakerParameters,
    DetectionParameters,
    GuardParameters,
    RecoveryParameters,
    RetryParameters,
)
from hms.agents.policy.recovery import RecoveryState
from hms.agents.policy.retry import RetryState
from hms.scenarios.policy_jit import dtype_of

SLOTS = 4
WINDOW_SLOTS = 129
"""Of a breaker's window: exact up to 128 calls; a longer window closes slots of several calls."""
TIME_SLOTS = 16
NONE = -1

I8, I4, F8 = "i8", "i4", "f8"


def _dtype(ints: str, floats: str, small: str = "") -> np.dtype[np.void]:
    fields: list[Any] = [(name, I8) for name in ints.split()]
    fields += [(name, F8) for name in floats.split()]
    fields += [(name, I4) for name in small.split()]
    return np.dtype(fields, align=True)


WORLD = _dtype(
    "seed record ticks tick control_every events_n heap_n heap_peak todo_head todo_n"
    " visits_made visits_free calls_made calls_free events budget stopped warm_up_windows"
    " arrived served failed dropped spans_n",
    "now dt dt_inv end_s load_factor added_replica out_of_service quality_loss lost_in_flight"
    " lost_by_faults restarts area area_s residence warm_up_s window_late",
)
COMPONENT = _dtype(
    # replicas r0..r1 exist, up to r2 may; edges e0..e1 it calls; i0..i1 in `incoming`: its callers
    "client agent r0 r1 r2 e0 e1 i0 i1 parallel balancer discipline slots_used slots_max replicas"
    " restarts_itself ready_every ready_failures ready_blind live_every live_failures live_blind"
    " fallback_until_tick arriving_tick rate_row turn drawn choices arrivals_drawn generation"
    " entry_no regular"
    " arrived served failed refused cancelled lost present",
    "service_s cv2 congestion cores workers queue_stated limit queue_limit startup_s lb_detect_s"
    " cold_s cold_factor memory_idle_mb memory_limit_mb ready_timeout_s live_timeout_s"
    " added_replicas arriving former area area_s residence window_ok window_bad"
    " gap_left gap_from_s rate_rps metric_noise metric_lag_s",
)
REPLICA = _dtype(
    "component slot there leaving up in_rotation hung bad_version cores busy working present token"
    " starts_tick ready_fails live_fails down_by_act crashed_in_row left_rotation cures",
    "rate workers room cores_speed slow_factor bad_slow_factor error_fault bad_error error_share"
    " memory_mb leak_mb_s up_since_s virtual virtual_s answered_s"
    " sum_arrivals sum_answers sum_errors sum_own_errors sum_refused sum_residence sum_own_s"
    " sum_served sum_busy_s",
)
EDGE = _dtype(
    "caller callee agent entry soft cancel loses cut attempts scope_replica breaker slots list"
    " stale_until_tick former_attempts hedges held_head held_tail drawn"
    " first made ok bad late refused blocked hedged opened active again lost good",
    "mean_calls first_share reissue_share timeout_s total_s network_s added_s loss quality"
    " latency_s fallback_share hedge_after_s opening_u degraded n_inv ok_s",
)
VISIT = _dtype(
    "",
    "came_s work_s since_s",
    "component replica call call_generation serial token state edge pending failed next before",
)
CALL = _dtype(
    "era",
    "began_s first_s due_s deadline_s wait_s",
    "edge visit visit_serial generation attempt live probe in_list next before to to_serial slot",
)
QUEUE = _dtype("head tail n", "")
HEAP = _dtype("what", "at_s")
LIST = _dtype("head tail armed", "duration_s")
FAULT = _dtype(
    "start_tick end_tick kind component edge replicas until active restarts", "value value2 stale_s"
)
EVENT = _dtype("tick entity rule", "before after")
SPAN = _dtype(
    "own own_serial parent parent_serial kind place replica ended", "start_s end_s"
)
WINDOW = _dtype("", "good bad offered")
COMPONENT_WINDOW = _dtype(
    "",
    "present ok bad serving arrived refused served failed own_errors worked own_time_s"
    " residence_time_s busy_s ready",
)
EDGE_WINDOW = _dtype(
    "", "first made blocked ok failed late lost good call_time_s in_flight"
)


def _with_slots(state: np.dtype[np.void], slots: int) -> np.dtype[np.void]:
    """A breaker's state whose window has another number of slots."""
    fields: list[Any] = []
    for name in state.names or ():
        kind = state[name]
        if name == "window":
            kind = np.dtype(
                [(each, F8, (slots,)) if kind[each].shape else (each, kind[each])
                 for each in kind.names or ()], align=True,
            )  # fmt: skip
        fields.append((name, kind))
    return np.dtype(fields, align=True)


CALLER = np.dtype(
    [
        ("breaker", _with_slots(dtype_of(BreakerState), WINDOW_SLOTS)),
        ("retry", dtype_of(RetryState)),
        ("outlier", dtype_of(OutlierState)),
        ("outlier_observation", dtype_of(OutlierObservation)),
        ("outlier_grant", dtype_of(OutlierGrant)),
        ("breaker_p", dtype_of(BreakerParameters)),
        ("retry_p", dtype_of(RetryParameters)),
    ],
    align=True,
)
"""One edge as its caller sees it."""
AGENT = np.dtype(
    [
        ("act", dtype_of(Act)),
        ("detection", dtype_of(DetectionState)),
        ("recovery", dtype_of(RecoveryState)),
        ("guard", dtype_of(GuardState)),
        ("detection_p", dtype_of(DetectionParameters)),
        ("guard_p", dtype_of(GuardParameters)),
        ("recovery_p", dtype_of(RecoveryParameters)),
    ],
    align=True,
)
"""One component's agent."""
