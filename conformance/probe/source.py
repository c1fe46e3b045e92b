"""The agent's text: its modules joined into one that needs nothing but an interpreter."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

_MODULES = ("loop", "answers", "packets", "raw", "serving", "names", "asking", "watching", "starting", "talk")
"""In this order: each uses those before it only."""


@cache
def agent_source() -> str:
    """The agent's text, for `python3 -c`. A pod carries it as an argument.

    The interpreter reads it module by module: all at once would cost each probe 3 MB, for it keeps what its compiler needs
    for the longest text.
    """
    texts = "".join(f"r'''\nfrom __future__ import annotations\n{part}''',\n" for part in agent_parts())
    return f"for part in (\n{texts}):\n    exec(part)\n"


def agent_parts() -> list[str]:
    """The modules' texts, without what means nothing in one text: imports of each other, and what only a type checker reads."""
    return [_own_lines(Path(__file__).with_name("agent") / f"{name}.py") for name in _MODULES]


def _own_lines(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    for node in reversed(ast.parse(text).body):
        is_import = isinstance(node, ast.ImportFrom) and (node.module == "__future__" or str(node.module).startswith("conformance."))
        is_for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if is_import or is_for_types:
            del lines[node.lineno - 1 : node.end_lineno]
    return "".join(lines)
