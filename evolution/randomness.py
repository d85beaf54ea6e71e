"""One independent stream of random numbers for each named purpose.

A stream is named by strings (a seed and what the numbers are for), so that adding a consumer
leaves the numbers of all others where they were. Everything random in this room starts here:
no module-level generator, no `random`, no `hash()` (which changes with PYTHONHASHSEED).
"""

import hashlib

import numpy as np


def generator(*names: str) -> np.random.Generator:
    """A PCG64 generator keyed by `names`, the same in every process.

    The names are length-prefixed before hashing, so that ("a", "bc") and ("ab", "c") differ.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        encoded = name.encode("utf-8")
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest.digest(), "little")))
