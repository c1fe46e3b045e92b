"""What must not be in a bundle: it is attached to issues, which everybody reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

LEFT_OUT = "(left out)"

_LONGEST = 200
"""Characters of a word of a command: an agent's source is an argument."""

_NAME = (
    "(?:password|passwd|passphrase|secret|token|credential|cookie|signature|client-key-data"
    "|(?:api|access|private|preshared|encryption)[_-]?key)"
)
"""What a secret is called, or the end or the middle of it."""

_VALUE = r"""(?!\(left out\)|(?:true|false|null|nil|none)\b)("[^"\n]+"|'[^'\n]+'|\[[^\]\n]{4,}\]|[^\s"',;}\]]{4,})"""

_SECRETS = (
    re.compile(
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,20}-----|\Z)", re.DOTALL
    ),
    re.compile(r"eyJ[\w+/=-]{8,}(?:\.[\w-]+)*"),  # JSON in base64: tokens of service accounts, logins to registries
    re.compile(r"(?:ZXlK|LS0tLS1CRUdJT)[\w+/=]{8,}"),  # such a token, or a key or a certificate, once more in base64: Secrets, kubeconfigs
    re.compile(r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}|gh[pousr]_\w{36,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,})"),
    re.compile(r"(?i)\bbearer[\s:=\"']{1,5}([\w.~+/=-]{8,})"),
    re.compile(r"(?i)authorization[\\\"']{0,2}\s{0,5}[:=]\s{0,5}[\[\\\"']{0,3}(?:basic|digest|negotiate|token)\s{1,5}([^\s\"'\]\\]+)"),
    re.compile(r"(?<=://)[^/\s\"'<>]+(?=@)"),  # credentials in an address
    re.compile(r"(?i)(?<!\S)--?[\w-]{0,40}?" + _NAME + r"[\w-]{0,40} {1,5}(?!-)" + _VALUE),  # the next word of a command line
    re.compile(r"(?i)" + _NAME + r"[\w.-]{0,64}[\\\"']{0,2}\s{0,20}[:=]{1,2}>?\s{0,20}\\?" + _VALUE),
    re.compile(r"(?i)(?<![a-z])(?:pass|pwd|psk|auth)[\\\"']{0,2}\s{0,20}[:=]\s{0,20}\\?" + _VALUE),
)
"""Where there is a group, only that is left out: what is before it names the secret.

Nothing here may look at a character again and again: a megabyte of a log is gone through while a run waits. So each begins with
something fixed, and what may be repeated and then turn out wrong has a bound.
"""


def redacted(text: str) -> str:
    """The text without what looks like a token, a key or a password. The time that takes grows with its length and no faster."""
    for pattern in _SECRETS:
        text = pattern.sub(_without, text)
    return text


def _without(found: re.Match[str]) -> str:
    if found.re.groups:
        start = found.start(1) - found.start()
        return found.group()[:start] + LEFT_OUT + found.group()[start + len(found.group(1)) :]
    return LEFT_OUT


_ASKS_FOR_SECRET = re.compile(r"(?i)--?[\w-]{0,40}" + _NAME + r"[\w-]{0,40}")


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
        return list(_words(value))
    return plain(value)


def _words(words: list[Any]) -> Iterator[Any]:
    """The words of a command; one behind `--token` is left out."""
    before = ""
    for word in words:
        yield LEFT_OUT if _ASKS_FOR_SECRET.fullmatch(before) else _short(word) if isinstance(word, str) else plain(word)
        before = word if isinstance(word, str) else ""


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[:_LONGEST]}… ({len(word) - _LONGEST} more characters)"
