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
}

UNTIL_END = 0
UNTIL_RESTART = 1
UNTIL_ROLL_BACK = 2
UNTIL_CODES = {"": UNTIL_END, "restart": UNTIL_RESTART, "roll_back": UNTIL_ROLL_BACK}
