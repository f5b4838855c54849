"""Draws what each panel would show, as SVG in one page, because no Grafana runs here."""

from __future__ import annotations

import html
import math
import re
import time
from typing import Any

from .stack import Stack

WIDTH, HEIGHT = 420, 140
COLOURS = ["#3274d9", "#e0752d", "#37872d", "#c4162a", "#8f3bb8", "#0a7c88", "#967302", "#5f6b7a"]
STYLE = """body { font: 13px sans-serif; margin: 2em; } section { display: flex; flex-wrap: wrap; gap: 1em; }
figure { margin: 0; width: 420px; } figcaption b { display: block; } svg { border: 1px solid #ccc; }
small { color: #555; }"""


def page(stack: Stack, boards: list[dict[str, Any]], seconds: int = 120) -> str:
    """A page with a figure for each panel."""
    end = time.time()
    parts = [f"<!doctype html><meta charset=utf-8><title>Panels</title><style>{STYLE}</style>"]
    for board in boards:
        figures = "".join(figure(stack, panel, end - seconds, end) for panel in board["panel"])
        parts.append(f"<h2>{html.escape(board['title'])}</h2><section>{figures}</section>")
    return "\n".join(parts)


def figure(stack: Stack, panel: dict[str, Any], start: float, end: float) -> str:
    series: list[tuple[str, list[tuple[float, float]]]] = []
    for query in panel["queries"]:
        expr = re.sub(r"\$\w+", ".*", query["expr"])
        for row in stack.ask("query_range", query=expr, start=start, end=end, step=1)["result"]:
            points = [(float(at), float(value)) for at, value in row["values"]]
            name = re.sub(r"\{\{(\w+)\}\}", lambda match, row=row: row["metric"].get(match[1], ""), query["legend"])  # type: ignore[misc]
            series.append((name, [(at, value) for at, value in points if math.isfinite(value)]))
    caption = f"<b>{html.escape(panel['title'])}</b>{legend(series, panel['unit'])}"
    return f"<figure>{svg(series, start, end)}<figcaption>{caption}</figcaption></figure>"


def svg(series: list[tuple[str, list[tuple[float, float]]]], start: float, end: float) -> str:
    top = max((value for _, points in series for _, value in points), default=0) or 1
    lines = []
    for index, (_, points) in enumerate(series):
        places = " ".join(
            f"{(at - start) / (end - start) * WIDTH:.1f},{HEIGHT - 4 - max(value, 0) / top * (HEIGHT - 12):.1f}"
            for at, value in points
        )
        lines.append(
            f'<polyline fill="none" stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="1.5" points="{places}"/>'
        )
    label = f'<text x="3" y="12" font-size="10">{top:.4g}</text>'
    return f'<svg width="{WIDTH}" height="{HEIGHT}">{"".join(lines)}{label}</svg>'


def legend(series: list[tuple[str, list[tuple[float, float]]]], unit: str) -> str:
    names = []
    for index, (name, points) in enumerate(series[:8]):
        last = f"{points[-1][1]:.3g}" if points else "no number"
        names.append(f'<span style="color:{COLOURS[index % len(COLOURS)]}">{html.escape(name)} {last}</span>')
    more = f" and {len(series) - 8} more" if len(series) > 8 else ""
    return f"<small>{unit}: {', '.join(names)}{more}</small>"
