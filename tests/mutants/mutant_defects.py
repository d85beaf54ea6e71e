"""What easy versions get wrong, planted one by one; each turns the test named beside it red.

A defect is a patch of the sources: (file, what stands there, what stands there then). The tests are
named by their case, or by file where the case is told by more than one.
"""

from __future__ import annotations

from dataclasses import dataclass

HEALING, POLICY = "agents/healing", "agents/policy"
CASES = "tests/healing/cases"


@dataclass(frozen=True)
class Defect:
    """One way to be wrong.

    Attributes:
        name: what is wrong, in a few words.
        test: `file::start of the test's name`, below tests/healing.
        patches: (file, old, new); every occurrence of `old`.
    """

    name: str
    test: str
    patches: tuple[tuple[str, str, str], ...]


def one(name: str, test: str, file: str, old: str, new: str) -> Defect:
    return Defect(name, test, ((file, old, new),))


CALLS = f"{HEALING}/breaker/calls.py"
CORE = f"{HEALING}/breaker/core.py"
GUARD = f"{HEALING}/calls/guard.py"
SORT = f"{HEALING}/calls/classification.py"
BREAKER = f"{POLICY}/breaker.py"
A, B, C, D = (f"cases/test_cases_{letter}.py" for letter in "abcd")
E, F, G, H = (f"cases/test_cases_{name}.py" for name in ("e", "f", "g_breaker", "h"))
LATE = "        elif permit.era is not self.era or permit.lost:\n            self.tally.late += 1\n"

