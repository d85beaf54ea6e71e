"""Elementary functions of our own, so that results do not hang on a machine's libm.

Only additions, multiplications, divisions and bit moves are used, so every machine that rounds as
IEEE 754 says gives the same bits. Relative errors: `exp_` 1e-13, `log_` 1e-12, `erfc_` 1.2e-7
(Numerical Recipes' Chebyshev fit), `cbrt_` 1e-13.
"""

import math
from typing import Any

import numpy as np

from hms.scenarios.machine_code import Instruction, door

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471803691238
LN2_LOW = 1.9082149292705877e-10
MANTISSA_BITS = 52
EXPONENT_BIAS = 1023
SMALLEST_EXPONENT = -700.0
CBRT_SEED = 0x2A9F7893782DA1CE


to_bits: Any = Instruction("to_bits")
"""The 64 bits of a float, as an integer."""
from_bits: Any = Instruction("from_bits")
"""The float of 64 bits."""


@door("f8(f8)")
def exp_(x):
    """Natural exponential; below -700 it is 0, above 700 it stays at e^700."""
    if x < SMALLEST_EXPONENT:
        return 0.0
    y = min(x, -SMALLEST_EXPONENT)
    k = math.floor(y * LOG2_E + 0.5)
    r = (y - k * LN2_HIGH) - k * LN2_LOW
    p = 1.0 + r / 10.0
    p = 1.0 + r * p / 9.0
    p = 1.0 + r * p / 8.0
    p = 1.0 + r * p / 7.0
    p = 1.0 + r * p / 6.0
    p = 1.0 + r * p / 5.0
    p = 1.0 + r * p / 4.0
    p = 1.0 + r * p / 3.0
    p = 1.0 + r * p / 2.0
    p = 1.0 + r * p
    return p * from_bits((np.int64(k) + EXPONENT_BIAS) << MANTISSA_BITS)


@door("f8(f8)")
def log_(x):
    """Natural logarithm of a positive number, by atanh on the mantissa."""
    bits = to_bits(x)
    exponent = (bits >> MANTISSA_BITS) - EXPONENT_BIAS
    mantissa = from_bits((bits & ((1 << MANTISSA_BITS) - 1)) | (EXPONENT_BIAS << MANTISSA_BITS))
    if mantissa > 1.4142135623730951:
        mantissa *= 0.5
        exponent += 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    q = s * s
    p = q / 17.0 + 1.0 / 15.0
    p = p * q + 1.0 / 13.0
    p = p * q + 1.0 / 11.0
    p = p * q + 1.0 / 9.0
    p = p * q + 1.0 / 7.0
    p = p * q + 1.0 / 5.0
    p = p * q + 1.0 / 3.0
    p = p * q + 1.0
    return 2.0 * s * p + exponent * LN2_HIGH + exponent * LN2_LOW


@door("f8(f8)")
def erfc_(x):
    """Complementary error function."""
    z = abs(x)
    t = 1.0 / (1.0 + 0.5 * z)
    p = -0.82215223 + t * 0.17087277
    p = 1.48851587 + t * p
    p = -1.13520398 + t * p
    p = 0.27886807 + t * p
    p = -0.18628806 + t * p
    p = 0.09678418 + t * p
    p = 0.37409196 + t * p
    p = 1.00002368 + t * p
    y = t * exp_(-z * z - 1.26551223 + t * p)
    return y if x >= 0.0 else 2.0 - y


@door("f8(f8)")
def cbrt_(x):
    """Cube root of a positive number, two Halley steps from a seed in the exponent."""
    y = from_bits(to_bits(x) // 3 + CBRT_SEED)
    for _ in range(2):
        cube = y * y * y
        y = y * (cube + 2.0 * x) / (2.0 * cube + x)
    return y


@door("f8(f8, f8)")
def power_(x, y):
    """Power x^y of a positive x."""
    return exp_(y * log_(x)) if x > 0.0 else 0.0
