"""A world of servers, callers and breakers in SimPy, written for itself: it imports nothing of hms.

A request waits for a worker, then for a core, is served, makes its calls, answers, gives the worker
back. A caller waits for an answer until its time-out, and tries again.
"""

import itertools
import random
import statistics
from dataclasses import dataclass, field

import simpy

OK, REFUSED, WRONG, LATE, BLOCKED, LOST = "ok", "refused", "wrong", "late", "blocked", "lost"


@dataclass(eq=False)
class Job:
    """One visit as its caller holds it."""

    served: bool = False
    process: simpy.Process | None = None


class Server:
    """Identical cores behind a pool of workers."""

    def __init__(self, world, mean_s, *, cores=1, workers=None, room=10**9, fixed=False,
                 last_first=False, wrong=0.0, calls=None):  # fmt: skip
        self.world, self.mean_s, self.fixed, self.wrong = world, mean_s, fixed, wrong
        self.cores = simpy.PriorityResource(world.env, cores)
        self.workers = simpy.PriorityResource(world.env, workers or 10**9)
        self.room, self.last_first, self.calls = room, last_first, calls
        self.present, self.down, self.inside = 0, False, set()
        self.numbers = itertools.count()

    def turn(self):
        number = next(self.numbers)
        return -number if self.last_first else number

    def service_s(self):
        return self.mean_s if self.fixed else self.world.rng.expovariate(1.0 / self.mean_s)

    def visit(self, job):
        """A process; its value is how it ended."""
        if self.down or self.present >= self.room:
            return REFUSED
        self.present += 1
        self.inside.add(job)
        try:
            with self.workers.request(priority=self.turn()) as worker:
                yield worker
                with self.cores.request(priority=self.turn()) as core:
                    yield core
                    job.served = True
                    yield self.world.env.timeout(self.service_s())
                if self.world.rng.random() < self.wrong:
                    return WRONG
                return (yield from self.calls()) if self.calls else OK
        except simpy.Interrupt as told:
            return told.cause
        finally:
            self.present -= 1
            self.inside.discard(job)

    def crash(self):
        """Whoever is inside is lost, with an error at once."""
        self.down = True
        for job in list(self.inside):
            job.process.interrupt(LOST)


class SharedServer:
    """One core that all present share evenly."""

    def __init__(self, world, mean_s):
        self.world, self.mean_s = world, mean_s
        self.left, self.since, self.changed = {}, 0.0, world.env.event()
        world.env.process(self.work())

    def settle(self):
        env = self.world.env
        for job in self.left:
            self.left[job][0] -= (env.now - self.since) / len(self.left)
        self.since = env.now

    def work(self):
        env = self.world.env
        while True:
            first = min(self.left.values(), key=lambda each: each[0], default=None)
            if first is None:
                yield self.changed
            else:
                yield env.timeout(max(0.0, first[0]) * len(self.left)) | self.changed
            self.settle()
            self.changed = env.event()
            for job in [job for job, each in self.left.items() if each[0] <= 1e-12]:
                self.left.pop(job)[1].succeed()

    def visit(self, job):
        self.settle()
        done = self.world.env.event()
        self.left[job] = [self.world.rng.expovariate(1.0 / self.mean_s), done]
        if not self.changed.triggered:
            self.changed.succeed()
        yield done
        return OK


class Breaker:
    """Opens on a share of failures among the last results; tries a few calls after a while."""

    def __init__(self, share, last, least, open_s, probes):
        self.share, self.least, self.open_s, self.probes = share, least, open_s, probes
        self.results, self.last = [], last
        self.state, self.era, self.opened, self.until = "closed", 0, 0, 0.0
        self.let, self.back, self.bad = 0, 0, 0

    def enter(self, state):
        self.state, self.era = state, self.era + 1
        self.results, self.let, self.back, self.bad = [], 0, 0, 0

    def lets(self, now):
        if self.state == "open":
            if now < self.until:
                return False
            self.enter("half-open")
        if self.state == "half-open":
            self.let += 1
            return self.let <= self.probes
        return True

    def trip(self, now):
        self.enter("open")
        self.until = now + self.open_s
        self.opened += 1

    def note(self, era, failed, now):
        if era != self.era:
            return
        if self.state == "half-open":
            self.back, self.bad = self.back + 1, self.bad + failed
            need = self.probes * self.share
            if self.bad >= need:
                self.trip(now)
            elif self.bad + self.probes - self.back < need:
                self.enter("closed")
            return
        self.results = [*self.results, failed][-self.last :]
        if len(self.results) >= self.least and sum(self.results) >= self.share * len(self.results):
            self.trip(now)


