"""Times in logarithmic buckets: quantiles to a stated relative error, mergeable by adding counts.

The buckets are those of DDSketch's linearly interpolated mapping (Masson, Rim, Lee: DDSketch, VLDB
2019): 64 to an octave, read off the bits of the number, so that counting costs a shift. A quantile
is the middle of its bucket: off by at most 1 part in 128.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hms.scenarios.elementary import to_bits
from hms.scenarios.machine_code import compiled

SUB_BITS = 6
SHIFT = 52 - SUB_BITS
LOWEST_OCTAVE = -30
OCTAVES = 60
BUCKETS = OCTAVES << SUB_BITS
OFFSET = (1023 + LOWEST_OCTAVE) << SUB_BITS
RELATIVE_ERROR = 1.0 / (2 << SUB_BITS)


@compiled
def bucket_of(value):
    """The bucket of a positive number; below 2^-30 it is the first, above 2^30 the last."""
    return max(0, min((to_bits(value) >> SHIFT) - OFFSET, BUCKETS - 1))


@dataclass(frozen=True, slots=True)
class Sketch:
    """Counts of times by bucket.

    Attributes:
        counts: shape (BUCKETS,), of integers.
    """

    counts: npt.NDArray[np.int64]

    @property
    def n(self) -> int:
        """How many times were counted."""
        return int(self.counts.sum())

    def merge(self, other: Sketch) -> Sketch:
        """Both together: the same as if one had counted all."""
        return Sketch(self.counts + other.counts)

    def quantile(self, q: float) -> float:
        """The q-quantile (0 < q <= 1), off by at most `RELATIVE_ERROR`; nan of nothing."""
        if not 0.0 < q <= 1.0:
            raise ValueError(f"a quantile needs 0 < q <= 1, not {q!r}")
        if self.n == 0:
            return float("nan")
        at = int(np.searchsorted(np.cumsum(self.counts), q * self.n, side="left"))
        octave, sub = divmod(at, 1 << SUB_BITS)
        return float((1.0 + (sub + 0.5) / (1 << SUB_BITS)) * 2.0 ** (octave + LOWEST_OCTAVE))
