"""What Kamailio reads for TLS: a pair is named when it is whole, and stays while somebody may read it."""

from __future__ import annotations

import datetime
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from sipedge.instance import InstanceSettings, Ports
from sipedge.tls_files import (
    CONFIG,
    PairError,
    PairFiles,
    current_pair,
    remove_older,
    write_pair,
    write_tls_config,
)
from trunkline.plan.certificate_names import CertificateNames
from trunkline.tls.self_signed import KeyPair, issue, make_authority

NOW = datetime.datetime.now(datetime.UTC)
NAMES = CertificateNames(("pstn.ashburn.x.test",), ())

Pem = tuple[bytes, bytes]


def pem(pair: KeyPair) -> Pem:
    return pair.certificate, pair.key.reveal().encode()


@pytest.fixture(scope="module")
def pairs() -> tuple[Pem, Pem]:
    """Two pairs with a key each."""
    authority = make_authority("x.test", NOW)
    return pem(issue(authority, NAMES, NOW)), pem(issue(authority, NAMES, NOW))


@pytest.fixture
def settings(tmp_path: Path) -> InstanceSettings:
    return InstanceSettings(
        edge="ashburn",
        address="127.0.0.1",
        ports=Ports(),
        directory=tmp_path,
        source=tmp_path,
        edge_secret_file=tmp_path / "edge.secret",
        kamailio_dir=tmp_path,
        python_path=tmp_path,
    )


def named(settings: InstanceSettings) -> PairFiles:
    """The pair that tls.cfg names; both paths are in it."""
    pair = current_pair(settings.tls_directory)
    assert pair is not None
    text = (settings.tls_directory / CONFIG).read_text()
    assert f"certificate = {pair.certificate}\n" in text
    assert f"private_key = {pair.key}\n" in text
    return pair


def names(settings: InstanceSettings) -> set[str]:
    return {path.name for path in settings.tls_directory.iterdir()}


def test_each_pair_has_names_of_its_own(settings: InstanceSettings, pairs: tuple[Pem, Pem]) -> None:
    """A file that was named once never changes; the key and tls.cfg are for their owner alone."""
    assert current_pair(settings.tls_directory) is None
    assert write_pair(settings, *pairs[0])
    first = named(settings)
    assert write_pair(settings, *pairs[1])
    second = named(settings)
    assert write_pair(settings, *pairs[0])
    assert [each.number for each in (first, second, named(settings))] == [1, 2, 3]
    assert first.hold(*pairs[0])
    assert second.hold(*pairs[1])
    assert {path.stat().st_mode & 0o777 for path in (second.key, settings.tls_directory / CONFIG)} == {0o600}
    assert settings.tls_directory.stat().st_mode & 0o777 == 0o700


def test_nothing_is_written_twice(settings: InstanceSettings, pairs: tuple[Pem, Pem]) -> None:
    """The same pair and settings leave tls.cfg as it is, so that nobody loads it again."""
    write_pair(settings, *pairs[0])
    before = (settings.tls_directory / CONFIG).stat()
    assert write_pair(settings, *pairs[0]) is False
    write_tls_config(settings)
    assert (settings.tls_directory / CONFIG).stat() == before
    assert names(settings) == {"1.crt", "1.key", CONFIG}


def test_old_tls_is_a_choice(settings: InstanceSettings, pairs: tuple[Pem, Pem]) -> None:
    """S13, S14: told by the settings, of whatever pair there is."""
    old = replace(settings, deprecated_tls=True)
    write_tls_config(old)
    assert not settings.tls_directory.exists()
    write_pair(settings, *pairs[0])
    text = (settings.tls_directory / CONFIG).read_text()
    assert "TLSv1.2+" in text
    for write in (write_tls_config, lambda given: write_pair(given, *pairs[0])):
        write(old)
        deprecated = (settings.tls_directory / CONFIG).read_text()
        assert "method = TLSv1+" in deprecated
        assert "SECLEVEL=0" in deprecated
        write(settings)
        assert (settings.tls_directory / CONFIG).read_text() == text
    assert named(settings).number == 1


@pytest.mark.parametrize("part", (0, 1))
@pytest.mark.parametrize("content", (b"", b"no pem", None))
def test_bad_pair_leaves_the_last_good_one(
    settings: InstanceSettings, pairs: tuple[Pem, Pem], part: int, content: bytes | None
) -> None:
    """Half, garbage, or of another pair (None): refused before anything names it."""
    write_pair(settings, *pairs[0])
    bad = list(pairs[1])
    bad[part] = pairs[0][part] if content is None else content
    before = (settings.tls_directory / CONFIG).stat()
    with pytest.raises(PairError, match="are not a certificate and its key"):
        write_pair(settings, *bad)
    assert (settings.tls_directory / CONFIG).stat() == before
    assert names(settings) == {"1.crt", "1.key", CONFIG}


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """The kernel refuses to write more bytes than that into one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("step", ("key", "certificate", "tls.cfg"))
def test_full_disk_leaves_the_last_good_pair(
    settings: InstanceSettings, pairs: tuple[Pem, Pem], step: str
) -> None:
    """At whichever file: nothing half stays, and the next try does it."""
    certificate, key = pairs[1]
    certificate += certificate  # longer than its key
    write_pair(settings, *pairs[0])
    before = (settings.tls_directory / CONFIG).stat()
    blocked = settings.tls_directory / f".{CONFIG}.new"
    if step == "tls.cfg":
        blocked.mkdir()
    limit = {"key": 100, "certificate": len(key)}.get(step, 1 << 20)
    with no_file_over(limit), pytest.raises(OSError, match=r"File too large|Is a directory"):
        write_pair(settings, certificate, key)
    if step == "tls.cfg":
        blocked.rmdir()
    assert (settings.tls_directory / CONFIG).stat() == before
    assert names(settings) == {"1.crt", "1.key", CONFIG}
    assert named(settings).hold(*pairs[0])
    assert write_pair(settings, certificate, key)
    assert named(settings).hold(certificate, key)


def test_older_pairs_are_removed_and_newer_ones_stay(
    settings: InstanceSettings, pairs: tuple[Pem, Pem]
) -> None:
    """Also what an earlier version left; a pair that is not named yet is the next one."""
    for pair in (*pairs, pairs[0]):
        write_pair(settings, *pair)
    for name in ("server.crt", "server.key", "4.key"):
        (settings.tls_directory / name).write_bytes(b"")
    remove_older(named(settings))
    assert names(settings) == {"3.crt", "3.key", "4.key", CONFIG}
    named(settings).check()
    write_pair(settings, *pairs[1])
    assert named(settings).number == 5


def test_damaged_config_is_written_anew(settings: InstanceSettings, pairs: tuple[Pem, Pem]) -> None:
    """Without a name of a number used before."""
    write_pair(settings, *pairs[0])
    (settings.tls_directory / CONFIG).write_bytes(b"\xff")
    assert current_pair(settings.tls_directory) is None
    assert write_pair(settings, *pairs[0])
    assert named(settings).number == 2
