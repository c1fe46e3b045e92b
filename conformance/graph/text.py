"""The drawing as text for other tools: Mermaid (GitHub draws it) and Graphviz."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.graph.relations import Drawing, Node, by_group, few
from conformance.report.page import printable


def mermaid(drawing: Drawing) -> str:
    """A Mermaid flowchart. Every character that means something to Mermaid is written as its number."""
    return "\n".join(_mermaid(drawing)) + "\n"


def _mermaid(drawing: Drawing) -> Iterator[str]:
    yield "flowchart LR"
    yield "  accTitle: Who may talk to whom"
    yield f"  accDescr: {_entities(' '.join(drawing.sentences))}"
    for number, (group, members) in enumerate(by_group(drawing.nodes).items()):
        yield f'  subgraph g{number}["{_entities(group)}"]'
        for each in members:
            words = "<br/>".join(_entities(word) for word in _words(drawing.nodes[each]))
            yield f'    n{each}["{words}"]'
        yield "  end"
    for arrow in drawing.arrows:
        line, label = ("-.->", f"{arrow.label} (open)") if arrow.is_open else ("-->", arrow.label)
        yield f'  n{arrow.source} {line}|"{_entities(label)}"| n{arrow.target}'
    for sentence in drawing.sentences:
        yield f"  %% {_entities(sentence)}"


def _words(node: Node) -> list[str]:
    return [word for word in (few(node.members), few(node.ports), node.state) if word]


def _entities(text: str) -> str:
    return re.sub(r"[^\w .,:/()'+=-]", lambda found: f"#{ord(found.group())};", printable(text))


def dot(drawing: Drawing) -> str:
    """A Graphviz digraph, namespaces as clusters."""
    return "\n".join(_dot(drawing)) + "\n"


def _dot(drawing: Drawing) -> Iterator[str]:
    yield "digraph reach {"
    yield f"  rankdir=LR; node [shape=box]; labelloc=b; label={_quoted(chr(10).join(drawing.sentences))};"
    for number, (group, members) in enumerate(by_group(drawing.nodes).items()):
        yield f"  subgraph cluster_{number} {{ label={_quoted(group)};"
        for each in members:
            yield f"    n{each} [label={_quoted(chr(10).join(_words(drawing.nodes[each])))}];"
        yield "  }"
    for arrow in drawing.arrows:
        style, label = (" style=dashed", f"{arrow.label} (open)") if arrow.is_open else ("", arrow.label)
        yield f"  n{arrow.source} -> n{arrow.target} [label={_quoted(label)}{style}];"
    yield "}"


def _quoted(text: str) -> str:
    lines = [printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n")]
    return '"' + "\\n".join(lines) + '"'
