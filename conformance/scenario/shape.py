"""A document against a JSON schema: every fault at its place, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from conformance.scenario.fault import Fault
from conformance.scenario.source import Keys, Source

_BOOLEAN = " (a boolean in YAML: quote it, or take another word)"


def shape_faults(source: Source, schema: Mapping[str, Any]) -> list[tuple[Keys, Fault]]:
    """Each fault with the keys of the value that it spoils."""
    errors = Draft202012Validator(schema).iter_errors(source.value)
    return [(tuple(error.absolute_path), fault) for top in errors for error in _leaves(top) for fault in _faults(source, error)]


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The faults that are meant: where a value may have several forms, those of the form that was tried."""
    if error.validator != "anyOf":
        yield error
        return
    forms: dict[Any, list[ValidationError]] = {}
    for each in error.context or ():
        forms.setdefault(each.schema_path[0], []).append(each)
    tried = [form for form in forms.values() if not any(map(_is_other_form, form))]
    if not tried:
        yield error
    for each in tried[0] if tried else ():
        yield from _leaves(each)


def _is_other_form(error: ValidationError) -> bool:
    """Whether the value itself, not a key or a part of it, is of another type than the form's."""
    return error.validator == "type" and not error.relative_path and not _speaks_of_a_key(error)


def _speaks_of_a_key(error: ValidationError) -> bool:
    return "propertyNames" in error.relative_schema_path


def _faults(source: Source, error: Any) -> Iterator[Fault]:
    keys, value = tuple(error.absolute_path), error.instance
    if error.validator == "additionalProperties":
        known = sorted(error.schema["properties"])
        for key in value:
            if key not in known:
                word = source.written_key((*keys, key))
                yield source.fault(f"unknown key {word!r}{_instead(word, known)}", (*keys, key), at_key=True)
    elif error.validator == "required":
        # The library makes an error of each key that is missing; equal faults become one in the end.
        for key in error.validator_value:
            if key not in value:
                yield source.fault(f"{key!r} is missing", keys)
    elif _speaks_of_a_key(error):
        where = (*keys, value)
        word = f"{source.written_key(where)}{_BOOLEAN}" if isinstance(value, bool) else _shown(value)
        yield source.fault(f"{word} is no key here: {_wanted(error)}", where, at_key=True)
    else:
        yield source.fault(f"{_subject(source, keys, value)} is wrong here: {_wanted(error)}", keys)


def _instead(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, 1)
    return f": did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"


def _subject(source: Source, keys: Keys, value: Any) -> str:
    if isinstance(value, Mapping | list):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    if source.is_private:
        return "this value"
    if isinstance(value, str):
        return _shown(value)
    return f"{source.written(keys)}{_BOOLEAN}" if isinstance(value, bool) else source.written(keys) or "nothing"


def _shown(text: Any) -> str:
    shown = repr(text)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."


def _wanted(error: Any) -> str:
    # Every part of the schema has a description (a test sees to it).
    return "an entry stands twice" if error.validator == "uniqueItems" else f"wanted is {error.schema['description']}"
