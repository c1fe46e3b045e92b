"""The project's own checks: `nox` runs all of them, `nox -s tests` one."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "browser", "cluster"]
nox.options.default_venv_backend = "none"  # they share one environment

ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
PURE = ("world", "model", "scenario", "judge", "record")
"""The rooms that tests cover wholly."""

ENVIRONMENT = Path(f".nox/python{sys.version_info.major}.{sys.version_info.minor}").absolute()


@functools.cache
def install() -> None:
    """The project with its development tools, at the versions of the lock: once for all sessions, they need the same."""
    subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    os.environ["PATH"] = f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet", "-c", "dev.lock", "-e", ".[dev]"], check=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, the floors of the house, the catalogue, the workflows."""
    install()
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("cni-conformance", "check")
    if shutil.which("go"):
        programs = Path(session.create_tmp()).absolute()
        session.run("go", "install", ACTIONLINT, env={"GOBIN": str(programs)}, external=True)
        session.run(f"{programs}/actionlint", external=True)
    else:
        session.warn("the workflows are not checked: actionlint is built with Go, which is not on this machine")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    install()
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Everything that needs no cluster. The pure rooms are covered wholly."""
    install()
    counting = [f"--cov=conformance.{room}" for room in PURE]
    words = session.posargs or [*counting, "--cov-report=term-missing:skip-covered", "--cov-fail-under=100"]
    # Our own plugin is left out, which no test needs here: it is loaded before the coverage counts, and so is what it imports.
    # A test that hangs says where, and is a failure.
    patience = ["-o", "faulthandler_timeout=900", "-o", "faulthandler_exit_on_timeout=true"]
    session.run("pytest", "tests/unit", "-n", "auto", "--maxprocesses=4", "-p", "no:cni-conformance", *patience, *words)


@nox.session
def browser(session: nox.Session) -> None:
    """The HTML pages in a real browser."""
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        if os.geteuid() or not shutil.which("apt-get"):
            session.error("these tests need a Chromium: install the package chromium of your system")
        session.run("apt-get", "update", external=True)
        session.run("apt-get", "install", "--yes", "--no-install-recommends", "chromium", external=True)
    install()
    session.run("pytest", "tests/browser", *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """The real cluster: builds and starts what it needs, and takes it away again."""
    install()
    session.run("pytest", "tests/offline", "tests/cluster", "--durations=20", *session.posargs)


@nox.session
def sensitivity(session: nox.Session) -> None:
    """Which scenarios see which faults, all of them: the table, the page of the catalogue and its quick part that are made from it."""
    install()
    session.run("cni-conformance", "sensitivity", "--json", "docs/sensitivity.json", *session.posargs)
    for file, words in (("docs/catalogue.md", []), ("scenarios/quick.yaml", ["--quick"])):
        with Path(file).open("w", encoding="utf-8") as page:
            session.run("cni-conformance", "catalogue", *words, stdout=page)
