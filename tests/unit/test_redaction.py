"""What looks like a secret does not get into a bundle; what does not, does."""

from __future__ import annotations

import base64
import subprocess
import sys

import pytest

from conformance.diagnostics.redaction import LEFT_OUT, plain, redacted

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----"


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


LOGINS = in_base64('{"auths": {}}')


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
        pytest.param(
            "https://me:p@ss@example.org/x", f"https://{LEFT_OUT}@example.org/x", id="an address with an at sign in its credentials"
        ),
        pytest.param("https://abcdef@example.org/x", f"https://{LEFT_OUT}@example.org/x", id="an address with a token"),
        pytest.param(f"Token: {JWT}", f"Token: {LEFT_OUT}", id="a web token behind its name"),
        pytest.param(f"?t%3D{JWT}&x", f"?t%3D{LEFT_OUT}&x", id="a web token in an address"),
        pytest.param(f"data: {in_base64(JWT)}", f"data: {LEFT_OUT}", id="a web token as a Secret has it"),
        pytest.param(f"tls.key: {in_base64(KEY)}", f"tls.key: {LEFT_OUT}", id="a private key as a Secret has it"),
        pytest.param(f"config: {LOGINS}", f"config: {LEFT_OUT}", id="logins to registries as a Secret has them"),
        pytest.param('"auth": "bWU6aHVudGVyMg=="', f'"auth": {LEFT_OUT}', id="a login to a registry"),
        pytest.param(r'msg="{\"password\":\"hunter2\"}"', rf'msg="{{\"password\":\{LEFT_OUT}}}"', id="JSON in a log"),
        pytest.param("map[token:[101 121 74]]", f"map[token:{LEFT_OUT}]", id="bytes as Go writes them"),
        pytest.param("map[Authorization:[Bearer abcdefgh12]]", f"map[Authorization:[Bearer {LEFT_OUT}]]", id="headers as Go writes them"),
        pytest.param("Authorization: Basic bWU6aHVudGVyMg==", f"Authorization: Basic {LEFT_OUT}", id="a name and a password"),
        pytest.param("Bearer\tabcdefgh12345", f"Bearer\t{LEFT_OUT}", id="a bearer token behind a tab"),
        pytest.param("agent --api-token hunter22 --debug", f"agent --api-token {LEFT_OUT} --debug", id="a command line"),
        pytest.param("id AKIAIOSFODNN7EXAMPLE.", f"id {LEFT_OUT}.", id="a key of AWS"),
        pytest.param("aws_secret_access_key = wJalr/K7MDENG+b", f"aws_secret_access_key = {LEFT_OUT}", id="a secret key of AWS"),
        pytest.param("&X-Amz-Signature=abcdef0123&a", f"&X-Amz-Signature={LEFT_OUT}", id="a signed address"),
        pytest.param("PrivateKey = aGVsbG8gd29ybGQ=", f"PrivateKey = {LEFT_OUT}", id="WireGuard"),
        pytest.param("DB_PASS=hunter22 psk: hunter22", f"DB_PASS={LEFT_OUT} psk: {LEFT_OUT}", id="short names"),
        pytest.param(KEY.replace("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"), LEFT_OUT, id="a key of PGP"),
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
        pytest.param("automountServiceAccountToken: false", id="yes and no"),
        pytest.param("passed: 1234, author: someone", id="words that begin alike"),
        pytest.param("Monitor /api-token -> socket", id="a word before something else"),
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert text == redacted(text)


HOSTILE = {
    "words with dots": "a.",
    "beginnings of a web token": "eyJ",
    "names of secrets": "password",
    "names and blanks": "token ",
    "beginnings of a key": "-----BEGIN ",
    "keys": "-----BEGIN PRIVATE KEY-----",
    "quotes that do not end": 'password="',
    "addresses": "://a:b",
    "bearers": "bearer ",
    "dashes": "-",
    "options": " --x-",
    "authorizations": "authorization:[basic ",
}


@pytest.mark.parametrize("piece", [pytest.param(piece, id=name) for name, piece in HOSTILE.items()])
def test_a_long_text_is_gone_through_once(piece: str) -> None:
    """What is looked at again for each place would take hours; the limit is for that, and no measurement."""
    program = f"from conformance.diagnostics.redaction import redacted; redacted({piece!r} * {500_000 // len(piece)})"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_word_behind_an_option_for_a_secret_is_left_out() -> None:
    assert {"args": ["--token", LEFT_OUT, "--debug", "on"]} == plain({"args": ["--token", "hunter22", "--debug", "on"]})


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
