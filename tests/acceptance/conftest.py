"""The rows of docs/world.md's acceptance table; `worlds.py` builds them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
