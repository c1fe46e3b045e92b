"""What must not be in a bundle: it is attached to issues, which everybody reads."""

from __future__ import annotations

import re
from typing import Any

LEFT_OUT = "(left out)"

_LONGEST = 200
"""Characters of a word of a command: an agent's source is an argument."""

_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # a JSON web token: tokens of service accounts
    re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{8,}"),
    re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),  # credentials in an address
    re.compile(
        r"(?i)(?<![\w-])[\w.-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client-key-data|credential)"
        r"[\w.-]*[\"']?\s*[:=]\s*(\"[^\"\n]+\"|'[^'\n]+'|[^\s\"',;}\]]{4,})"
    ),
)
"""The last one names the secret: only what stands behind its name is left out."""


def redacted(text: str) -> str:
    """The text without what looks like a token, a key or a password."""
    for pattern in _SECRETS:
        text = pattern.sub(_without, text)
    return text


def _without(found: re.Match[str]) -> str:
    if found.re.groups:
        start = found.start(1) - found.start()
        return found.group()[:start] + LEFT_OUT + found.group()[start + len(found.group(1)) :]
    return LEFT_OUT


def plain(document: Any) -> Any:
    """An object of the API without bookkeeping, values of environment variables, and the text of long arguments."""
    match document:
        case dict():
            return {key: _value(key, value) for key, value in document.items() if key not in ("managedFields", _LAST_APPLIED)}
        case list():
            return [plain(each) for each in document]
    return document


_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def _value(key: str, value: Any) -> Any:
    if key == "env" and isinstance(value, list):
        return [{"name": each.get("name"), "value": LEFT_OUT} if isinstance(each, dict) else LEFT_OUT for each in value]
    if key in ("command", "args") and isinstance(value, list):
        return [_short(each) if isinstance(each, str) else plain(each) for each in value]
    return plain(value)


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[:_LONGEST]}… ({len(word) - _LONGEST} more characters)"
