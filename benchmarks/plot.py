"""The results as a picture: bars with the medians, and lines from the least to the most."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .results import Outcome, Results
from .servers import TITLES
from .table import median_value

WIDTH, LABELS, VALUES = 760, 220, 90  # pixels: all of it, and left and right of the bars
ROW, BAR, HEAD, GAP = 24, 14, 34, 18
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.bar { fill: #8c959f }
.ours { fill: #0969da }
.spread { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .spread { stroke: #e6edf3 } }
"""


def plot(results: Results) -> str:
    """One SVG picture with a panel for each scenario."""
    parts: list[str] = []
    top = 0
    for outcome in filter(lambda outcome: outcome.samples, results.outcomes):
        parts.extend(_panel(outcome, top))
        top += HEAD + ROW * len(outcome.samples) + GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img">'
    return "\n".join((head, f"<style>{STYLE}</style>", *parts, "</svg>", ""))


def _panel(outcome: Outcome, top: int) -> Iterator[str]:
    yield _text(0, top + HEAD - 14, f"{outcome.title} ({outcome.unit})", "title")
    most = max(sample.value for some in outcome.samples.values() for sample in some)
    scale = (WIDTH - LABELS - VALUES) / most
    for index, (name, samples) in enumerate(outcome.samples.items()):
        y = top + HEAD + ROW * index
        middle = y + BAR / 2
        value = median_value(samples)
        left, right = (LABELS + scale * f(s.value for s in samples) for f in (min, max))
        yield _text(0, middle + 5, TITLES[name])
        yield _bar("bar ours" if name.startswith("ours") else "bar", y, value * scale)
        yield f'<path class="spread" d="M{left:.1f} {middle}H{right:.1f}"/>'
        yield _text(right + 8, middle + 5, f"{value:.1f}")


def _bar(kind: str, y: float, length: float) -> str:
    return f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}"/>'


def _text(x: float, y: float, text: str, kind: str = "label") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y}">{escape(text)}</text>'
