"""The drawing as SVG: one file that makes no request, in light and dark, and readable without colours and by ear."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from conformance.graph.layout import EDGE, Box, Placed, place
from conformance.graph.relations import Arrow, Drawing, Node, few
from conformance.report.page import printable

_STYLE = """
  :root { color-scheme: light dark; }
  .page { fill: #ffffff; } text { font: 13px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: #171b22; }
  .band { fill: #f2f4f7; stroke: #d0d6de; } .band-name { font-weight: 650; }
  .node { fill: #ffffff; stroke: #5d6877; stroke-width: 1.2; } .free { stroke-dasharray: 3 3; }
  .guard { fill: #1d57c4; } .name { font-weight: 600; } .small { font-size: 11.5px; fill: #545e6b; }
  .arrow { fill: none; stroke: #3f4a58; stroke-width: 1.4; } .open { stroke-dasharray: 6 4; } .head { fill: #3f4a58; }
  .plate { fill: #ffffff; stroke: #d0d6de; } .label { font-size: 11.5px; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0f1318; } text { fill: #e7ebf0; } .band { fill: #171c23; stroke: #2c353f; }
    .node, .plate { fill: #0f1318; stroke: #8b96a5; } .plate { stroke: #2c353f; } .guard { fill: #86b3ff; } .small { fill: #a0abb9; }
    .arrow { stroke: #b4bfcc; } .head { fill: #b4bfcc; }
  }
"""

_LINE, _NAME = 17, 20
"""The height of a line, and the letters of a name that fit into a node."""


def svg(drawing: Drawing) -> str:
    """An SVG document."""
    return "\n".join(_document(drawing)) + "\n"


def _document(drawing: Drawing) -> Iterator[str]:
    placed = place(drawing)
    wide = max(placed.width, 560.0)
    lines = [line for sentence in drawing.sentences for line in textwrap.wrap(printable(sentence), int((wide - 2 * EDGE) / 6.6))]
    high = placed.height + _LINE * len(lines) + EDGE / 2
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" viewBox="0 0 {wide:.0f} {high:.0f}" role="img"'
    yield '  aria-labelledby="title" aria-describedby="desc">'
    yield '<title id="title">Who may talk to whom, by the policies</title>'
    yield f'<desc id="desc">{_text(" ".join((*drawing.sentences, *_told(drawing))))}</desc>'
    yield f"<style>{_STYLE}</style>"
    yield '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
    yield '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>'
    yield f'<rect class="page" width="{wide:.0f}" height="{high:.0f}"/>'
    for group, box in placed.bands.items():
        yield f'<rect class="band" {_place(box)} rx="10"/>'
        yield f'<text class="band-name" x="{box.x + 12:.0f}" y="{box.y + 20:.0f}">{_text(group)}</text>'
    yield from _arrows(drawing, placed)
    for number, box in placed.nodes.items():
        yield from _node(drawing.nodes[number], box)
    yield from _labels(drawing, placed)
    for number, line in enumerate(lines, 1):
        yield f'<text class="small" x="{EDGE}" y="{placed.height + _LINE * number - 8:.0f}">{_text(line)}</text>'
    yield "</svg>"


def _arrows(drawing: Drawing, placed: Placed) -> Iterator[str]:
    for arrow, curve in zip(drawing.arrows, placed.curves, strict=True):
        name = "arrow open" if arrow.is_open else "arrow"
        yield f'<path class="{name}" d="{curve.path}" marker-end="url(#head)"><title>{_text(_sentence(drawing, arrow))}</title></path>'


def _labels(drawing: Drawing, placed: Placed) -> Iterator[str]:
    for arrow, curve in zip(drawing.arrows, placed.curves, strict=True):
        box, label = curve.label, f"{arrow.label} (open)" if arrow.is_open else arrow.label
        yield f'<rect class="plate" {_place(box)} rx="5"/>'
        yield f'<text class="label" x="{box.x + box.width / 2:.1f}" y="{box.y + 13:.1f}" text-anchor="middle">{_text(label)}</text>'


def _node(node: Node, box: Box) -> Iterator[str]:
    """A box with its names, ports and state; a bar at the side at which policies guard it, dashes where they guard none."""
    yield f"<g><title>{_text(', '.join(node.members))}</title>"
    is_free = node.isolated is not None and not node.isolated
    yield f'<rect class="node{" free" if is_free else ""}" {_place(box)} rx="6"/>'
    for direction in sorted(node.isolated or ()):
        x = box.x if direction == "ingress" else box.x + box.width - 5
        yield f'<rect class="guard" x="{x:.1f}" y="{box.y + 6:.1f}" width="5" height="{box.height - 12:.1f}" rx="2"/>'
    lines = [
        ("name", _names(node)),
        ("small", few(node.ports, 2) or ("" if node.isolated is None else "no ports declared")),
        ("small", node.state),
    ]
    for number, (name, text) in enumerate((each for each in lines if each[1]), 1):
        shown = _short(text, 26)
        yield f'<text class="{name}" x="{box.x + 14:.1f}" y="{box.y + 4 + _LINE * number:.1f}">{_text(shown)}</text>'
    yield "</g>"


def _names(node: Node) -> str:
    """All names where there is room for them, else the first one and how many more there are."""
    names, more = ", ".join(node.members), len(node.members) - 1
    if len(names) <= _NAME or not more:
        return _short(names, _NAME)
    count = f" and {more} more"
    return f"{_short(node.members[0], _NAME - len(count))}{count}"


def _told(drawing: Drawing) -> Iterator[str]:
    """The drawing for those who hear it."""
    for group in dict.fromkeys(node.group for node in drawing.nodes):
        members = [
            f"{few(node.members)} ({node.state})" if node.state else few(node.members) for node in drawing.nodes if node.group == group
        ]
        yield f"{group}: {', '.join(members)}."
    yield from (f"{_sentence(drawing, arrow)}." for arrow in drawing.arrows)


def _sentence(drawing: Drawing, arrow: Arrow) -> str:
    source, target = (few(drawing.nodes[number].members) for number in (arrow.source, arrow.target))
    return f"{source} to {target}: {arrow.label}{', open' if arrow.is_open else ''}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _place(box: Box) -> str:
    return " ".join(
        f"{name}={quoteattr(f'{value:.1f}')}" for name, value in (("x", box.x), ("y", box.y), ("width", box.width), ("height", box.height))
    )


def _text(text: str) -> str:
    return escape(printable(text))
