"""The systems that both simulate: each a pair of functions from a seed to its figures."""

from dataclasses import replace

from oracle_parts import (
    OURS,
    TO_SERVER,
    edge,
    figures,
    ours,
    outcome,
    part,
    seen,
    simpy_model,
    to,
)
from simpy_world import OK, WRONG, Breaker, Bucket, Caller, Server, SharedServer, World

from hms.scenarios.model import Fault


# -- M/M/c
@ours
def our_mmc(seed, horizon_s):
    o = outcome(seed, horizon_s, 240.0, [part("server", cores=3)], [TO_SERVER])
    return figures(o, "mean_s", "p95_s")


@simpy_model
def simpy_mmc(seed, horizon_s):
    world = World(seed)
    server = Server(world, 0.01, cores=3)
    return seen(world.run(240.0, Caller(world, to(server)), horizon_s), "mean_s", "p95_s")


# -- time-outs: what is given up is still done
@ours
def our_given_up(seed, horizon_s):
    o = outcome(seed, horizon_s, 40.0, [part("server")], [edge("client", "server", timeout_s=0.03)])
    return figures(o, "ok", "mean_s")


@simpy_model
def simpy_given_up(seed, horizon_s):
    world = World(seed)
    caller = Caller(world, to(Server(world, 0.01)), timeout_s=0.03)
    return seen(world.run(40.0, caller, horizon_s), "ok", "mean_s")


# -- time-outs that take queued work with them
@ours
def our_cancelled(seed, horizon_s):
    client = edge("client", "server", timeout_s=0.05, cancel_on_timeout=True)
    return figures(outcome(seed, horizon_s, 120.0, [part("server")], [client]), "ok", "mean_s")


@simpy_model
def simpy_cancelled(seed, horizon_s):
    world = World(seed)
    caller = Caller(world, to(Server(world, 0.01)), timeout_s=0.05, cancel=True)
    return seen(world.run(120.0, caller, horizon_s), "ok", "mean_s")


# -- retries after time-outs, with waits drawn from 0 to base, then to twice that
RETRY = {"max_attempts": 3, "base_s": 0.05, "multiplier": 2.0, "max_s": 1.0, "jitter_kind": "full",
         "budget_kind": "none"}  # fmt: skip


@ours
def our_retries(seed, horizon_s):
    parts = [part("front", 0.001, cores=50), part("back")]
    o = outcome(seed, horizon_s, 25.0, parts, [edge("front", "back", timeout_s=0.05)], retry=RETRY)
    return figures(o, "ok", "mean_s", "attempts")


def through(world, *callers):
    """A front that makes these calls in order."""

    def calls():
        for caller in callers:
            ended = yield from caller.call()
            if ended != OK:
                return ended
        return OK

    return calls


@simpy_model
def simpy_retries(seed, horizon_s):
    world = World(seed)
    back = Caller(
        world, to(Server(world, 0.01)), timeout_s=0.05, attempts=3, wait_s=0.05, jitter=True
    )
    front = Server(world, 0.001, cores=50, calls=through(world, back))
    run_ = world.run(25.0, Caller(world, to(front)), horizon_s)
    return seen(run_, "ok", "mean_s", "attempts", inner=[back])


# -- three calls in a row, over a network
@ours
def our_in_a_row(seed, horizon_s):
    parts = [part("front", 0.002), part("a"), part("b", 0.005), part("c", 0.003)]
    edges = [edge("front", name, network_s=0.004) for name in "abc"]
    return figures(outcome(seed, horizon_s, 60.0, parts, edges), "mean_s", "p95_s")


@simpy_model
def simpy_in_a_row(seed, horizon_s):
    world = World(seed)
    callers = [Caller(world, to(Server(world, s)), network_s=0.004) for s in (0.01, 0.005, 0.003)]
    front = Server(world, 0.002, calls=through(world, *callers))
    return seen(world.run(60.0, Caller(world, to(front)), horizon_s), "mean_s", "p95_s")


# -- four calls at once
@ours
def our_fan_out(seed, horizon_s):
    parts = [part("front", 0.001), *(part(name) for name in "abcd")]
    edges = [edge("front", name, mode="parallel") for name in "abcd"]
    return figures(outcome(seed, horizon_s, 50.0, parts, edges), "mean_s", "p95_s")


