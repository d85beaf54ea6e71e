"""Kinds of faults as integers, for the engines; the names are those of scenario files."""

CRASH = 1
HANG = 2
LATENCY = 3
ERROR = 4
SLOW = 5
LEAK = 6
SPIKE = 7
PARTITION = 8
BAD_DEPLOY = 9
CAPACITY = 10
SERVICE = 11
LOSS = 12
CRASH_LOOP = 13
GC_PAUSE = 14
GRAY = 15
FLAPPING_PROBE = 16
DISK_SLOW = 17
CPU_STARVATION = 18
POOL_EXHAUSTION = 19
CACHE_FLUSH = 20
MISCONFIGURATION = 21
CLOCK_SKEW = 22
DNS = 23
KINDS = 24
"""One more than the largest."""

CODES = {
    "crash": CRASH,
    "hang": HANG,
    "latency": LATENCY,
    "error": ERROR,
    "slow": SLOW,
    "memory_leak": LEAK,
    "load_spike": SPIKE,
    "partition": PARTITION,
    "bad_deploy": BAD_DEPLOY,
    "capacity": CAPACITY,
    "service": SERVICE,
    "loss": LOSS,
    "crash_loop": CRASH_LOOP,
    "gc_pause": GC_PAUSE,
    "gray": GRAY,
    "flapping_probe": FLAPPING_PROBE,
    "disk_slow": DISK_SLOW,
    "cpu_starvation": CPU_STARVATION,
    "pool_exhaustion": POOL_EXHAUSTION,
    "cache_flush": CACHE_FLUSH,
    "misconfiguration": MISCONFIGURATION,
    "clock_skew": CLOCK_SKEW,
    "dns": DNS,
}

UNTIL_END = 0
UNTIL_RESTART = 1
UNTIL_ROLL_BACK = 2
UNTIL_CODES = {"": UNTIL_END, "restart": UNTIL_RESTART, "roll_back": UNTIL_ROLL_BACK}

VALUES = {
    "crash": (("restarts_by_itself", 1.0),),
    "hang": (("struck", 1.0),),
    "latency": (("added_s", 0.0), ("jitter_s", 0.0)),
    "error": (("share", 1.0),),
    "slow": (("factor", 1.0),),
    "memory_leak": (("mb_per_s", 0.0), ("mb_per_request", 0.0)),
    "load_spike": (("factor", 1.0),),
    "partition": (("stale_s", 0.0),),
    "bad_deploy": (("error_share", 0.0), ("slow_factor", 1.0)),
    "capacity": (("cores", 1.0),),
    "service": (("factor", 1.0),),
    "loss": (("share", 0.0),),
    "crash_loop": (("up_s", 5.0),),
    "gc_pause": (("pause_s", 0.0), ("every_s", 1.0)),
    "gray": (("error_share", 0.0), ("slow_factor", 1.0)),
    "flapping_probe": (("false_share", 0.0), ("missed_share", 0.0)),
    "disk_slow": (("factor", 1.0),),
    "cpu_starvation": (("share", 0.0),),
    "pool_exhaustion": (("workers", 0.0),),
    "cache_flush": (("share", 1.0),),
    "misconfiguration": (("share", 1.0),),
    "clock_skew": (("offset_s", 0.0), ("tolerated_s", 60.0)),
    "dns": (("share", 1.0),),
}
"""What `value` and `value2` of a compiled fault hold: parameter and default, in SI units."""
