"""One look for all pictures: colours that also read for the colour-blind, text as text.

Pictures are drawn in the colours below. In the page each becomes a CSS variable, so that one
SVG reads on light and on dark paper; PNG files keep the light ones.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1b1f27"
MUTED = "#667080"
RULE = "#d9dde3"
PAPER = "#ffffff"
CHAMPION = "#0f766e"
BASELINE = "#8b95a5"
RIVAL = "#b45309"
FAULT = "#be123c"

VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    PAPER: "--paper",
    CHAMPION: "--champion",
    BASELINE: "--baseline",
    RIVAL: "--rival",
    FAULT: "--fault",
}
PNG_DPI = 160


@contextmanager
def house_look() -> Iterator[None]:
    """Matplotlib's settings while a picture is drawn; no window system is needed."""
    import matplotlib as mpl

    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "hms",
        "font.family": "DejaVu Sans",
        "font.size": 9.0,
        "text.color": INK,
        "axes.edgecolor": RULE,
        "axes.labelcolor": MUTED,
        "axes.titlecolor": INK,
        "axes.titlesize": 10.0,
        "axes.titlelocation": "left",
        "axes.titlepad": 10.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": RULE,
        "grid.linewidth": 0.6,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.major.size": 0.0,
        "ytick.major.size": 0.0,
        "legend.frameon": False,
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
    }
    with mpl.rc_context(settings):
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """A figure of its own, outside pyplot's global list."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def svg_text(figure: Figure) -> str:
    """The figure as an SVG file; the same figure gives the same bytes."""
    stream = io.StringIO()
    silent = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(stream, format="svg", metadata=silent)
    return stream.getvalue()


def png_bytes(figure: Figure) -> bytes:
    """The figure as a PNG on white paper."""
    stream = io.BytesIO()
    figure.savefig(
        stream, format="png", dpi=PNG_DPI, facecolor=PAPER, metadata={"Software": None}
    )
    return stream.getvalue()


def inline_svg(svg: str, title: str, prefix: str) -> str:
    """An SVG file as a part of a page: no foreign names, colours as variables, own ids.

    Args:
        title: what a screen reader says.
        prefix: for the ids inside, so that several pictures fit one page.
    """
    text = svg[svg.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'href="#', f'href="#{prefix}-', text)
    text = re.sub(r"url\(#", f"url(#{prefix}-", text)
    text = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "system-ui, sans-serif", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1">', text, count=1)
    label = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).rstrip()


def write_picture(figure: Figure, folder: Path, name: str) -> str:
    """Write `name.svg` and `name.png` whole; the SVG's text."""
    from hms.documents import write_whole

    folder.mkdir(parents=True, exist_ok=True)
    svg = svg_text(figure)
    write_whole(folder / f"{name}.svg", svg)
    write_whole(folder / f"{name}.png", png_bytes(figure))
    return svg
