"""Selectors mean what the API says."""

import pytest

from conformance.world.labels import InvalidSelector, Requirement, Selector


@pytest.mark.parametrize(
    ("document", "labels", "is_selected"),
    [
        pytest.param({}, {"app": "web"}, True, id="an empty selector selects everything"),
        pytest.param({}, {}, True, id="an empty selector selects what has no labels"),
        pytest.param({"matchLabels": None}, {"app": "web"}, True, id="matchLabels without a value is empty"),
        pytest.param({"matchLabels": {"app": "web"}}, {"app": "web", "env": "x"}, True, id="a label selects who has it among others"),
        pytest.param({"matchLabels": {"app": "web"}}, {"app": "api"}, False, id="another value is not selected"),
        pytest.param({"matchLabels": {"app": "web", "env": "x"}}, {"app": "web"}, False, id="all labels are needed"),
        pytest.param({"matchLabels": {"app": ""}}, {}, False, id="an empty value is not an absent label"),
        pytest.param(
            {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]}, {"app": "b"}, True, id="In: one of them"
        ),
        pytest.param({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}, {}, False, id="In: not without the key"),
        pytest.param(
            {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a", "b"]}]}, {"app": "b"}, False, id="NotIn: none"
        ),
        pytest.param(
            {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, {"app": "c"}, True, id="NotIn: another value"
        ),
        pytest.param({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, {}, True, id="NotIn: without the key"),
        pytest.param({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, {"app": ""}, True, id="Exists: any value"),
        pytest.param({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, {}, False, id="Exists: not without the key"),
        pytest.param({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, {}, True, id="DoesNotExist: without the key"),
        pytest.param({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, {"app": "a"}, False, id="DoesNotExist: no value"),
        pytest.param(
            {"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "env", "operator": "Exists"}]},
            {"app": "a"},
            False,
            id="labels and expressions are both needed",
        ),
    ],
)
def test_selection(document: object, labels: dict[str, str], *, is_selected: bool) -> None:
    assert is_selected == Selector.from_document(document).matches(labels)


def _asks(*expressions: tuple[str, ...]) -> dict[str, object]:
    return {"matchExpressions": [{"key": "app", "operator": operator, "values": values} for operator, *values in expressions]}


@pytest.mark.parametrize(
    ("document", "is_so"),
    [
        pytest.param({}, True, id="an empty one excludes nobody, and asks for nothing"),
        pytest.param(_asks(("NotIn", "a"), ("DoesNotExist",)), True, id="NotIn and DoesNotExist"),
        pytest.param(_asks(("NotIn", "a"), ("Exists",)), False, id="Exists beside it"),
        pytest.param(_asks(("In", "a")), False, id="In"),
        pytest.param({"matchLabels": {"app": "a"}, **_asks(("NotIn", "a"))}, False, id="a label beside it"),
    ],
)
def test_some_selectors_ask_for_no_label(document: object, *, is_so: bool) -> None:
    assert is_so == Selector.from_document(document).only_excludes


@pytest.mark.parametrize(
    ("document", "text"),
    [
        pytest.param([], "a selector is a mapping, not []", id="a list"),
        pytest.param({"labels": {}}, "a selector has matchLabels and matchExpressions, not 'labels'", id="an unknown key"),
        pytest.param({"matchLabels": ["a"]}, "matchLabels is a mapping, not ['a']", id="labels as a list"),
        pytest.param({"matchLabels": {"a": 1}}, "label 'a': 1 needs a string on both sides (quote it)", id="a number as a value"),
        pytest.param({"matchLabels": {True: "a"}}, "label True: 'a' needs a string on both sides (quote it)", id="a boolean as a key"),
        pytest.param({"matchExpressions": {}}, "", id="no expressions: a mapping without content counts as none"),
        pytest.param({"matchExpressions": {"a": 1}}, "matchExpressions is a list, not {'a': 1}", id="expressions as a mapping"),
        pytest.param({"matchExpressions": [{}]}, "an expression is {key, operator, values}, not {}", id="an expression without a key"),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "Exists", "value": "x"}]},
            "an expression has key, operator and values, not 'value'",
            id="an unknown key of an expression",
        ),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "in"}]},
            "operator 'in' is none of In, NotIn, Exists, DoesNotExist",
            id="an unknown operator",
        ),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "In", "values": [1]}]},
            "the values of a In are a list of strings, not [1]",
            id="a number among the values",
        ),
        pytest.param({"matchExpressions": [{"key": "a", "operator": "NotIn"}]}, "a NotIn needs at least one value", id="NotIn of nothing"),
        pytest.param(
            {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}, "a Exists takes no values", id="Exists with values"
        ),
    ],
)
def test_what_the_api_would_refuse(document: object, text: str) -> None:
    said = ""
    try:
        Selector.from_document(document)
    except InvalidSelector as fault:
        said = str(fault)
    assert text == said


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        pytest.param(Selector(), "everything", id="empty"),
        pytest.param(Selector((Requirement("a", "In", frozenset({"x"})),)), "a=x", id="one value"),
        pytest.param(Selector((Requirement("a", "In", frozenset({"y", "x"})),)), "a In (x, y)", id="several values"),
        pytest.param(Selector((Requirement("a", "NotIn", frozenset({"x"})),)), "a NotIn (x)", id="NotIn"),
        pytest.param(
            Selector((Requirement("a", "Exists"), Requirement("b", "DoesNotExist"))),
            "a Exists and b DoesNotExist",
            id="several requirements",
        ),
    ],
)
def test_a_selector_in_words(selector: Selector, text: str) -> None:
    assert text == str(selector)
