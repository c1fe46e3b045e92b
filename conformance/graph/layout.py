"""Where nodes and arrows of a drawing go: columns from who asks to who is asked, one band for each namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from conformance.graph.relations import Drawing, by_group

WIDTH, HEIGHT = 190, 66
"""Of a node, in pixels."""

GAP_ACROSS, GAP_DOWN = 130, 26
PAD, HEAD, EDGE = 16, 26, 24
"""Around the nodes of a band, over them for its name, around everything."""

_LETTER = 6.6
"""The width of a letter of a label, as good as it is known."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    def meets(self, other: Box) -> bool:
        """Whether they overlap."""
        is_beside = self.x + self.width <= other.x or other.x + other.width <= self.x
        return not is_beside and self.y < other.y + other.height and other.y < self.y + self.height


@dataclass(frozen=True, slots=True)
class Curve:
    """An arrow: its path for SVG, and the box of its label."""

    path: str
    label: Box


@dataclass(frozen=True, slots=True)
class Placed:
    """Boxes of the nodes by their numbers and of the bands by their names, curves of the arrows in their order, and the whole size."""

    nodes: Mapping[int, Box]
    bands: Mapping[str, Box]
    curves: Sequence[Curve]
    width: float
    height: float


def place(drawing: Drawing) -> Placed:
    """Everything in its place. The same drawing is always placed alike."""
    column = _columns(drawing)
    last = max(column.values(), default=0)
    wide = 2 * PAD + (last + 1) * WIDTH + last * GAP_ACROSS
    nodes: dict[int, Box] = {}
    bands: dict[str, Box] = {}
    y = float(EDGE)
    for group, members in by_group(drawing.nodes).items():
        rows: dict[int, int] = {}
        for number in members:
            row = rows.get(column[number], 0)
            rows[column[number]] = row + 1
            x = EDGE + PAD + column[number] * (WIDTH + GAP_ACROSS)
            nodes[number] = Box(x, y + HEAD + PAD / 2 + row * (HEIGHT + GAP_DOWN), WIDTH, HEIGHT)
        deep = max(rows.values(), default=1)
        bands[group] = Box(EDGE, y, wide, HEAD + PAD * 2 + deep * HEIGHT + (deep - 1) * GAP_DOWN)
        y += bands[group].height + EDGE
    curves = tuple(_curves(drawing, nodes, y))
    return Placed(nodes, bands, curves, wide + 2 * EDGE, y)


def _columns(drawing: Drawing) -> dict[int, int]:
    """How many arrows lead to a node at the most, those left out that lead back in a circle."""
    ways: dict[int, list[int]] = {}
    for arrow in drawing.arrows:
        if arrow.source != arrow.target:
            ways.setdefault(arrow.source, []).append(arrow.target)
    order = _from_askers(len(drawing.nodes), ways)
    position = {number: place for place, number in enumerate(order)}
    column = dict.fromkeys(range(len(drawing.nodes)), 0)
    for number in order:
        for target in ways.get(number, ()):
            if position[target] > position[number]:
                column[target] = max(column[target], column[number] + 1)
    asked = {target for targets in ways.values() for target in targets}
    for number, targets in ways.items():  # whom nobody asks stands right before those that it asks: short arrows
        if number not in asked:
            column[number] = max(0, min(column[target] for target in targets) - 1)
    return column


def _from_askers(count: int, ways: Mapping[int, Sequence[int]]) -> list[int]:
    """The nodes, each before those that it leads to, as far as there is no circle; those that nobody asks first."""
    asked = {target for targets in ways.values() for target in targets}
    found: list[int] = []
    seen: set[int] = set()
    for start in sorted(range(count), key=lambda number: (number not in asked, number)):
        stack = [(start, iter(ways.get(start, ())))] if start not in seen else []
        seen.add(start)
        while stack:
            number, rest = stack[-1]
            below = next((each for each in rest if each not in seen), None)
            if below is None:
                found.append(number)
                stack.pop()
            else:
                seen.add(below)
                stack.append((below, iter(ways.get(below, ()))))
    return found[::-1]