class Bucket:
    """Tokens for retries; a success deposits a share of one."""

    def __init__(self, deposit, most):
        self.deposit, self.most, self.held = deposit, most, most

    def put(self):
        self.held = min(self.most, self.held + self.deposit)

    def take(self):
        if self.held < 1.0 - 1e-9:
            return False
        self.held -= 1.0
        return True


@dataclass
class Caller:
    """How one component calls another."""

    world: "World"
    choose: object
    timeout_s: float = 1e9
    attempts: int = 1
    wait_s: float = 0.0
    jitter: bool = False
    cancel: bool = False
    again_on: tuple = (LATE, REFUSED, LOST)
    breaker: Breaker | None = None
    bucket: Bucket | None = None
    hedge_s: float = 0.0
    network_s: float = 0.0
    made: int = 0
    first: int = 0

    def send(self):
        env = self.world.env
        server, job = self.choose(), Job()

        def there_and_back():
            if self.network_s:
                yield env.timeout(self.network_s)
            job.process = env.process(server.visit(job))
            ended = yield job.process
            if self.network_s:
                yield env.timeout(self.network_s)
            return ended

        job.process = None
        return job, env.process(there_and_back())

    def attempt(self):
        """One attempt, with a copy if it takes long."""
        env = self.world.env
        self.made += 1
        expiry = env.timeout(self.timeout_s)
        sent = [self.send()]
        if self.hedge_s:
            yield sent[0][1] | env.timeout(self.hedge_s)
            if not sent[0][1].triggered:
                sent.append(self.send())
        yield env.any_of([each for _, each in sent] + [expiry])
        for _, each in sent:
            if each.triggered:
                return each.value
        if self.cancel:
            for job, _ in sent:
                if job.process is not None and job.process.is_alive and not job.served:
                    job.process.interrupt(LATE)
        return LATE

    def call(self):
        """All attempts of one call."""
        self.first += 1
        wait_s = self.wait_s
        for number in range(1, self.attempts + 1):
            breaker, env = self.breaker, self.world.env
            if breaker and not breaker.lets(env.now):
                return BLOCKED
            era = breaker.era if breaker else 0
            ended = yield from self.attempt()
            if breaker:
                breaker.note(era, ended != OK, env.now)
            if ended == OK:
                if self.bucket:
                    self.bucket.put()
                return OK
            if number == self.attempts or ended not in self.again_on:
                return ended
            if self.bucket and not self.bucket.take():
                return ended
            if wait_s:
                yield env.timeout(wait_s * (self.world.rng.random() if self.jitter else 1.0))
                wait_s *= 2.0
        return ended


@dataclass
class World:
    """One run: a clock, chance, and what became of the clients' requests."""

    seed: int
    env: simpy.Environment = field(default_factory=simpy.Environment)
    times: list = field(default_factory=list)
    ends: list = field(default_factory=list)

    def __post_init__(self):
        self.rng = random.Random(self.seed)

    def client(self, caller):
        began = self.env.now
        ended = yield from caller.call()
        self.ends.append(ended)
        if ended == OK:
            self.times.append(self.env.now - began)

    def arrive(self, rate_rps, caller):
        while True:
            yield self.env.timeout(self.rng.expovariate(rate_rps))
            self.env.process(self.client(caller))

    def run(self, rate_rps, caller, horizon_s):
        self.env.process(self.arrive(rate_rps, caller))
        self.env.run(until=horizon_s)
        return self

    @property
    def ok_share(self):
        return self.ends.count(OK) / len(self.ends)

    @property
    def mean_s(self):
        return statistics.fmean(self.times)

    def quantile_s(self, q):
        return sorted(self.times)[int(q * len(self.times))]
