"""What a station holds in the mean tells how busy it is: the closure of docs/world.md, tabulated.

For c servers, squared coefficients of variation of arrivals and service, and room for K requests,
a table gives for the mean number present x: busy share, blocked share, stationary variance and the
probability of waiting. Sources: Erlang C (1917) for M/M/c; Allen-Cunneen's (ca2 + cs2)/2 for
general variation; M/M/1/K's geometric law, stretched, for finite room.

Rows stand at 32 cells an octave of 1 + x/c, so that a cell is found from the exponent and mantissa
bits of the float; a row is value and difference of the four columns: one cache line.
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

CELLS_PER_OCTAVE = 32
COLUMNS = 4
FINE_POINTS = 160
LARGE_ROOM = 2000
LONGEST_QUEUE = 1000.0
POWER_POINTS = 258


def erlang_c(servers: int, load: Array) -> Array:
    """Probability of waiting in M/M/c at offered load per server below 1."""
    offered = servers * load
    blocked = np.ones_like(offered)
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    result: Array = servers * blocked / (servers - offered * (1 - blocked))
    return result


@cache
def waiting_exponent(servers: int) -> float:
    """The e with C(load) about load^(e - 1) near saturation, fitted at load 0.9."""
    servers = min(servers, LARGE_ROOM)
    at_nine_tenths = float(erlang_c(servers, np.array([0.9]))[0])
    return math.log(at_nine_tenths * 0.9) / math.log(0.9)


def _loads(room: int, servers: int) -> tuple[Array, float, bool]:
    if room > LARGE_ROOM + servers:
        load = np.concatenate([np.linspace(1e-6, 0.9, 500), 1 - np.logspace(-1, -7, 2000)[1:]])
        return load, LONGEST_QUEUE * servers, True
    parts = [
        np.linspace(1e-6, 0.9, 400),
        np.linspace(0.9, 1.1, 801)[1:],
        np.linspace(1.1, 3, 400)[1:],
        np.logspace(math.log10(3.01), 6, 600),
    ]
    load = np.concatenate(parts)
    return np.where(np.abs(load - 1) < 1e-9, 1 + 1e-7, load), float(room), False


def _truncated_geometric(load: Array, places: int, spread: float) -> tuple[Array, Array]:
    """First two moments of a geometric law of ratio load^(1/spread) on 0..places."""
    log_ratio = np.log(load) / spread
    j = np.arange(places + 1)
    first, second = np.zeros_like(load), np.zeros_like(load)
    for row, step in enumerate(log_ratio):
        weight = step * j
        weight = np.exp(weight - weight.max())
        weight /= weight.sum()
        first[row], second[row] = (weight * j).sum(), (weight * j * j).sum()
    ratio = np.exp(log_ratio)
    with np.errstate(all="ignore"):
        factor = np.where(load < 1, (spread * load / (1 - load)) / (ratio / (1 - ratio)), 1.0)
    largest = np.where(first > 0, places / np.maximum(first, 1e-12), 1.0)
    factor = np.minimum(factor, largest)
    return first * factor, second * factor * factor


def _curves(servers: int, cv2: float, room: int, arrival_cv2: float) -> tuple[Array, float, bool]:
    """Columns (x, busy, blocked, variance, p_wait) over a sweep of loads, and the largest x."""
    spread = max(0.5 * (arrival_cv2 + cv2), 0.02)
    load, largest, unbounded = _loads(room, servers)
    below = erlang_c(servers, np.minimum(load, 1 - 1e-9))
    wait = np.where(load < 1, below, load ** (waiting_exponent(servers) - 1))
    if unbounded:
        blocked, busy = np.zeros_like(load), load
        queue = spread * load / (1 - load)
        queue2 = queue * (1 + 2 * queue)
    else:
        places = room - servers
        full = np.exp(np.minimum(np.log(wait) + (places / spread) * np.log(load), 600))
        blocked = (1 - load) * full / (1 - load * full)
        busy = load * (1 - blocked)
        wait = np.minimum(1.0, wait * busy / load)
        queue, queue2 = _truncated_geometric(load, places, spread)
    waiting = wait * queue
    present = np.maximum.accumulate(servers * busy + waiting)
    variance = servers * busy + waiting + wait * queue2 - waiting * waiting
    return np.stack([present, busy, blocked, variance, wait]), largest, unbounded


@cache
def closure_table(
    servers: int, cv2: float, room: int, arrival_cv2: float
) -> tuple[Array, int]:
    """The table of one kind of station, flat, and its number of cells.

    Args:
        servers: c, at least 1.
        cv2: squared coefficient of variation of the service time.
        room: K, servers and waiting places; above 2,000 + c it counts as unbounded.
        arrival_cv2: of the arrivals: 1, or 1/replicas under round robin.
    """
    curves, largest, unbounded = _curves(servers, cv2, room, arrival_cv2)
    fine = np.expm1(np.linspace(0, math.log1p(largest / servers), FINE_POINTS)) * servers
    columns = [np.interp(fine, np.r_[0, curves[0]], np.r_[0, y]) for y in curves[1:]]
    columns[0][-1] = max(columns[0][-1], 0.9999)
    if unbounded:
        columns[2] = np.where(fine > curves[0][-1], fine * fine, columns[2])
    else:
        columns[1][-1] = 1.0
    cells = math.ceil(math.log2(1 + largest / servers) * CELLS_PER_OCTAVE - 1e-9)
    octaves = np.arange(cells + 1)
    place = 2.0 ** (octaves // CELLS_PER_OCTAVE) * (
        1 + (octaves % CELLS_PER_OCTAVE) / CELLS_PER_OCTAVE
    )
    x = (place - 1) * servers
    table = np.zeros((cells + 1, 2 * COLUMNS))
    for k, column in enumerate(columns):
        value = np.interp(x, fine, column)
        if cells > 0 and x[-1] > largest > x[-2]:
            share = (x[-1] - x[-2]) / (largest - x[-2])
            value[-1] = value[-2] + (column[-1] - value[-2]) * share
        table[:, 2 * k] = value
        table[:-1, 2 * k + 1] = np.diff(value)
    return table.ravel(), cells


@cache
def power_table(exponent: float) -> Array:
    """a^exponent for a = 0, 1/256, ... : the worker station's waiting factor."""
    table: Array = (np.arange(POWER_POINTS) / 256.0) ** exponent
    return table
