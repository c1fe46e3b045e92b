"""The project's own checks: `nox` runs all of them, `nox -s tests` one."""

from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "cluster"]
nox.options.reuse_existing_virtualenvs = True

PURE = "conformance.world,conformance.model,conformance.scenario,conformance.judge,conformance.record"


def install(session: nox.Session) -> None:
    """The project with its development tools, at the versions of the lock."""
    session.install("-c", "dev.lock", "-e", ".[dev]")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, the floors of the house, the catalogue."""
    install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("cni-conformance", "check")


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
def cluster(session: nox.Session) -> None:
    """The real cluster: builds and starts what it needs, and takes it away again."""
    install(session)
    session.run("pytest", "tests/cluster", "tests/offline", "--durations=10", *session.posargs)


@nox.session
def sensitivity(session: nox.Session) -> None:
    """Which scenarios see which faults, all of them: the table, the page of the catalogue and its quick part that are made from it."""
    install(session)
    session.run("cni-conformance", "sensitivity", "--json", "docs/sensitivity.json", *session.posargs)
    for file, words in (("docs/catalogue.md", []), ("scenarios/quick.yaml", ["--quick"])):
        with Path(file).open("w", encoding="utf-8") as page:
            session.run("cni-conformance", "catalogue", *words, stdout=page)
