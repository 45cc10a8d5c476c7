"""What an agent signs with and judges by: the files of a directory, as they are now."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import cast

import pytest

from sipedge.agent.faults import Faults
from sipedge.agent.lookups import Answerer
from sipedge.agent.questions import Dns
from sipedge.agent.stir.answerers import TOPIC, StirFiles
from sipedge.routing.stir.questions import SignQuestion, VerifyQuestion, verify_question
from sipedge.table import SiteRow
from sipedge.table.rows import AnswerRow
from support.stir import StirAuthority, beneath, part_of, shaken_identity, write_stir_files
from support.tables import make_site

CALLER, CALLED = "+12025550111", "+14155550100"
SIGN = SignQuestion("B", CALLER, CALLED, "123e4567-e89b-12d3-a456-426614174000", "0" * 64)
SITE = make_site(["192.0.2.1"], stir_shaken=True)
AUTHORITY = StirAuthority()


class Files:
    """The files of a directory, looked at."""

    def __init__(self, directory: Path, site: SiteRow | None = SITE) -> None:
        self.faults = Faults()
        self.found = StirFiles(directory, cast("Dns", None), lambda: site, self.faults)
        self.found.look()

    @property
    def fault(self) -> str:
        return (self.faults.text or "").removeprefix(f"{TOPIC}: ")

    def answer(self, question: SignQuestion | VerifyQuestion) -> str | None:
        answerer: Answerer = self.found.answerers()[question.KIND]
        row = asyncio.run(answerer.answer(question)).row
        return row.text if isinstance(row, AnswerRow) else None


def verdict_on(files: Files, identity: str) -> str:
    return str(files.answer(verify_question((identity,), CALLER, CALLED, is_customers=False)))


def test_a_call_is_signed_and_the_own_signature_believed(tmp_path: Path) -> None:
    signer = beneath(AUTHORITY)
    files = Files(write_stir_files(tmp_path, signer, AUTHORITY.pem))
    assert not files.fault
    signed = files.answer(SIGN)
    assert signed is not None
    claims = part_of(signed, 1)
    assert claims["attest"] == "B"
    assert claims["origid"] == SIGN.origin
    assert verdict_on(files, signed).startswith("TN-Validation-Passed-B ")
    assert verdict_on(files, signed[:-200] + "AAAA" + signed[-196:]) != verdict_on(files, signed)


def test_what_cannot_be_fetched_has_failed(tmp_path: Path) -> None:
    signer = AUTHORITY.issue()
    files = Files(write_stir_files(tmp_path, signer, AUTHORITY.pem))
    identity = shaken_identity(signer, CALLER[1:], CALLED[1:], url="https://127.0.0.1/a.pem")
    assert verdict_on(files, identity).startswith("TN-Validation-Failed-A no certificate: ")
    stale = shaken_identity(signer, CALLER[1:], CALLED[1:], iat=1)
    assert verdict_on(files, stale).startswith("No-TN-Validation iat is more than 60 s")


def test_new_files_are_taken_and_bad_ones_are_not(tmp_path: Path) -> None:
    write_stir_files(tmp_path, AUTHORITY.issue(), AUTHORITY.pem)
    files = Files(tmp_path)
    (tmp_path / "tls.key").write_bytes(AUTHORITY.issue().key_pem)
    files.found.look()
    assert "not the key of the first certificate" in files.fault
    assert "the last ones stay in use" in files.fault
    assert files.answer(SIGN)
    write_stir_files(tmp_path, AUTHORITY.issue(), AUTHORITY.pem, "https://new.example/b.pem")
    files.found.look()
    assert not files.fault
    assert part_of(str(files.answer(SIGN)), 0)["x5u"] == "https://new.example/b.pem"


def test_files_that_are_taken_away_sign_nothing(tmp_path: Path) -> None:
    write_stir_files(tmp_path, AUTHORITY.issue(), AUTHORITY.pem)
    files = Files(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    files.found.look()
    assert "is missing" in files.fault
    assert files.answer(SIGN) is None
    assert files.answer(verify_question(("a",), CALLER, CALLED, is_customers=False)) is None


def test_where_no_call_asks_nothing_is_missing(tmp_path: Path) -> None:
    assert not Files(tmp_path, make_site([])).fault
    assert not Files(tmp_path, None).fault
    assert "is missing" in Files(tmp_path).fault


@pytest.mark.parametrize(("begins", "ends", "told"), ((-9, -1, "expired"), (1, 9, "does not begin")))
def test_a_certificate_that_does_not_hold_now_signs_nothing(
    tmp_path: Path, begins: float, ends: float, told: str
) -> None:
    files = Files(write_stir_files(tmp_path, AUTHORITY.issue(begins=begins, ends=ends), AUTHORITY.pem))
    assert told in files.fault
    assert files.answer(SIGN) is None
    assert verdict_on(files, "rubbish").startswith("No-TN-Validation")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    (
        ("tls.crt", b"rubbish", "tls.crt: must hold certificates"),
        ("tls.crt", b"", "tls.crt is empty"),
        ("tls.key", b"rubbish-of-a-secret", "tls.key: must hold"),
        ("x5u", b"http://a.example/", "x5u: must hold the https URL"),
        ("ca.crt", b"rubbish", "ca.crt: must hold certificates"),
        ("ca.crt", None, "ca.crt cannot be read"),
    ),
)
def test_a_bad_file_is_named_and_nothing_of_it_told(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    write_stir_files(tmp_path, AUTHORITY.issue(), AUTHORITY.pem)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    files = Files(tmp_path)
    assert told in files.fault
    assert "secret" not in files.fault
    assert "nothing is signed or judged" in files.fault
    assert files.answer(SIGN) is None


def test_files_are_found_behind_links_that_change(tmp_path: Path) -> None:
    """As the kubelet writes a Secret: a link to a directory, replaced as a whole."""
    for number in (1, 2):
        write_stir_files(
            tmp_path / f"data-{number}", AUTHORITY.issue(), AUTHORITY.pem, f"https://a.example/{number}"
        )
    link = tmp_path / "data"
    link.symlink_to("data-1")
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    for name in ("tls.crt", "tls.key", "x5u", "ca.crt"):
        (mounted / name).symlink_to(f"../data/{name}")
    files = Files(mounted)
    assert part_of(str(files.answer(SIGN)), 0)["x5u"] == "https://a.example/1"
    fresh = tmp_path / "fresh"
    fresh.symlink_to("data-2")
    os.replace(fresh, link)
    files.found.look()
    assert part_of(str(files.answer(SIGN)), 0)["x5u"] == "https://a.example/2"
