"""Reading `plugin.yaml`: YAML, schema, files beside it. All faults at once, each with its line and a caret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import jsonschema
import yaml

from conformance import data


class InvalidPlugin(Exception):
    """A descriptor that is not there, or faults in it: the message is for people and names file, line and what to do."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """`place` is the way to the node in the document (keys and indices); `at_key` marks the last key instead of its value."""

    place: tuple[str | int, ...]
    text: str
    at_key: bool = False


def read(path: Path) -> dict[str, Any]:
    """The document of a descriptor as plain values, checked against `fixtures/plugins/schema.json`.

    Raises InvalidPlugin with every fault that was found.
    """
    source = path.read_text()
    try:
        root = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        raise InvalidPlugin(_shown(path, source, line, column, f"not YAML: {error.problem}")) from error
    if root is None:
        raise InvalidPlugin(f"{path}: the file is empty")
    document = yaml.safe_load(source)
    faults = [*_doubles(root, ()), *_schema_faults(document)] or [*_meaning_faults(document, path.parent)]
    if faults:
        shown = [(*_position(root, fault), fault.text) for fault in faults]
        raise InvalidPlugin("\n".join(_shown(path, source, *each) for each in sorted(shown)))
    content: dict[str, Any] = document
    return content


@cache
def _schema() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((data.folder("fixtures") / "plugins" / "schema.json").read_text())
    return content


def _schema_faults(document: object) -> Iterator[_Fault]:
    """The schema's faults in words for people."""
    errors: Iterator[Any] = jsonschema.Draft202012Validator(_schema()).iter_errors(document)
    for error in errors:
        place = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known = sorted(error.schema["properties"])
            for key in sorted(set(error.instance) - set(known)):
                yield _Fault((*place, key), f"unknown key {key!r} (known: {', '.join(known)})", at_key=True)
        else:
            yield _Fault(place, _words(error))


def _words(error: Any) -> str:
    """One sentence for a schema error of the kinds that our schema can give."""
    match error.validator:
        case "required":
            return "missing: " + ", ".join(key for key in error.validator_value if key not in error.instance)
        case "pattern" | "minLength":
            return f"{error.instance!r} does not look right here{_described(error)} (pattern {error.schema.get('pattern', 'not empty')})"
        case "enum":
            return f"{error.instance!r} is none of {', '.join(error.validator_value)}"
        case "type":
            return f"this is {json.dumps(error.instance, default=str)[:60]}, not of type {error.validator_value}{_described(error)}"
        case "minProperties" | "maxProperties":
            return f"exactly one of these keys: {', '.join(sorted(error.schema['properties']))}"
        case "oneOf":
            forms = " or ".join("{" + ", ".join(form["required"]) + "}" for form in error.validator_value)
            return f"one of these forms, without other keys: {forms}"
        case _:
            return str(error.message)


def _described(error: Any) -> str:
    text = error.schema.get("description")
    return f": {text}" if text else ""


def _meaning_faults(document: dict[str, Any], folder: Path) -> Iterator[_Fault]:
    """What a schema cannot say: the name is the folder's, files are there and are templates, patterns have one group."""
    if document["name"] != folder.name:
        yield _Fault(("name",), f"the folder is called {folder.name!r}, the plugin {document['name']!r}")
    for place, name in _files(_schema(), document, ()):
        try:
            jinja2.Environment().parse((folder / name).read_text())  # noqa: S701 - no HTML here
        except OSError:
            yield _Fault(place, f"there is no file {name} in {folder}")
        except jinja2.TemplateSyntaxError as error:
            yield _Fault(place, f"{name}, line {error.lineno}: {error.message}")
    pattern = document["version-probe"].get("pattern")
    if pattern is not None:
        try:
            if re.compile(pattern).groups != 1:
                yield _Fault(("version-probe", "pattern"), "the pattern needs exactly one group, the version")
        except re.error as error:
            yield _Fault(("version-probe", "pattern"), f"not a regular expression: {error}")


def _files(schema: dict[str, Any], value: object, place: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every value that the schema marks as the name of a file beside the descriptor."""
    if "$ref" in schema:
        schema = {**_schema()["$defs"][schema["$ref"].rsplit("/", 1)[1]], **schema}
    if schema.get("x-file"):
        yield place, str(value)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _files(schema.get("properties", {}).get(key, {}), item, (*place, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _files(schema.get("items", {}), item, (*place, index))


def _doubles(node: yaml.Node, place: tuple[str | int, ...]) -> Iterator[_Fault]:
    """Keys that stand twice in one mapping: YAML takes the last one silently."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield _Fault((*place, key.value), f"the key {key.value!r} stands here twice", at_key=True)
            seen.add(key.value)
            yield from _doubles(value, (*place, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _doubles(value, (*place, index))


def _position(root: yaml.Node, fault: _Fault) -> tuple[int, int]:
    """Line and column (from 0) of a fault: as near to its place as the document goes."""
    node, mark = root, root.start_mark
    for step in fault.place:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == str(step)]
            if not pairs:
                break
            mark, node = pairs[-1][0].start_mark, pairs[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            mark = node.start_mark
    if not fault.at_key and isinstance(node, yaml.ScalarNode):
        mark = node.start_mark
    return mark.line, mark.column


def _shown(path: Path, source: str, line: int, column: int, text: str) -> str:
    """A fault with its line and a caret below it."""
    lines = source.splitlines() or [""]
    content = lines[min(line, len(lines) - 1)]
    return f"{path}:{line + 1}: {text}\n    {content}\n    {' ' * column}^"
