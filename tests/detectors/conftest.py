"""What detectors say of runs: of series written by hand, of published worlds, of drawn failures."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
