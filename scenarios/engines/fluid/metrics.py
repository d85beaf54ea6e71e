"""Metrics of an agent that come late or with noise."""

from hms.scenarios.draws import METRIC, uniform
from hms.scenarios.machine_code import compiled

SLOTS = 4


@compiled
def delay_metrics(c, component, slots, late, looks):
    """What was seen `late_periods` looks ago; how many replicas there are is known at once.

    A group that was not there then is seen as it is.
    """
    row = c.late0 + (looks % c.late_periods) * SLOTS
    for slot in range(SLOTS):
        now = slots[component * SLOTS + slot]
        kept = late[row + slot]
        replicas, up, starting = now.replicas, now.up, now.starting
        known = kept.replicas > 0.0
        values = (
            kept.arrivals_rps, kept.answered_rps, kept.error_share, kept.own_error_share,
            kept.response_s, kept.own_response_s, kept.queue_share, kept.refused_share,
            kept.memory_share, kept.silence_s,
        )
        late[row + slot] = now
        if known and replicas > 0.0:
            put(now, values)
        now.replicas = replicas
        now.up = up
        now.starting = starting


@compiled
def put(o, values):
    """All that is measured of a group of replicas."""
    o.arrivals_rps = values[0]
    o.answered_rps = values[1]
    o.error_share = values[2]
    o.own_error_share = values[3]
    o.response_s = values[4]
    o.own_response_s = values[5]
    o.queue_share = values[6]
    o.refused_share = values[7]
    o.memory_share = values[8]
    o.silence_s = values[9]


@compiled
def blurred(value, noise, entity, seed, tick, metric):
    """A value times a number drawn evenly from 1 - noise to 1 + noise."""
    if value <= 0.0:
        return value
    return value * (1.0 + noise * (2.0 * uniform(seed, entity, tick, METRIC + metric) - 1.0))


@compiled
def blur_metrics(c, component, slots, seed, tick):
    """Noise on all that is measured but silence, which is a clock's."""
    x = c.metric_noise
    for slot in range(SLOTS):
        o = slots[component * SLOTS + slot]
        if o.replicas <= 0.0:
            continue
        n = component * SLOTS + slot
        values = (
            blurred(o.arrivals_rps, x, n, seed, tick, 0),
            blurred(o.answered_rps, x, n, seed, tick, 1),
            min(1.0, blurred(o.error_share, x, n, seed, tick, 2)),
            min(1.0, blurred(o.own_error_share, x, n, seed, tick, 3)),
            blurred(o.response_s, x, n, seed, tick, 4),
            blurred(o.own_response_s, x, n, seed, tick, 5),
            min(1.0, blurred(o.queue_share, x, n, seed, tick, 6)),
            min(1.0, blurred(o.refused_share, x, n, seed, tick, 7)),
            blurred(o.memory_share, x, n, seed, tick, 8),
            o.silence_s,
        )
        put(o, values)
