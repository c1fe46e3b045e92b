"""A document against a JSON schema: every fault at its place, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from conformance.scenario.fault import Fault
from conformance.scenario.source import Keys, Source

_WORD_OF = {"object": "a mapping", "array": "a list", "string": "a string", "boolean": "true or false", "null": "nothing"}


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
    tried = [form for form in forms.values() if not any(each.validator == "type" and not each.relative_path for each in form)]
    if not tried:
        yield error
    for each in tried[0] if tried else ():
        yield from _leaves(each)


def _faults(source: Source, error: ValidationError) -> Iterator[Fault]:
    keys, schema, value, needed = tuple(error.absolute_path), _schema(error), _any(error.instance), _any(error.validator_value)
    if error.validator == "additionalProperties":
        known = sorted(schema.get("properties", {}))
        for key in value:
            if key not in known:
                yield source.fault(f"unknown key {key!r}{_instead(str(key), known)}", (*keys, key), at_key=True)
    elif error.validator == "required":
        missing = [key for key in needed if key not in value]
        # One error a key comes from the library; each names itself.
        name = next((key for key in missing if f"'{key}'" in error.message), missing[0])
        yield source.fault(f"{name!r} is missing", keys)
    elif error.validator == "propertyNames" or (error.parent is not None and error.parent.validator == "propertyNames"):
        yield source.fault(f"{_shown(value)} is no key here: {_wanted(error)}", (*keys, value), at_key=True)
    else:
        yield source.fault(f"{_subject(source, keys, value)} is wrong here: {_wanted(error)}", keys)


def _schema(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _any(value: Any) -> Any:
    return value


def _instead(word: str, known: list[str]) -> str:
    close = get_close_matches(word, known, 1)
    return f": did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"


def _subject(source: Source, keys: Keys, value: Any) -> str:
    if isinstance(value, bool):
        return f"{source.written(keys)} is a boolean in YAML (quote it, or take another word), which"
    if isinstance(value, str | int | float) or value is None:
        return _shown(value)
    return "a mapping" if isinstance(value, Mapping) else "a list"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _wanted(error: ValidationError) -> str:
    described = _schema(error).get("description")
    if isinstance(described, str) and error.validator in ("pattern", "anyOf", "oneOf", "minProperties", "type", "enum"):
        return f"wanted is {described}"
    if error.validator == "type":
        return f"wanted is {_WORD_OF.get(str(error.validator_value), error.validator_value)}"
    if error.validator == "uniqueItems":
        return "an entry stands twice"
    return str(error.message)
