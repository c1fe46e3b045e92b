"""What is published is what the published records give."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import main

FOLDER = Path(__file__).parents[2] / "reports" / "published"
PLUGINS = ("cilium", "cilium-native", "ptp", "bridge")


def told(*words: str) -> str:
    result = CliRunner().invoke(main, list(words))
    assert 0 == result.exit_code, result.output
    return result.output


@pytest.fixture(autouse=True)
def _there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)


@pytest.mark.parametrize(("form", "file"), [("markdown", "comparison.md"), ("html", "comparison.html")])
def test_the_comparison_is_that_of_the_records(form: str, file: str) -> None:
    assert Path(file).read_text() == told("compare", *PLUGINS, "--format", form)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_conformance_report_is_that_of_the_record(plugin: str) -> None:
    assert Path(plugin, "conformance.yaml").read_text() == told("report", plugin, "--format", "conformance")
