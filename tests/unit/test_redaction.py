"""What looks like a secret does not get into a bundle; what does not, does."""

from __future__ import annotations

import pytest

from conformance.diagnostics.redaction import LEFT_OUT, plain, redacted

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(f"token is {JWT}.", f"token is {LEFT_OUT}.", id="a web token"),
        pytest.param("Authorization: Bearer abcdefgh12345", f"Authorization: Bearer {LEFT_OUT}", id="a bearer token"),
        pytest.param("password=hunter2 next", f"password={LEFT_OUT} next", id="a password"),
        pytest.param('"clientSecret": "abc def", "a": 1', f'"clientSecret": {LEFT_OUT}, "a": 1', id="JSON"),
        pytest.param("DB_PASSWORD: 'hunter2'", f"DB_PASSWORD: {LEFT_OUT}", id="YAML"),
        pytest.param("client-key-data: LS0tLS1CRUdJTg==", f"client-key-data: {LEFT_OUT}", id="a kubeconfig"),
        pytest.param("AWS_SECRET_ACCESS_KEY=abcd1234", f"AWS_SECRET_ACCESS_KEY={LEFT_OUT}", id="the environment"),
        pytest.param(f"before\n{KEY}\nafter", f"before\n{LEFT_OUT}\nafter", id="a private key"),
        pytest.param(KEY[:-20], LEFT_OUT, id="a private key that is cut off"),
        pytest.param("https://me:secret@example.org/x", f"https://{LEFT_OUT}@example.org/x", id="an address with credentials"),
    ],
)
def test_secrets_are_left_out(text: str, expected: str) -> None:
    assert expected == redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Identity 12345 k8s:app=bookstore", id="labels"),
        pytest.param("tcp 10.244.1.5:80 -> 10.244.2.6:40123", id="addresses"),
        pytest.param("::1:http://[fd00::1]:80/healthz", id="an address of IPv6"),
        pytest.param('level=info msg="Policy imported" subsys=daemon', id="a line of a log"),
        pytest.param("-A cali-tw -m mark --mark 0x10000/0x10000 -j ACCEPT", id="a rule"),
        pytest.param("2 tokens were there", id="the word alone"),
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert text == redacted(text)


def test_an_object_keeps_what_matters() -> None:
    pod = {
        "metadata": {
            "name": "api",
            "managedFields": [1],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"},
        },
        "spec": {"containers": [{"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}, 3], "args": ["x" * 300, 5]}]},
        "status": {"phase": "Running"},
    }
    assert {
        "metadata": {"name": "api", "annotations": {"a": "b"}},
        "spec": {"containers": [{"env": [{"name": "A", "value": LEFT_OUT}, LEFT_OUT], "args": ["x" * 200 + "… (100 more characters)", 5]}]},
        "status": {"phase": "Running"},
    } == plain(pod)
