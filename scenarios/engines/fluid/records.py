"""The world's state: three record arrays and two flat arrays of floats.

A function gets one record, not twenty arrays: each array that crosses a call costs atomic counts.
Everything that is a ring or a list lies in one flat array `rings`; closure tables lie in `tables`.
Masses are in requests, rates per second, times in seconds; `ring` sizes are powers of two and ring
positions count computed ticks, so that a jump in time touches no ring.

A *unit* is a group of identical replicas of one component. A component starts as one unit; a fault,
an act or an ejection that reaches a single replica splits it off (at most `SLOTS` units).
"""

from typing import Any

import numpy as np

from hms.scenarios.faults.kinds import KINDS

SLOTS = 4
ATTEMPTS = 5
UNLIMITED = 1e9
LONGEST_TIMEOUT_S = 30.0
POOLS = 8
SLOT_FIELDS = 4
NEVER_TICK = 1 << 60
TWO_MODES = 0.005
UNCERTAIN = -1.0

def _ints(names: str, count: int = 0) -> list[Any]:
    return [(name, "i8", (count,)) if count else (name, "i8") for name in names.split()]


def _floats(names: str, count: int = 0) -> list[Any]:
    return [(name, "f8", (count,)) if count else (name, "f8") for name in names.split()]


def _dtype(*parts: list[Any]) -> np.dtype[np.void]:
    """A record. What a calm tick touches comes first, so that it lies in few lines of the cache."""
    return np.dtype([field for part in parts for field in part], align=True)


COMPONENT = _dtype(
    # units u0..u1 of at most `slots`; edges e0..e1 it waits for, p0..p1 it publishes on;
    # chains: of its endpoints; i0..i1 in `incoming`: who calls it
    _ints(
        "u0 u1 client e0 e1 parallel chains p0 p1 degraded table table_rows ring_mask agent least"
    ),
    _floats(
        "service_s cv2 cores_inv congestion k_table arrivals calls_s calls_var slow_share lag"
        " rejected ok_out bad_out present unavailable_share cores added_replicas entered left_front"
        " slow_after_s slow_error"
    ),
    _ints("i0 i1 slots fallback_until_tick replicas arriving_tick rate_row units_before"),
    # the platform: probes and restarts (periods and thresholds in ticks; 0 = no probe)
    _ints(
        "restarts_itself ready_every ready_failures ready_blind live_every live_failures live_blind"
        " detects detect_ticks ready_delay_ticks live_delay_ticks"
    ),
    _ints("late0 late_periods noisy"),  # late metrics
    _floats("startup_s memory_idle_mb memory_limit_mb ready_timeout_s live_timeout_s"),
    # today's or the policy's admission, and where fallback and roll-back stand;
    # former: what the last act that can be undone changed: the value before, or replicas added
    _floats("limit queue_limit workers queue_stated arriving memory_mark former"),
    _floats("window_ok window_bad last_ok last_bad"),
    # closed loop; share of requests of endpoints without calls; cold starts; cache; metrics
    _floats("think_share idle_share cold_s cold_factor hit_rate hit_target keys_inv metric_noise"),
    _floats("lost abandoned"),  # with replicas that went down; left a queue unanswered
)
UNIT = _dtype(
    _ints("up odd reset pointer ring power_table restless down_by_act"),
    _floats(
        "n n_inv speed queued waiting variance busy admitted departed age age_var error_share"
        " refused out cores cores_scale workers cancelled p_wait k r wait_s throughput wait_var"
        " passed own_error waiting_guess waiting_error out_mean throughput_mean arrivals silent_s"
    ),
    # summed over the control period
    _floats("sum_arrivals sum_answers sum_errors sum_own_errors sum_refused"),
    _floats("leak_mb_s refuse_share share exponent"),  # its own share of requests refused
    _ints(
        "component in_rotation starts_tick ready_fails live_fails hung bad_version crashed_in_row"
        " left_rotation cures split_from group gray"
        # paused since gc_start for gc_pause of every gc_every ticks; rolls: kinds a roll-back ends
        " paused gc_start gc_pause gc_every rolls down_until skewed"
    ),
    # what is wrong with it: factors on service time, share of errors, leak
    _floats(
        "slow_factor bad_slow_factor error_fault bad_error memory_mb up_since_s leak_mb_request"
        " own_speed disk_factor cpu_share gray_factor gray_error cores_left workers_taken"
        " probe_false probe_missed loop_s"
    ),
    # as they were a control period ago
    _floats("present_before out_before age_before error_before r_before waiting_error_before"),
    _ints("held_by", KINDS),  # the fault (its place + 1) that a kind of effect is of, 0: of none
)
EDGE = _dtype(
    _ints(
        "agent due short callee soft ring0 mask pp attempts first_hot late_hot pools_hot era_tick"
        " troubled scope_replica half_open entry slow_counts"
    ),
    _floats(
        "calls timeout_s delay_s jitter_var n_inv reissue_share first_share reissue held refused"
        # retry only what the policy names: shares of refused, erroneous and late calls retried
        " retry_error retry_unavailable retry_answered ok_old bad_old late_old final_old kappa"
        # grants of this tick, and results
        " left_ok share permits fallback_share offered repeats ok bad late final blocked stale_ok"
        " repeat_share outstanding flow_mean degraded degraded_rate spent wake_s carry quiet"
    ),
    _ints(
        "caller retries cancel loses breaker cut timeout_ticks era slots share0 pi0 slot0 carry0"
        " former_retries stale_until_tick publish chain_start latency_by loss_by cut_by dns_by"
    ),
    _floats(
        "network_s n backoff_s backoff_max_s backoff_multiplier full_jitter added_s loss resolved"
        " left_bad flow retry_refused retry_timeout final_now tokens started stale_bad slow_after_s"
        " quality latency_s flow_before severed dns skew chain_weight miss_calls"
    ),
    _floats("release", POOLS),
)
FAULT = _dtype(
    _ints("start_tick end_tick kind component edge replicas until active group ramp_ticks"),
    # at full strength; now: what the first one is while it grows
    _floats("value value2 stale_s now"),
)
EVENT = _dtype(_ints("tick entity rule"), _floats("before after"))
SPLIT = _dtype(_ints("component slot new"))
WINDOW = _dtype(_floats("good bad offered"))
COMPONENT_WINDOW = _dtype(
    _floats(
        "present ok bad serving arrivals refused answered_ok answered_bad own_errors worked"
        " busy_s residence_time_s calls_time_s ready"
    )
)
EDGE_WINDOW = _dtype(
    _floats("calls retries blocked ok failed late given_up lost call_time_s in_flight good")
)
WORLD = _dtype(
    # the clock is computed + offset; window: seconds since the start
    _ints(
        "computed offset ticks control_every seed resets record fast calm_ticks disturbed splits_n"
        " events_n warm_up_windows fault_window first_down_window recovered_window met_windows"
        " stable_windows end_window faults_over stale_last caches_cold by_replica looks noisy"
        # whether anything is so, that a calm tick need not look for it: edges with something to
        # decide, split components, units that change by themselves or are down by an act,
        # replicas added, answers at lower quality
        " due_n several unrest acts_down added degraded"
    ),
    _floats(
        "dt dt_inv load_factor availability window_good window_bad window_offered offered"
        " total_good total_bad total_offered end_good end_bad downtime_bad slo_violation_s"
        " out_of_service added_replica quality_loss lost_in_flight lost_by_faults restarts jumped"
        " last_good last_bad last_offered breaches"
    ),
)
