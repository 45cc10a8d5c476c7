"""A value of a Secret is text that can be used, or the reason why not; no reason shows any of it."""

from __future__ import annotations

import base64
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.secret import Secret
from support.objects import make_carrier, make_credential_list, make_edge, make_resources
from trunkline.api import AnyResource, Resources, SecretValues, ValueFault, read_secret
from trunkline.api.secret_value import LONGEST_LINE, line
from trunkline.compiler import ConditionReason, ConditionType, compile_resources
from trunkline.dns.faults import DnsFault
from trunkline.dns.providers.rfc2136.tsig import tsig_key
from trunkline.tls.given import CertificateError, given_pair

GOOD = "Field-Pass-2026x"
BAD_LINES = (
    (b"Field\xff\xfe-Pass-2026x", ValueFault.NOT_UTF8),
    (b"\xe4\x00-Pass-2026x-latin-1", ValueFault.NOT_UTF8),
    (b"Field-Pass\x00-2026x", ValueFault.NUL),
    (b"\x00", ValueFault.NUL),
    (b"Field-Pass-2026x\n", ValueFault.LINE_BREAK_AT_END),
    (b"Field-Pass-2026x\r\n", ValueFault.LINE_BREAK_AT_END),
    (b" Field-Pass-2026x", ValueFault.WHITE_SPACE_AT_ENDS),
    ("Field-Pass-2026x\u00a0".encode(), ValueFault.WHITE_SPACE_AT_ENDS),
    ("\ufeffField-Pass-2026x".encode(), ValueFault.WHITE_SPACE_AT_ENDS),
    (b"\n", ValueFault.WHITE_SPACE_AT_ENDS),
    (b"Field-Pass\t-2026x", ValueFault.CONTROL_CHARACTER),
    (b"Field-Pass\n-2026x", ValueFault.CONTROL_CHARACTER),
    (b"Field-Pass\x1b[2J-2026x", ValueFault.CONTROL_CHARACTER),
    (b"Field-Pass\x7f-2026x", ValueFault.CONTROL_CHARACTER),
    ("Field-Pass\u0085-2026x".encode(), ValueFault.CONTROL_CHARACTER),
    ("Field-Pass\u2028-2026x".encode(), ValueFault.CONTROL_CHARACTER),
    (b"Aa1-" + b"x" * (LONGEST_LINE - 3), ValueFault.TOO_LONG),
    (b"Aa1-" + b"x" * 2**20, ValueFault.TOO_LARGE),
)
"""Bytes under a key, and why they are no password."""

bad_lines = pytest.mark.parametrize(("raw", "fault"), BAD_LINES, ids=lambda each: repr(each)[:40])


def values_of(raw: bytes, key: str = "p") -> SecretValues:
    return read_secret(secret({key: base64.b64encode(raw).decode()})).values


def secret(data: dict[str, str]) -> dict[str, object]:
    return {"metadata": {"name": "s", "namespace": "acme"}, "data": data}


@bad_lines
def test_bytes_that_are_no_password_are_known_as_such(raw: bytes, fault: ValueFault) -> None:
    assert line(values_of(raw)["p"]) is fault


@bad_lines
def test_string_data_is_held_to_the_same_rules(raw: bytes, fault: ValueFault) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    manifest = {"metadata": {"name": "s", "namespace": "acme"}, "stringData": {"p": text}}
    assert line(read_secret(manifest).values["p"]) is fault
    assert isinstance(line(Secret(text)), ValueFault), "however it was made"


@pytest.mark.parametrize(
    "text", (GOOD, "Grüße mit Blank 1", "密码-Aa1-密码", "a\u00a0b", "x" * LONGEST_LINE, "")
)
def test_text_that_people_type_is_taken_as_it_is(text: str) -> None:
    assert line(values_of(text.encode())["p"]) == Secret(text)


@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_line_that_digest_can_hash_or_a_fault(raw: bytes) -> None:
    value = line(values_of(raw)["p"])
    if isinstance(value, Secret):
        assert value.reveal().encode() == raw
        assert value.reveal() == value.reveal().strip()
        assert value.reveal().isprintable() or not value.reveal().isascii()


def judged(thing: AnyResource, values: SecretValues, namespace: str) -> tuple[ConditionReason, str]:
    """Why the references of `thing` do not resolve with these values of the Secret `s`, and the message."""
    resources = make_resources(thing, make_edge())
    secrets = {(namespace, "s"): values}
    compilation = compile_resources(Resources.build([thing, make_edge()], secrets, (), resources.platform))
    (verdict,) = (
        each
        for each in compilation.verdicts
        if (each.ref, each.type) == (thing.ref, ConditionType.RESOLVED_REFS)
    )
    assert not verdict.status
    return verdict.reason, verdict.message


@bad_lines
def test_whoever_names_such_a_password_says_so_with_the_mend(raw: bytes, fault: ValueFault) -> None:
    user = {"username": "u", "passwordSecretRef": {"name": "s", "key": "p"}}
    reason, message = judged(make_credential_list(credentials=[user]), values_of(raw), "acme")
    assert reason is ConditionReason.SECRET_NOT_VALID
    assert fault.value in message
    assert "printf %s 'the password' | base64" in message
    assert "kubectl create secret generic s --namespace=acme --from-literal=p='the password'" in message
    assert not [part for part in ("Field", "Pass", "2026") if part in message]


@pytest.mark.parametrize("key", ("username", "password", "realm"))
@bad_lines
def test_a_carrier_says_so_of_each_of_its_keys(key: str, raw: bytes, fault: ValueFault) -> None:
    values: SecretValues = {
        **{each: Secret(GOOD) for each in ("username", "password", "realm")},
        key: values_of(raw)["p"],
    }
    thing = make_carrier(credentialSecretRef={"name": "s"})
    reason, message = judged(thing, values, "trunkline-system")
    assert reason is ConditionReason.SECRET_NOT_VALID
    assert f"the value of {key} in Secret trunkline-system/s {fault.value}" in message
    assert not [part for part in ("Field", "Pass", "2026") if part in message]


def test_one_bad_value_leaves_the_others_of_its_secret_usable() -> None:
    """What is not base64 too: an API server refuses it, so files tell it, and the rest goes on."""
    found = read_secret(secret({"bad": "hunter2!", "good": base64.b64encode(GOOD.encode()).decode()}))
    assert found.values == {"bad": ValueFault.NOT_BASE64, "good": Secret(GOOD)}
    assert [error.path for error in found.errors] == ["data.bad"]


@pytest.mark.parametrize("raw", (b"\xff\xfe", b"-----BEGIN\0"))
@pytest.mark.parametrize("key", ("tls.crt", "tls.key"))
def test_a_certificate_s_secret_with_such_bytes_is_told(key: str, raw: bytes) -> None:
    values: SecretValues = {"tls.crt": Secret("x"), "tls.key": Secret("x"), key: values_of(raw)["p"]}
    with pytest.raises(CertificateError, match="put the PEM text there"):
        given_pair(values, datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


@pytest.mark.parametrize("raw", (b"\xff\xfe", b"QUJD\0", b"Q\xe4"))
def test_a_dns_key_with_such_bytes_is_told(raw: bytes) -> None:
    with pytest.raises(DnsFault, match="is not base64"):
        tsig_key(values_of(raw, "secret"), "key", "hmac-sha256", "trunkline-system/tsig")
