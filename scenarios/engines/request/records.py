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
from hms.scenarios.faults.kinds import KINDS
from hms.scenarios.policy_jit import dtype_of

SLOTS = 4
WINDOW_SLOTS = 129
"""Of a breaker's window: exact up to 128 calls; a longer window closes slots of several calls."""
TIME_SLOTS = 16
NONE = -1

I8, I4, F8 = "i8", "i4", "f8"


def _dtype(
    ints: str, floats: str, small: str = "", by_kind: str = ""
) -> np.dtype[np.void]:
    fields: list[Any] = [(name, I8) for name in ints.split()]
    fields += [(name, F8) for name in floats.split()]
    fields += [(name, I4) for name in small.split()]
    fields += [(name, I8, (KINDS,)) for name in by_kind.split()]
    return np.dtype(fields, align=True)


WORLD = _dtype(
    "seed record ticks tick control_every events_n heap_n heap_peak todo_head todo_n"
    " visits_made visits_free calls_made calls_free events budget stopped warm_up_windows"
    " arrived served failed dropped spans_n faults_over stale_last caches_cold looks",
    "now dt dt_inv end_s load_factor added_replica out_of_service quality_loss lost_in_flight"
    " lost_by_faults restarts area area_s residence warm_up_s window_late"
    " availability breaches",
)
COMPONENT = _dtype(
    # replicas r0..r1 exist, up to r2 may; edges e0..e1 it calls; i0..i1 in `incoming`: its callers
    "client agent r0 r1 r2 e0 e1 i0 i1 parallel balancer discipline slots_used slots_max replicas"
    " restarts_itself ready_every ready_failures ready_blind live_every live_failures live_blind"
    " ready_delay_ticks live_delay_ticks detects detect_ticks late0 late_periods noisy"
    # p0..p1: edges it publishes on; chains: its endpoints
    " p0 p1 chains fallback_until_tick arriving_tick rate_row turn drawn choices arrivals_drawn"
    " generation entry_no regular closed"
    " arrived served failed refused cancelled lost present own_errors worked",
    "service_s cv2 congestion cores workers queue_stated limit queue_limit startup_s"
    " cold_s cold_factor memory_idle_mb memory_limit_mb ready_timeout_s live_timeout_s"
    " added_replicas arriving former area area_s residence window_ok window_bad"
    " gap_left gap_from_s rate_rps metric_noise idle_share hit_rate hit_target keys_inv"
    " think_s users busy_s stayed_s calls_time_s",
)
REPLICA = _dtype(
    "component slot group there leaving up in_rotation servers busy working present token"
    " starts_tick ready_fails live_fails down_by_act crashed_in_row left_rotation"
    # what faults do to it, named as in the `fluid` engine, which has the effects (effects.py)
    " hung gray paused gc_start gc_pause gc_every bad_version cures rolls down_until skewed odd",
    "rate servers_speed workers k cores cores_scale virtual virtual_s answered_s"
    " slow_factor bad_slow_factor disk_factor gray_factor cpu_share own_speed error_fault"
    " bad_error gray_error own_error refuse_share memory_mb leak_mb_s leak_mb_request up_since_s"
    " cores_left workers_taken probe_false probe_missed loop_s"
    " sum_arrivals sum_answers sum_errors sum_own_errors sum_refused sum_residence sum_own_s"
    " sum_served",
    by_kind="held_by",
)
EDGE = _dtype(
    "caller callee agent entry soft cancel loses cut attempts scope_replica breaker slots list"
    " stale_until_tick former_attempts hedges passes drawn publish chain_start troubled kept"
    " latency_by loss_by cut_by dns_by"
    " first made ok bad late refused blocked hedged opened active again given_up lost good",
    "calls n n_inv first_share reissue_share timeout_s total_s network_s delay_s added_s"
    " jitter_var loss severed dns skew quality latency_s fallback_share hedge_after_s opening_u"
    " degraded chain_weight miss_calls call_time_s",
)
VISIT = _dtype(
    "",
    "came_s work_s since_s deadline_s",
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
EVENT = _dtype("tick entity rule", "before after")
SPAN = _dtype(
    "own own_serial parent parent_serial kind place replica ended", "start_s end_s"
)
WINDOW = _dtype("", "good bad offered")
COMPONENT_WINDOW = _dtype(
    # of this second; after them sums up to its end
    "",
    "present ok bad serving ready arrivals refused answered_ok answered_bad own_errors worked"
    " busy_s residence_time_s calls_time_s",
)
EDGE_WINDOW = _dtype(
    "", "calls retries blocked ok failed late given_up lost call_time_s in_flight good"
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
