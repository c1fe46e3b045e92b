"""The project's own checks: `nox` runs all of them, `nox -s tests` one."""

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
    cover = [f"--cov={room}" for room in PURE.split(",")]
    session.run(
        "pytest", "tests/unit", *cover, "--cov-branch", "--cov-fail-under=100", "--cov-report=term-missing:skip-covered", *session.posargs
    )


@nox.session
def cluster(session: nox.Session) -> None:
    """The real cluster: builds and starts what it needs, and takes it away again."""
    install(session)
    session.run("pytest", "tests/cluster", "tests/offline", "--durations=10", *session.posargs)
