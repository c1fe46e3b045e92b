"""The files of one scenario's diagnostics: capped, without secrets, and with a page that says what is there and what is not."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from conformance.diagnostics.redaction import redacted
from conformance.report.markdown import escaped

ABOUT = "about.md"

FILE, WHOLE = 512 * 1024, 4 * 1024 * 1024
"""Bytes of one file and of all files of a scenario."""

_LOOKED_AT = FILE + 128 * 1024
"""Characters of a text that are looked through: more than a file holds, for a key may begin before it."""


@dataclass
class Bundle:
    """A folder that is filled from several threads. `notes` say what is not there; nothing is written after `close`.

    Whatever cannot be written becomes a note: diagnostics never break a run.
    """

    folder: Path
    files: list[tuple[str, str, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _left: int = WHOLE
    _is_closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def text(self, name: str, what: str, content: str, *, keeps_end: bool = False) -> None:
        """Adds a text; of one in which nothing stands, a note. `keeps_end`: where it is too long, its beginning is cut (a log)."""
        if not content.strip():
            self.note(f"{name} ({what}): none")
            return
        near = content[-_LOOKED_AT:] if keeps_end else content[:_LOOKED_AT]  # looking for secrets in all of it might take too long
        data = redacted(near).encode("utf-8", "backslashreplace")
        far = len(content) - len(near)
        if len(data) > FILE or far:
            cut = f"({max(0, len(data) - FILE) + far} bytes are cut here)\n".encode()
            data = cut + data[-FILE:] if keeps_end else data[:FILE] + b"\n" + cut
        self.data(name, what, data)

    def data(self, name: str, what: str, content: bytes) -> None:
        """Adds a file as it is. `name` is relative to the folder, `what` says what it is."""
        with self._lock:
            if self._is_closed:
                return
            if len(content) > self._left:
                self.notes.append(f"{name} ({what}) is left out: a bundle has {WHOLE // 1024 // 1024} MB at the most")
                return
            try:
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            except OSError as trouble:
                self.notes.append(f"{name} cannot be written: {trouble.strerror}")
                return
            self._left -= len(content)
            self.files.append((name, what, len(content)))

    @property
    def is_closed(self) -> bool:
        """Whether nothing is written any more."""
        return self._is_closed

    def note(self, sentence: str) -> None:
        """Says what is not there, and why."""
        with self._lock:
            if not self._is_closed:
                self.notes.append(sentence)

    def close(self, title: str, sentences: Iterable[str]) -> None:
        """Writes the page; what comes later is left aside."""
        with self._lock:
            self._is_closed = True
            lines = [f"# {escaped(title)}", "", *(f"{escaped(redacted(each))}\n" for each in sentences)]
            lines += ["| file | what | bytes |", "| --- | --- | --- |"]
            lines += [f"| [{escaped(name)}]({name}) | {escaped(what)} | {size} |" for name, what, size in sorted(self.files)]
            if self.notes:
                lines += ["", "Not here:", "", *(f"- {escaped(redacted(each))}" for each in self.notes)]
            lines += ["", "Secrets are never read; values of environment variables, tokens, keys and passwords are left out."]
            text = "\n".join(lines) + "\n"
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / ABOUT).write_text(text, encoding="utf-8", errors="backslashreplace")
