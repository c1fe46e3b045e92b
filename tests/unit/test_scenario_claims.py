"""What an author says of each question, and where the model says something else."""

from pathlib import Path

from scenario_file import text, write

from conformance.scenario.claims import asked, claimed, contradictions, sentences
from conformance.scenario.load import load
from conformance.scenario.scenario import Step
from conformance.world.expectation import Expectation, Reason
from conformance.world.question import Question
from conformance.world.verdict import Direction, Verdict

IN, OUT = Question("shop/front", "shop/api", 80), Question("shop/api", "shop/front", 80)


def step(folder: Path, expect: str) -> Step:
    (found,) = load(write(folder, text(steps=f"steps:\n  - apply: [deny]\n    expect: {expect}\n"))).steps
    return found


def test_a_word_speaks_of_all_cells(tmp_path: Path) -> None:
    found = claimed(step(tmp_path, "all blocked"), [IN, OUT])

    assert {IN: Verdict.BLOCKED, OUT: Verdict.BLOCKED} == {question: claim.verdict for question, claim in found.items()}


def test_a_cell_speaks_of_itself(tmp_path: Path) -> None:
    assert [IN] == list(claimed(step(tmp_path, "{shop/front -> shop/api: blocked}"), [IN, OUT]))


def test_the_last_claim_counts(tmp_path: Path) -> None:
    found = claimed(step(tmp_path, "[all allowed, {shop/front -> shop/api: blocked}]"), [IN, OUT])

    assert {IN: Verdict.BLOCKED, OUT: Verdict.ALLOWED} == {question: claim.verdict for question, claim in found.items()}


def test_a_cell_with_a_hyphen_is_not_asked(tmp_path: Path) -> None:
    table = "|\n      from\\to    shop/api shop/front\n      shop/front    -        -\n      shop/api      -        .\n"

    assert [OUT] == list(asked(step(tmp_path, table), [IN, OUT]))


def test_what_nobody_speaks_of_is_asked(tmp_path: Path) -> None:
    assert (IN, OUT) == asked(step(tmp_path, "{shop/front -> shop/api: blocked}"), [IN, OUT])


def test_a_contradiction_is_a_sentence_with_the_model_s_reasons(tmp_path: Path) -> None:
    expected = {
        IN: Expectation(Verdict.ALLOWED, (Reason(Direction.INGRESS, "so it is"), Reason(Direction.EGRESS, "and so"))),
        OUT: Expectation(Verdict.BLOCKED),
    }

    found = contradictions(step(tmp_path, "all blocked"), expected)

    assert [IN] == list(found)
    assert (
        "shop/front -> shop/api 80/TCP ipv4: the file (line 17) says blocked, the model says allowed (ingress: so it is; egress: and so)",
    ) == sentences(found, expected)


def test_what_is_not_asked_contradicts_nothing(tmp_path: Path) -> None:
    table = "|\n      from\\to    shop/front shop/api\n      shop/front     -        -\n      shop/api       .        -\n"

    assert {} == contradictions(step(tmp_path, table), {IN: Expectation(Verdict.BLOCKED), OUT: Expectation(Verdict.ALLOWED)})