@simpy_model
def simpy_fan_out(seed, horizon_s):
    world = World(seed)
    callers = [Caller(world, to(Server(world, 0.01))) for _ in range(4)]

    def calls():
        made = [world.env.process(caller.call()) for caller in callers]
        yield world.env.all_of(made)
        return OK if all(each.value == OK for each in made) else WRONG

    front = Server(world, 0.001, calls=calls)
    return seen(world.run(50.0, Caller(world, to(front)), horizon_s), "mean_s", "p95_s")


# -- workers held while a callee works
@ours
def our_held_workers(seed, horizon_s):
    parts = [part("front", 0.005, cores=6, workers=6, queue_limit=10), part("back", 0.05, cores=40)]
    return figures(outcome(seed, horizon_s, 100.0, parts, [edge("front", "back")]), "ok", "mean_s")


@simpy_model
def simpy_held_workers(seed, horizon_s):
    world = World(seed)
    back = Caller(world, to(Server(world, 0.05, cores=40)))
    front = Server(world, 0.005, cores=6, workers=6, room=16, calls=through(world, back))
    return seen(world.run(100.0, Caller(world, to(front)), horizon_s), "ok", "mean_s")


# -- a breaker before a callee that errs
BREAKER = {"breaker": {
    "failure_rate": 0.5, "window_kind": "count", "window_calls": 20, "minimum_calls": 10,
    "slow_call_rate": 2.0, "open_s": 0.1, "open_multiplier": 1.0, "jitter_share": 0.0,
    "half_open_calls": 3, "consecutive_failures": 0,
}}  # fmt: skip


@ours
def our_breaker(seed, horizon_s):
    parts = [part("front", 0.001, cores=50), part("back", cores=4)]
    errs = Fault("error", component="back", duration_s=1e6, parameters={"share": 0.45})
    o = outcome(seed, horizon_s, 100.0, parts, [edge("front", "back")], [errs], **BREAKER)
    return figures(o, "ok", "attempts", "opened")


@simpy_model
def simpy_breaker(seed, horizon_s):
    world = World(seed)
    server = Server(world, 0.01, cores=4, wrong=0.45)
    back = Caller(world, to(server), breaker=Breaker(0.5, 20, 10, 0.1, 3))
    front = Server(world, 0.001, cores=50, calls=through(world, back))
    run_ = world.run(100.0, Caller(world, to(front)), horizon_s)
    return seen(run_, "ok", "attempts", "opened", inner=[back])


# -- a token budget for retries
BUDGET = {"retry": {
    "max_attempts": 4, "base_s": 0.0, "retry_on": ["error"], "jitter_kind": "none",
    "budget_kind": "tokens", "budget_ratio": 0.1, "budget_max": 10.0,
}}  # fmt: skip


@ours
def our_budget(seed, horizon_s):
    parts = [part("front", 0.001, cores=50), part("back", cores=4)]
    errs = Fault("error", component="back", duration_s=1e6, parameters={"share": 0.2})
    o = outcome(seed, horizon_s, 100.0, parts, [edge("front", "back")], [errs], **BUDGET)
    return figures(o, "ok", "attempts")


@simpy_model
def simpy_budget(seed, horizon_s):
    world = World(seed)
    server = Server(world, 0.01, cores=4, wrong=0.2)
    back = Caller(world, to(server), attempts=4, again_on=(WRONG,), bucket=Bucket(0.1, 10.0))
    front = Server(world, 0.001, cores=50, calls=through(world, back))
    run_ = world.run(100.0, Caller(world, to(front)), horizon_s)
    return seen(run_, "ok", "attempts", inner=[back])


# -- the last come first, under overload
@ours
def our_last_first(seed, horizon_s):
    server = part("server", workers=1, queue_limit=20, discipline="lifo")
    o = outcome(seed, horizon_s, 130.0, [server], [edge("client", "server", timeout_s=0.1)])
    return figures(o, "ok", "mean_s")


