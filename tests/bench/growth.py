"""What a start and a change cost over the size of a platform, as a table and as a plot.

    PYTHONPATH=tests:operator:edge .venv/bin/python -m bench.growth --plot docs/cost-over-size.svg

Each cost is divided by that of decoding one Number at the same moment: a busy machine counts for little.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from bench.compilation import CHANGES, PLATFORM, Compiled, cpu_of, number, population, tell
from trunkline.api import decode
from trunkline.compiler.delta import Surroundings
from trunkline.compiler.running import RunningCompiler

SIZES: Final = (1_000, 3_000, 10_000, 30_000, 100_000)
"""Numbers; for each twenty there are a trunk and a URI."""
ROUNDS: Final = 3
START: Final = "a start, for each object"
CHANGE: Final = "a changed Number"

_WIDTH: Final = 640
_HEIGHT: Final = 300
_LEFT: Final = 60
_BOTTOM: Final = 250
_COLOURS: Final = {START: "#c2410c", CHANGE: "#1d4ed8"}
_MOST: Final = 20


def decoding() -> float:
    """Seconds for one Number."""
    manifests = [number(position, 50, 0) for position in range(CHANGES)]
    return cpu_of(lambda: [decode(each) for each in manifests])[0] / CHANGES


def costs(size: int) -> Mapping[str, float]:
    """By what is done, in Numbers that would be decoded meanwhile."""
    manifests = population(size, max(size // 20, 2))
    starts, changes = [], []
    kept = Compiled(size)
    for _ in range(ROUNDS):
        before = decoding()
        start = cpu_of(lambda: tell(RunningCompiler(Surroundings(PLATFORM)), manifests))[0] / len(manifests)
        between = decoding()
        changes.append(kept.change() / ((between + decoding()) / 2))
        starts.append(start / ((before + between) / 2))
    return {START: median(starts), CHANGE: median(changes)}


def table(found: Mapping[int, Mapping[str, float]]) -> str:
    """Markdown."""
    rows = [f"| Numbers | {START} | {CHANGE} |", "|---|---|---|"]
    return "\n".join(
        [*rows, *(f"| {size:,} | {of[START]:.1f} | {of[CHANGE]:.1f} |" for size, of in found.items())]
    )


def plot(found: Mapping[int, Mapping[str, float]]) -> str:
    """SVG, with sizes by their logarithm."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="16">cost, in Numbers that would be decoded meanwhile</text>',
        f'<text x="{_WIDTH - 10}" y="{_BOTTOM + 40}" text-anchor="end">Numbers on the platform</text>',
    ]
    for cost in range(0, _MOST + 1, 5):
        parts.append(_line(_LEFT, _y(cost), _WIDTH - 10, _y(cost), "#ddd"))
        parts.append(f'<text x="{_LEFT - 8}" y="{_y(cost) + 4:.0f}" text-anchor="end">{cost}</text>')
    parts += [
        f'<text x="{_x(size):.0f}" y="{_BOTTOM + 18}" text-anchor="middle">{size:,}</text>' for size in found
    ]
    for name, colour in _COLOURS.items():
        points = [(_x(size), _y(of[name])) for size, of in found.items()]
        parts.append(_path(points, colour))
        x, y = points[0]
        parts.append(f'<text x="{x:.0f}" y="{y - 10:.0f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _x(size: int) -> float:
    low, high = math.log(SIZES[0]), math.log(SIZES[-1])
    return _LEFT + 20 + (math.log(size) - low) / (high - low) * (_WIDTH - _LEFT - 70)


def _y(cost: float) -> float:
    return _BOTTOM - min(cost, _MOST) / _MOST * (_BOTTOM - 30)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" stroke="{colour}"/>'


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    shown = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
    return f'<polyline points="{shown}" fill="none" stroke="{colour}" stroke-width="2"/>'


def main(sizes: Iterable[int] = SIZES) -> None:
    """Print the table; write the plot where it is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--plot", type=Path, help="an SVG to write")
    wanted = parser.parse_args().plot
    found = {size: costs(size) for size in sizes}
    print(table(found))
    if wanted is not None:
        wanted.write_text(plot(found), encoding="utf-8")


if __name__ == "__main__":
    main()
