"""Root file systems from Debian packages, by mmdebstrap: apt itself picks, fetches and checks them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from conformance.offline.command import Commands

SUITE = "bookworm"
_MIRROR = "http://deb.debian.org/debian"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_SUITES = (SUITE, f"{SUITE}-updates", f"{SUITE}-security")
NEEDLESS = tuple(f"usr/share/{name}" for name in ("doc", "man", "locale", "info", "lintian"))


def sources(etc: Path = Path("/etc/apt")) -> list[str]:
    """One-line entries for Debian's suites: those that this machine is set up with, so that its mirror is used, else Debian's own.

    Reads both forms of sources.list(5), one-line and deb822; entries of other publishers are left out.
    """
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list")), *sorted((etc / "sources.list.d").glob("*.sources"))]
    found = [entry for file in files if file.is_file() for entry in _entries(file)]
    unique = sorted({suite: uri for uri, suite in reversed(found)}.items())
    if SUITE not in dict(unique):
        unique = [(SUITE, _MIRROR)]
    return [f"deb [signed-by={_KEYRING}] {uri} {suite} main" for suite, uri in unique]


def _entries(file: Path) -> list[tuple[str, str]]:
    """Pairs of address and suite for Debian's own suites, in the order of the file."""
    text = file.read_text()
    if file.suffix == ".sources":
        pairs = []
        for paragraph in re.split(r"\n\s*\n", text):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", paragraph, re.MULTILINE))
            if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") != "no":
                pairs += [(uri, suite) for uri in fields.get("URIs", "").split() for suite in fields.get("Suites", "").split()]
    else:
        pairs = re.findall(r"^\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s", text, re.MULTILINE)
    return [(uri, suite) for uri, suite in pairs if suite in _SUITES and "debian" in uri and "://" in uri]


def unpack(commands: Commands, name: str, target: Path, packages: Sequence[str]) -> None:
    """Fills `target` with the files of `packages` and of what they depend on; no package's script is run.

    Enough for an image that holds one program, and small; `target` may be there and empty.
    """
    _make(commands, name, target, packages, "extract")


def install(commands: Commands, name: str, target: Path, packages: Sequence[str]) -> None:
    """Fills `target` with a whole small system in which `packages` are installed and set up."""
    _make(commands, name, target, packages, "minbase")


def _make(commands: Commands, name: str, target: Path, packages: Sequence[str], variant: str) -> None:
    words = ["unshare", "--mount", "mmdebstrap", "--mode=root", "--format=directory", f"--variant={variant}"]
    words += [f"--include={','.join(packages)}", "--dpkgopt=force-unsafe-io"]
    words += [f"--dpkgopt=path-exclude=/{path}/*" for path in NEEDLESS]
    words += [f"--aptopt={line}" for line in ('Acquire::Languages "none"', 'Acquire::Retries "5"', *_proxies(commands))]
    commands.run(name, [*words, SUITE, str(target), *sources()])


def _proxies(commands: Commands) -> list[str]:
    """The machine's own proxy settings of apt: mmdebstrap starts from an empty configuration."""
    dump = commands.answer(["apt-config", "dump"]) or ""
    return [line for line in dump.splitlines() if re.match(r"Acquire::https?::(Proxy|Verify|CaInfo)", line, re.IGNORECASE)]