@simpy_model
def simpy_last_first(seed, horizon_s):
    world = World(seed)
    server = Server(world, 0.01, workers=1, room=21, last_first=True)
    return seen(
        world.run(130.0, Caller(world, to(server), timeout_s=0.1), horizon_s), "ok", "mean_s"
    )


# -- one core shared by all
@ours
def our_shared(seed, horizon_s):
    server = part("server", discipline="ps")
    return figures(outcome(seed, horizon_s, 60.0, [server], [TO_SERVER]), "mean_s", "p95_s")


@simpy_model
def simpy_shared(seed, horizon_s):
    world = World(seed)
    caller = Caller(world, to(SharedServer(world, 0.01)))
    return seen(world.run(60.0, caller, horizon_s), "mean_s", "p95_s")


# -- the replica with the fewest requests
@ours
def our_fewest(seed, horizon_s):
    server = part("server", replicas=3, balancer="least")
    return figures(outcome(seed, horizon_s, 210.0, [server], [TO_SERVER]), "mean_s", "p95_s")


def balanced(seed, horizon_s, choose):
    world = World(seed)
    servers = [Server(world, 0.01) for _ in range(3)]
    caller = Caller(world, lambda: choose(world, servers))
    return seen(world.run(210.0, caller, horizon_s), "mean_s", "p95_s")


@simpy_model
def simpy_fewest(seed, horizon_s):
    def choose(world, servers):
        least = min(server.present for server in servers)
        return world.rng.choice([server for server in servers if server.present == least])

    return balanced(seed, horizon_s, choose)


@ours
def our_random(seed, horizon_s):
    server = part("server", replicas=3, balancer="random")
    return figures(outcome(seed, horizon_s, 200.0, [server], [TO_SERVER]), "mean_s", "p95_s")


@simpy_model
def simpy_random(seed, horizon_s):
    world = World(seed)
    servers = [Server(world, 0.01) for _ in range(3)]
    caller = Caller(world, lambda: world.rng.choice(servers))
    return seen(world.run(200.0, caller, horizon_s), "mean_s", "p95_s")


# -- a copy where the answer takes long
@ours
def our_hedged(seed, horizon_s):
    parts = [part("front", 0.001, cores=50), part("back", cores=2, replicas=2, balancer="random")]
    hedge = replace(edge("front", "back"), hedge_after_s=0.02)
    return figures(outcome(seed, horizon_s, 120.0, parts, [hedge]), "mean_s", "p95_s")


@simpy_model
def simpy_hedged(seed, horizon_s):
    world = World(seed)
    servers = [Server(world, 0.01, cores=2) for _ in range(2)]
    back = Caller(world, lambda: world.rng.choice(servers), hedge_s=0.02)
    front = Server(world, 0.001, cores=50, calls=through(world, back))
    return seen(world.run(120.0, Caller(world, to(front)), horizon_s), "mean_s", "p95_s")


# -- half of the replicas crash for a while, retried elsewhere
@ours
def our_crash(seed, horizon_s):
    server = part("back", cores=2, replicas=2, startup_s=1e4)
    parts = [part("front", 0.001, cores=50), server]
    crash = Fault("crash", component="back", replicas=1, start_s=horizon_s / 3, until="restart")
    retry = {**RETRY, "max_attempts": 2, "base_s": 0.0, "jitter_kind": "none"}
    edges = [edge("front", "back", timeout_s=0.2)]
    o = outcome(seed, horizon_s, 150.0, parts, edges, [crash], retry=retry)
    return figures(o, "ok", "attempts")


@simpy_model
def simpy_crash(seed, horizon_s):
    world = World(seed)
    servers = [Server(world, 0.01, cores=2) for _ in range(2)]
    turn = iter(range(10**9))
    back = Caller(world, lambda: servers[next(turn) % 2], timeout_s=0.2, attempts=2)
    front = Server(world, 0.001, cores=50, calls=through(world, back))

    def fault():
        yield world.env.timeout(horizon_s / 3)
        servers[0].crash()

    world.env.process(fault())
    run_ = world.run(150.0, Caller(world, to(front)), horizon_s)
    return seen(run_, "ok", "attempts", inner=[back])


SYSTEMS = tuple(OURS)
