"""Where the tests find the shipped scenarios and the real systems."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "scenarios" / "library"
TOPOLOGIES = ROOT.parent / "shared" / "topologies"
