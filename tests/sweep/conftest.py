"""A small sweep on a small shop."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

SHOP = Path(__file__).resolve().parents[1] / "experiments" / "corner-shop.yaml"

SWEEP = """\
schema: hms.experiment/1
name: corner-sweep
seed: "7"
topology: {{scenario: {shop}}}
failures: {{start_s: {{between: [30, 50]}}, families: [crash, hang]}}
compare: {{interval: {{resamples: 200}}}}
sweep:
  factors:
    policy: [today, ladder]
    workload/0/rate_rps: [20, 40]
  seeds: 4
"""


@pytest.fixture
def experiment(tmp_path):
    """Writes the sweep, with texts replaced, and answers its path."""

    def written(*changes):
        text = SWEEP.format(shop=SHOP)
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        path = tmp_path / "sweep.yaml"
        path.write_text(text)
        return path

    return written
