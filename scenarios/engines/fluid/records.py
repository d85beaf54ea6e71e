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

I8, F8 = "i8", "f8"


def _dtype(
    ints: str, floats: str, by_attempt: str = "", by_kind: str = ""
) -> np.dtype[np.void]:
    fields: list[Any] = [(name, I8) for name in ints.split()]
    fields += [(name, F8) for name in floats.split()]
    fields += [(name, F8, (POOLS,)) for name in by_attempt.split()]
    fields += [(name, I8, (KINDS,)) for name in by_kind.split()]
    return np.dtype(fields, align=True)


COMPONENT = _dtype(
    # units u0..u1 of at most `slots`; edges e0..e1 it calls; i0..i1 in `incoming`: who calls it
    "u0 u1 slots e0 e1 i0 i1 parallel client least agent table table_rows ring_mask"
    # the platform: probes and restarts (periods and thresholds in ticks; 0 = no probe)
    " restarts_itself ready_every ready_failures ready_blind live_every live_failures live_blind"
    " replicas fallback_until_tick arriving_tick rate_row units_before"
    # p0..p1: edges it publishes on; chains: its endpoints; late0, late_periods: late metrics
    " p0 p1 chains detects detect_ticks ready_delay_ticks live_delay_ticks cache_edge late0"
    " late_periods noisy",
    "service_s cv2 congestion cores cores_inv k_table arrivals calls_var lag slow_share"
    " slow_after_s calls_s slow_error entered left_front rejected ok_out bad_out present startup_s"
    " memory_idle_mb memory_limit_mb ready_timeout_s live_timeout_s"
    # today's or the policy's admission, and where fallback and roll-back stand
    " limit queue_limit workers queue_stated added_replicas arriving unavailable_share memory_mark"
    " former"  # what the last act that can be undone changed: the value before, or replicas added
    " window_ok window_bad last_ok last_bad"
    # closed loop; share of requests of endpoints without calls; cold starts; cache; metrics
    " think_share idle_share cold_s cold_factor hit_rate hit_target keys_inv metric_noise"
    # lost with replicas that went down, and what left a queue unanswered
    " lost abandoned",
)
UNIT = _dtype(
    "component up in_rotation reset pointer ring power_table starts_tick ready_fails live_fails"
    " down_by_act hung bad_version crashed_in_row left_rotation cures split_from odd restless"
    # paused since gc_start for gc_pause of every gc_every ticks; rolls: kinds a roll-back ends
    " group gray paused gc_start gc_pause gc_every rolls down_until skewed",
    "n n_inv speed queued waiting variance busy admitted departed age age_var error_share refused"
    " out cores cores_scale workers cancelled p_wait k r wait_s throughput wait_var share passed"
    " exponent waiting_guess waiting_error out_mean throughput_mean arrivals"
    # its own share of errors and of requests refused
    " own_error refuse_share"
    # what is wrong with it: factors on service time, share of errors, leak
    " slow_factor bad_slow_factor error_fault bad_error memory_mb leak_mb_s up_since_s silent_s"
    " leak_mb_request own_speed disk_factor cpu_share gray_factor gray_error cores_left"
    " workers_taken probe_false probe_missed loop_s"
    # summed over the control period
    " sum_arrivals sum_answers sum_errors sum_own_errors sum_refused"
    # as they were a control period ago
    " present_before out_before age_before error_before r_before waiting_error_before",
    by_kind="held_by",  # the fault (its place + 1) that a kind of effect is of, 0: of none
)
EDGE = _dtype(
    "short caller callee retries soft cancel loses scope_replica breaker cut ring0 timeout_ticks pp"
    " mask first_hot late_hot pools_hot attempts era era_tick agent slots share0 pi0 slot0"
    " carry0 former_retries"
    " stale_until_tick slow_counts entry due half_open troubled publish chain_start"
    " latency_by loss_by cut_by dns_by",
    "calls timeout_s network_s delay_s n n_inv reissue_share first_share backoff_s backoff_max_s"
    " backoff_multiplier full_jitter added_s loss reissue held resolved ok_old bad_old late_old"
    " final_old kappa left_ok left_bad repeat_share flow flow_mean refused"
    # retry only what the policy names: shares of refused, erroneous and late calls retried
    " retry_refused retry_error retry_unavailable retry_timeout retry_answered final_now"
    # grants of this tick, and what was used of them
    " share permits tokens spent started"
    # results of the tick, and those of calls made in an older era
    " offered repeats ok bad late final blocked stale_ok stale_bad outstanding"
    " carry slow_after_s quality degraded degraded_rate fallback_share latency_s flow_before"
    " wake_s quiet jitter_var severed dns skew chain_weight miss_calls",
    "release",
)
FAULT = _dtype(
    "start_tick end_tick kind component edge replicas until active group ramp_ticks",
    # at full strength; now: what the first one is while it grows
    "value value2 stale_s now",
)
EVENT = _dtype("tick entity rule", "before after")
SPLIT = _dtype("component slot new", "")
WINDOW = _dtype("", "good bad offered")
COMPONENT_WINDOW = _dtype(
    "",
    "present ok bad serving arrivals refused answered_ok answered_bad own_errors worked"
    " busy_s residence_time_s calls_time_s ready",
)
EDGE_WINDOW = _dtype(
    "", "calls retries blocked ok failed late given_up lost call_time_s in_flight good"
)
WORLD = _dtype(
    # the clock is computed + offset; window: seconds since the start
    "computed offset ticks control_every seed resets record fast calm_ticks disturbed splits_n"
    " events_n warm_up_windows fault_window first_down_window recovered_window met_windows"
    " stable_windows end_window faults_over stale_last caches_cold by_replica looks noisy",
    "dt dt_inv load_factor availability window_good window_bad window_offered offered"
    " total_good total_bad total_offered end_good end_bad downtime_bad slo_violation_s"
    " out_of_service added_replica quality_loss lost_in_flight lost_by_faults restarts jumped"
    " last_good last_bad last_offered",
)
