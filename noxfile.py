"""The project's own checks: `nox` runs all of them, `nox -s tests` one."""

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "browser", "cluster"]
nox.options.reuse_existing_virtualenvs = True

ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"
PURE = "conformance.world,conformance.model,conformance.scenario,conformance.judge,conformance.record"


def install(session: nox.Session) -> None:
    """The project with its development tools, at the versions of the lock."""
    session.install("-c", "dev.lock", "-e", ".[dev]")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, the floors of the house, the catalogue, the workflows."""
    install(session)
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
    install(session)
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Everything that needs no cluster. The pure rooms are covered wholly."""
    install(session)
    # Not by pytest's own plugin: ours is loaded before it and would not be counted.
    session.run("coverage", "run", "--source", PURE, "-m", "pytest", "tests/unit", *session.posargs)
    if not session.posargs:
        session.run("coverage", "report", "--fail-under=100", "--show-missing", "--skip-covered")


@nox.session
def browser(session: nox.Session) -> None:
    """The HTML pages in a real browser."""
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        if os.geteuid() or not shutil.which("apt-get"):
            session.error("these tests need a Chromium: install the package chromium of your system")
        session.run("apt-get", "update", external=True)
        session.run("apt-get", "install", "--yes", "--no-install-recommends", "chromium", external=True)
    install(session)
    session.run("pytest", "tests/browser", *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """The real cluster: builds and starts what it needs, and takes it away again."""
    install(session)
    # First what makes clusters of its own: those that stand for the whole session take the processors away from it.
    session.run("pytest", "tests/offline", "tests/cluster/test_kind.py", "tests/cluster", "--durations=20", *session.posargs)


@nox.session
def sensitivity(session: nox.Session) -> None:
    """Which scenarios see which faults, all of them: the table, the page of the catalogue and its quick part that are made from it."""
    install(session)
    session.run("cni-conformance", "sensitivity", "--json", "docs/sensitivity.json", *session.posargs)
    for file, words in (("docs/catalogue.md", []), ("scenarios/quick.yaml", ["--quick"])):
        with Path(file).open("w", encoding="utf-8") as page:
            session.run("cni-conformance", "catalogue", *words, stdout=page)
