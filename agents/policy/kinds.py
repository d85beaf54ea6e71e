"""Phases, causes, issues, acts and outcomes as integers: what decisions store and engines log.

The `…_NAMES` tuples are for people and files; no decision reads them.
"""

# The phase of a breaker. Zero, closed, is the valid start.
CLOSED = 0
OPEN = 1
HALF_OPEN = 2
FORCED_OPEN = 3  # by hand, until released
DISABLED = 4  # by hand: admits all, counts nothing
METRICS_ONLY = 5  # counts and says when it would open, never does
PHASE_NAMES = ("closed", "open", "half_open", "forced_open", "disabled", "metrics_only")

# What `may_pass` answers.
REFUSED = 0
PASS = 1
PASS_AS_PROBE = 2

# Why a breaker opened (or, half-open, opened again).
CAUSE_NONE = 0
CAUSE_FAILURE_RATE = 1
CAUSE_SLOW_RATE = 2
CAUSE_SLOW_IN_FLIGHT = 3
CAUSE_CONSECUTIVE = 4
CAUSE_GIVEN = 5  # told to: the callee said for how long
CAUSE_FORCED = 6
CAUSE_NAMES = (
    "none",
    "failure rate",
    "slow-call rate",
    "slow calls in flight",
    "consecutive failures",
    "told by the callee",
    "forced",
)

# What is wrong with a component. Ladders and the genome have an entry for each.
NONE = 0
ERRORS = 1
SLOW = 2
SATURATED = 3
MEMORY = 4
UNRESPONSIVE = 5
DEPENDENCY = 6
FLAPPING = 7
CUSTOM = 8
ISSUE_KINDS = 9
ISSUE_NAMES = (
    "none",
    "errors",
    "slow",
    "saturated",
    "memory",
    "unresponsive",
    "dependency",
    "flapping",
    "custom",
)

# What an agent can do about it.
NO_ACTION = 0
ADJUST = 1
RECONNECT = 2
FALLBACK = 3
SCALE = 4
RESTART = 5
CUSTOM_ACT = 6
ACT_NAMES = ("none", "adjust", "reconnect", "fallback", "scale", "restart", "custom")
EFFECT_NAMES = (  # what each is expected to do within its step's patience
    "nothing",
    "what is let in, or repeated, fits what the component can do",
    "calls on fresh connections are answered",
    "callers get a local answer of lower quality in time",
    "the same load on more replicas is answered in time",
    "the replica answers again, without what its process had piled up",
    "as its maker declares",
)
UNDO_NAMES = ("", "the former value comes back", "", "it ends", "the added replicas go", "", "")

# What an act may cost. Destructive ones are never done without a person.
REVERSIBLE = 0
DISRUPTIVE = 1
DESTRUCTIVE = 2
CLASS_NAMES = ("reversible", "disruptive", "destructive")

# What became of an act; -1 counts from the end of the names.
UNDECIDED = 0
EFFECTIVE = 1
INCONCLUSIVE = 2  # no data in time: no reason to act, to undo or to count it as a failure
INEFFECTIVE = -1
VERDICT_NAMES = ("undecided", "effective", "inconclusive", "ineffective")

# How an attempt ended, as far as a retry is concerned.
SUCCEEDED = 0
ATTEMPT_REFUSED = 1  # down, or its queue is full
ATTEMPT_UNAVAILABLE = 2  # a limit or a breaker behind it said no
ATTEMPT_ERROR = 3  # answered, wrongly
ATTEMPT_CANCELLED = 4
ATTEMPT_TIMEOUT = 5
ATTEMPT_NAMES = ("succeeded", "refused", "unavailable", "error", "cancelled", "timeout")

# The index of each choice that a decision looks at; its words stand in parameters.py.
SCOPE_EDGE = 0
SCOPE_REPLICA = 1
WINDOW_COUNT = 0
WINDOW_TIME = 1
GROWTH_GEOMETRIC = 0
GROWTH_LINEAR = 1
JITTER_NONE = 0
JITTER_FULL = 1
JITTER_EQUAL = 2
JITTER_DECORRELATED = 3
BUDGET_NONE = 0
BUDGET_TOKENS = 1
BUDGET_IN_FLIGHT = 2

# What `adjust` can set; a policy file writes the path.
TARGET_LIMIT = 0
TARGET_QUEUE_LIMIT = 1
TARGET_MAX_ATTEMPTS = 2
TARGET_NAMES = ("concurrency.limit", "concurrency.queue_limit", "retry.max_attempts")

# Sizes of fixed arrays.
SLOTS_PER_COMPONENT = 4  # groups of identical replicas of one component
WINDOW_SLOTS = 16  # of a breaker's window in the fluid engine
LADDER_STEPS = 3
LADDER_ENTRIES = 27  # ISSUE_KINDS * LADDER_STEPS; index issue * LADDER_STEPS + step
GUARD_ACTS = 10  # acts a guard remembers
FLAPS_HELD = 8  # changes between well and ill that a slot remembers
FLAP_ENTRIES = 32  # SLOTS_PER_COMPONENT * FLAPS_HELD

FOREVER_S = 1e18  # "never by itself", as a time
SLACK = 1e-9  # every threshold is compared with it (ADR 0005, section 1)