DEFECTS = (
    Defect(
        "a lock held through the user's call", f"{H}::test_h1", (
            (GUARD, "import inspect\n", "import inspect\nimport threading\n"),
            (GUARD, "class Guard:", "ONE = threading.Lock()\n\n\nclass Guard:"),
            (
                GUARD,
                "                value = function(*args, **kwargs)\n",
                "                with ONE:\n"
                "                    value = function(*args, **kwargs)\n",
            ),
        ),
    ),
    one(
        "half-open lets all in", f"{C}::test_c1", BREAKER,
        "if s.admitted + 1.0 > float(p.half_open_calls) + SLACK:", "if s.admitted < 0.0:",
    ),
    one(
        "a hung probe wedges it for ever", f"{C}::test_c7", CALLS,
        "if self.era is era and now_s >= end_s:", "if self.era is era and now_s < 0.0:",
    ),
    one(
        "a cancelled probe closes it", f"{C}::test_c9", CALLS,
        "if outcome == IGNORED or (outcome == CANCELLED and not slow):",
        "if outcome == IGNORED:",
    ),
    one(
        "an ignored probe closes it", f"{C}::test_c10", CALLS,
        "if outcome == IGNORED or (outcome == CANCELLED and not slow):",
        "if outcome == CANCELLED and not slow:",
    ),
    one(
        "a late result decides in half-open", f"{C}::test_c11", CALLS,
        "permit.era is not self.era or permit.lost", "permit.lost",
    ),
    one(
        "a late result closes what is open", f"{F}::test_f1", CALLS,
        LATE, LATE + "            if outcome == OK:\n                self._state.phase = CLOSED\n",
    ),
    one(
        "an ignored result gives back a permit it never took", f"{C}::test_c12", CALLS,
        LATE,
        LATE + "            if outcome == IGNORED:\n"
        "                decision.give_back_probe(self._state)\n",
    ),
    one(
        "an idle window never empties", f"{A}::test_a8", f"{POLICY}/window.py",
        "for _ in range(min(steps, slots)):", "for _ in range(1):",
    ),
    one(
        "a call longer than the window is lost", f"{A}::test_a9", CALLS,
        "permit.era is not self.era or permit.lost",
        "permit.lost or now_s - permit.started_s > self.parameters.window_s",
    ),
    one(
        "the rate is over started calls", "test_healing_breaker.py::test_the_rate_is_over_results",
        CALLS, "state, p, self._slots, now_s, 1.0, float(failed)",
        "state, p, self._slots, now_s, 1.0 + len(self.era.flights), float(failed)",
    ),
    one(
        "a wall clock for spans", f"{B}::test_b5", f"{HEALING}/clock.py",
        "staticmethod(time.monotonic)", "staticmethod(time.time)",
    ),
    Defect(
        "the injected clock ignored", f"{A}::test_a7", (
            (CORE, "import threading\n", "import threading\nimport time\n"),
            (CORE, "self.now_s = clock.now_s", "self.now_s = time.monotonic"),
        ),
    ),
    one(
        "the saved time is the construction's", f"{G}::test_g7", f"{HEALING}/breaker/memory.py",
        "left_s=decision.remaining_s(state, now_s)",
        "left_s=decision.remaining_s(state, state.window.start_s)",
    ),
    one(
        "a refusal further in counts as failure", f"{E}::test_e9", SORT,
        "if not isinstance(error, Exception) or isinstance(error, CallRefused):",
        "if not isinstance(error, Exception):",
    ),
    one(
        "what cancels or interrupts counts as failure", f"{E}::test_e3", SORT,
        "if not isinstance(error, Exception) or isinstance(error, CallRefused):",
        "if isinstance(error, CallRefused):",
    ),
    one(
        "a raising judge makes a failure", f"{E}::test_e5", SORT,
        "return NEUTRAL", "return FAILURE",
    ),
    one(
        "a coroutine object taken for success", f"{E}::test_e8", GUARD,
        "if type(value) is CoroutineType:", "if value is CoroutineType:",
    ),
    one(
        "no parameter is refused", f"{A}::test_a17", CORE, "require_legal(parameters)\n", "pass\n",
    ),
    one(
        "one exception object for all refusals", f"{B}::test_b8", CALLS,
        "refusal = self._explained(now_s).refusal()",
        'refusal = globals().setdefault("ONE", self._explained(now_s).refusal())',
    ),
    one(
        "a later caller's settings vanish", f"{H}::test_h8", f"{HEALING}/calls/guard_settings.py",
        "if getattr(self, key) != value:", "if key is None:",
    ),
    one(
        "an event for each refusal", f"{H}::test_h6", CALLS,
        "if now_s >= self._refusals_from_s:", "if now_s >= 0.0:",
    ),
    one(
        "listeners are told under the lock", f"{H}::test_h2", CALLS,
        "            self._close(permit, outcome, error, open_for_s, now_s)\n"
        "        self._events.hand_on()\n",
        "            self._close(permit, outcome, error, open_for_s, now_s)\n"
        "            self._events.hand_on()\n",
    ),
    one(
        "a listener that raises fails the call", f"{H}::test_h3", f"{HEALING}/breaker/events.py",
        "except Exception as error:", "except ZeroDivisionError as error:",
    ),
    one(
        "it opens above the threshold only", f"{A}::test_a2", BREAKER,
        "failed + SLACK >= p.failure_rate * total", "failed > p.failure_rate * total + SLACK",
    ),
    one(
        "only a failure may trip", f"{A}::test_a1", BREAKER,
        "    if cause != CAUSE_NONE:\n        trip(s, p, cause, now_s, u)\n    return s.phase\n",
        "    if cause != CAUSE_NONE and failed > 0.0:\n"
        "        trip(s, p, cause, now_s, u)\n    return s.phase\n",
    ),
    one(
        "an ignored result ends a row of failures", f"{A}::test_a11", CALLS,
        "            if permit.probe:\n                decision.give_back_probe(state)\n",
        "            state.row = 0.0\n"
        "            if permit.probe:\n                decision.give_back_probe(state)\n",
    ),
    one(
        "jitter may exceed the cap", f"{B}::test_b4", BREAKER,
        "(1.0 - p.jitter_share * u)", "(1.0 + p.jitter_share * u)",
    ),
    one(
        "half-open waits for every probe", f"{C}::test_c2", BREAKER,
        "    if failed + SLACK >= need_failed:",
        "    if failed + SLACK >= need_failed and done >= probes:",
    ),
    one(
        "half-open permits count at a moment", f"{C}::test_c6", BREAKER,
        "    s.done += 1.0\n", "    s.done += 1.0\n    s.admitted -= 1.0\n",
    ),
    one(
        "calls in flight are not watched", f"{F}::test_f3", CALLS,
        "float(len(self.era.overdue))", "0.0",
    ),
    one(
        "a permit handed back twice counts twice", f"{F}::test_f6", CALLS,
        "if permit.era.take(permit.ticket) is None:", "if permit.era.take(permit.ticket) == -1.0:",
    ),
    one(
        "reconfiguring forgets when it opened", f"{G}::test_g1", BREAKER,
        "if s.phase == OPEN and not s.given:", "if s.phase == HALF_OPEN and not s.given:",
    ),
    one(
        "the last word of many hands wins", f"{D}::test_d2", f"{HEALING}/breaker/breaker.py",
        "            if not self._holders:\n", "            if holder:\n",
    ),
    one(
        "metrics-only speaks once for good", f"{D}::test_d5", BREAKER,
        "s.breached = cause != CAUSE_NONE", "s.breached = s.breached or cause != CAUSE_NONE",
    ),
    one(
        "reading makes it half-open", f"{B}::test_b2", CORE,
        "copy = dataclasses.replace(state)", "copy = state",
    ),
    one(
        "a generator closed early is a success", f"{E}::test_e7",
        f"{HEALING}/calls/guard_stream.py",
        "self._guard.breaker.let_go(self._permit)", "self._guard.breaker.succeeded(self._permit)",
    ),
    one(
        "open breakers are evicted", f"{H}::test_h7", f"{HEALING}/calls/dependencies.py",
        'if guard.breaker.phase != "closed":', "if name is None:",
    ),
    one(
        "a record loosens what is newer", f"{G}::test_a_record_never_loosens",
        f"{HEALING}/breaker/memory.py", "state.due_s = max(state.due_s, due_s)",
        "state.due_s = due_s",
    ),
    one(
        "every success passes without judgement", f"{A}::test_a1",
        f"{HEALING}/breaker/window.py", "    window, least = state.window",
        "    return True\n    window, least = state.window",
    ),
    one(
        "successes are folded after the failure", f"{A}::test_a10", CALLS,
        "        self._fold()\n        while", "        while",
    ),
    one(
        "a slice's end is not looked for", "test_healing_breaker_rules.py::test_a_success_after",
        f"{HEALING}/breaker/window.py", "if p.window_kind != WINDOW_TIME:\n        return float",
        "if p.window_kind == WINDOW_TIME:\n        return float",
    ),
    one(
        "jitter is gone at the cap", "cases/test_cases_j.py::test_j6", f"{POLICY}/retry.py",
        "return longest_s * u\n", "return longest_s * u if longest_s < p.max_s else longest_s\n",
    ),
    one(
        "fractions of a token are summed", "cases/test_cases_j_budget.py::test_j19",
        f"{POLICY}/retry.py", "float(int(p.budget_ratio * TOKEN + 0.5))",
        "p.budget_ratio * TOKEN * 0.9999999",
    ),
    one(
        "the budget is looked at and not taken", "cases/test_cases_j_budget.py::test_j18",
        f"{POLICY}/retry.py", "    r.spent += TOKEN\n    return True", "    return True",
    ),
    one(
        "a cancelled wait keeps its token", "cases/test_cases_j_budget.py::test_j22",
        f"{POLICY}/retry.py", "r.spent = max(r.spent - TOKEN, 0.0)", "r.spent += 0.0",
    ),
    one(
        "timed-out work frees its place while it goes on", "cases/test_cases_k.py::test_k6",
        f"{HEALING}/pipeline/bulkhead.py", "left = call.left[before:]", "left = call.left[:0]",
    ),
    one(
        "a place is given back twice", "cases/test_cases_k_bulkhead.py::test_k14",
        f"{HEALING}/pipeline/bulkhead_place.py", "self._held.pop()", "self._held.clear()",
    ),
)