def _curves(drawing: Drawing, nodes: Mapping[int, Box], high: float) -> Iterator[Curve]:
    plain = [number for number, arrow in enumerate(drawing.arrows) if arrow.source != arrow.target]
    leaving = _slots({number: (drawing.arrows[number].source, nodes[drawing.arrows[number].target].y) for number in plain})
    coming = _slots({number: (drawing.arrows[number].target, nodes[drawing.arrows[number].source].y) for number in plain})
    taken = list(nodes.values())
    for number, arrow in enumerate(drawing.arrows):
        source, target = nodes[arrow.source], nodes[arrow.target]
        wide = 10 + _LETTER * len(arrow.label + (" (open)" if arrow.is_open else ""))
        if arrow.source == arrow.target:
            points = _loop(source)
        else:
            start = source.x + source.width, source.y + source.height * leaving[number]
            end = target.x, target.y + target.height * coming[number]
            points = _around(start, end, list(nodes.values()), high)
        label = _free(points, wide, taken)
        taken.append(label)
        (x, y), *rest = points
        yield Curve(f"M{x:.1f} {y:.1f} C" + " ".join(f"{each[0]:.1f} {each[1]:.1f}" for each in rest), label)


_Points = tuple[tuple[float, float], ...]
"""Start, two points that pull, end."""


def _slots(ends: Mapping[int, tuple[int, float]]) -> dict[int, float]:
    """At which part of its side each arrow meets its node: those whose other end (its y) is higher meet it higher."""
    meeting: dict[int, list[int]] = {}
    for arrow, (node, _) in sorted(ends.items(), key=lambda item: item[1][1]):
        meeting.setdefault(node, []).append(arrow)
    return {arrow: (number + 1) / (len(arrows) + 1) for arrows in meeting.values() for number, arrow in enumerate(arrows)}


_DETOURS = (0.0, *(sign * step * (HEIGHT + GAP_DOWN) for step in (0.5, 0.75, 1, 1.5, 2, 3) for sign in (-1, 1)))
"""How far an arrow bends up or down."""


def _around(start: tuple[float, float], end: tuple[float, float], boxes: Sequence[Box], high: float) -> _Points:
    """The straightest curve within the drawing that passes behind no node, its own two included, if there is one."""
    tries = [_between(start, end, detour) for detour in _DETOURS]
    inside = [points for points in tries if all(0 < _at(points, number / 24)[1] < high for number in range(25))]
    return next((points for points in inside if not _is_behind(points, boxes)), tries[0])


def _is_behind(points: _Points, boxes: Sequence[Box]) -> bool:
    spots = [_at(points, number / 24) for number in range(1, 24)]
    return any(box.meets(Box(x, y, 1, 1)) for x, y in spots for box in boxes)


def _between(start: tuple[float, float], end: tuple[float, float], detour: float = 0.0) -> _Points:
    pull = max(50.0, abs(end[0] - start[0]) * 0.45)
    if end[0] <= start[0]:  # back, or in the same column: around both
        pull = 110.0
    return start, (start[0] + pull, start[1] + detour), (end[0] - pull, end[1] + detour), end


def _loop(box: Box) -> _Points:
    x, y = box.x + box.width, box.y + box.height
    return (x - 90, y), (x - 86, y + 28), (x - 24, y + 28), (x - 20, y)


def _free(points: _Points, wide: float, taken: Sequence[Box]) -> Box:
    """A place for a label at the curve where nothing else is, if there is one."""
    tries = [_box(points, part, wide) for part in (0.5 + sign * step / 25 for step in range(10) for sign in (-1, 1))]
    return next((box for box in tries if not any(box.meets(each) for each in taken)), tries[0])


def _box(points: _Points, part: float, wide: float) -> Box:
    x, y = _at(points, part)
    return Box(x - wide / 2, y - 9, wide, 18)


def _at(points: _Points, part: float) -> tuple[float, float]:
    """The point of a curve after this part of it."""
    weights = ((1 - part) ** 3, 3 * part * (1 - part) ** 2, 3 * part**2 * (1 - part), part**3)
    x, y = (sum(weight * point[axis] for weight, point in zip(weights, points, strict=True)) for axis in (0, 1))
    return x, y
