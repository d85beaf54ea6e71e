"""Clients: when the next request comes, in an open loop at a rate, in a closed one by who thinks.

A gap is drawn once, in arrivals at the rate of the moment; when the rate changes, what is left of
it goes on at the new one. Of N users, each of whom thinks an exponential time, those who are not
waiting for an answer send at (N - in flight) / think.
"""

from hms.scenarios.engines.request.agenda import ARRIVAL, event, push
from hms.scenarios.engines.request.chance import ARRIVALS, exponential
from hms.scenarios.engines.request.measure import client_arrived
from hms.scenarios.machine_code import compiled


@compiled
def arm_arrival(s, i):
    """The next arrival of a client, if its rate stays as it is."""
    c = s.comps[i]
    now = s.world[0].now
    c.generation += 1
    c.gap_from_s = now
    if c.rate_rps > 0.0:
        push(s, now + c.gap_left / c.rate_rps, event(ARRIVAL, 0, i, c.generation))


@compiled
def draw_arrival(s, i):
    """An exponential gap, or an even one, counted in arrivals at the rate of the moment."""
    c = s.comps[i]
    if c.regular == 1:
        c.gap_left = 1.0
    else:
        c.gap_left = exponential(s.world[0].seed, i, c.arrivals_drawn, ARRIVALS)
    c.arrivals_drawn += 1
    if c.closed == 1:
        c.rate_rps = max(0.0, c.users - c.present) / c.think_s
    arm_arrival(s, i)


@compiled
def set_rate_of(s, i, rate_rps):
    """A client's rate from now on."""
    c = s.comps[i]
    if rate_rps == c.rate_rps:
        return
    c.gap_left -= (s.world[0].now - c.gap_from_s) * c.rate_rps
    c.rate_rps = rate_rps
    arm_arrival(s, i)


@compiled
def settle_rates(s):
    """Clients' rates, or numbers of users, as they are from now on."""
    world = s.world[0]
    second = min(world.tick // world.control_every, s.rates.shape[1] - 1)
    for i in range(s.comps.shape[0]):
        c = s.comps[i]
        if c.client == 0:
            break
        wanted = s.rates[c.rate_row, second] * world.load_factor
        if c.closed == 1:
            c.users = wanted
            wanted = max(0.0, c.users - c.present) / c.think_s
        set_rate_of(s, i, wanted)


@compiled
def user_answered(s, i):
    """A client's request has ended: its user thinks again."""
    c = s.comps[i]
    c.present -= 1
    if c.closed == 1:
        set_rate_of(s, i, max(0.0, c.users - c.present) / c.think_s)


@compiled
def arrive_from(s, i):
    """A client sends a request; on which edge."""
    c = s.comps[i]
    c.present += 1
    c.arrived += 1
    client_arrived(s)
    return c.e0
