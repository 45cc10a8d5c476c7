"""Generations, options, requirements, state directory, and the words of `up`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sipedge.instance import Ports
from trunkline.api import ObjectRef
from trunkline.standalone import requirements, up
from trunkline.standalone.announce import describe_changes, describe_transitions, ready_line, took_effect
from trunkline.standalone.generations import Generations
from trunkline.standalone.instances import Fleet, InstanceWish
from trunkline.standalone.load import load
from trunkline.standalone.options import OptionError, UpOptions, check_domain, check_options, parse_endpoint
from trunkline.standalone.state_files import (
    StateError,
    StateLock,
    default_state_directory,
    open_state_directory,
    write_atomically,
)
from trunkline.standalone.statuses import Transition
from trunkline.standalone.yaml_documents import Document
from trunkline.status.conditions import Condition
from trunkline.status.report import Status

REF = ObjectRef("Trunk", "acme", "hq")


def document(**value: object) -> Document:
    return Document(value, {"": 1})


def test_generation_counts_changes_of_the_spec() -> None:
    """Labels and comments are no change; a file's own generation is honoured."""
    generations = Generations({})
    first = document(spec={"secure": False}, metadata={"labels": {"a": "b"}})
    assert generations.advance({REF: first})[REF].number == 1
    assert generations.advance({REF: document(spec={"secure": False})})[REF].number == 1
    assert generations.advance({REF: document(spec={"secure": True})})[REF].number == 2
    assert generations.advance({REF: document(spec={}, metadata={"generation": 9})})[REF].number == 9
    assert generations.advance({}) == {}
    assert generations.advance({REF: first})[REF].number == 1


def test_generation_goes_on_after_a_restart() -> None:
    """The same content keeps its number, other content gets the next one."""
    before = Generations({}).advance({REF: document(spec={"secure": True})})
    assert Generations(before).advance({REF: document(spec={"secure": True})})[REF].number == 1
    assert Generations(before).advance({REF: document(spec={})})[REF].number == 2


@pytest.mark.parametrize("text", ("trunkline.test", "Voice.Example.COM.", "x", "a-b.c-d"))
def test_domains(text: str) -> None:
    """In lower case, without a dot at the end."""
    assert check_domain(text) == text.lower().removesuffix(".")


@pytest.mark.parametrize("text", ("", ".", "a..b", "-a.b", "a_b.c", "192.0.2.1", "a b", "x" * 64, "ä.test"))
def test_no_domains(text: str) -> None:
    """Refused with an example."""
    with pytest.raises(OptionError, match="--base-domain"):
        check_domain(text)


def test_endpoints() -> None:
    """Address and port, IPv6 in brackets; anything else is refused with an example."""
    assert str(parse_endpoint("--dns", "127.0.0.1:53")) == "127.0.0.1:53"
    assert str(parse_endpoint("--dns", "[::1]:5300")) == "[::1]:5300"
    for text in (
        "127.0.0.1",
        "localhost:53",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        ":53",
        "1.2.3.4:٣",
    ):
        with pytest.raises(OptionError, match="ADDR:PORT"):
            parse_endpoint("--dns", text)


@pytest.mark.parametrize("seconds", (-1.0, 86_401.0, float("nan")))
def test_no_drain_time(seconds: float) -> None:
    """Neither negative, nor above a day, nor no number at all."""
    with pytest.raises(OptionError, match="--drain"):
        check_options(UpOptions(["manifests"], drain_seconds=seconds))


@pytest.mark.parametrize(
    ("options", "fault"),
    (
        (UpOptions(["manifests"], calls_per_second=0), "--calls-per-second 0 is not between 1 and 10000"),
        (
            UpOptions(["manifests"], calls_in_progress=-1),
            "--calls-in-progress -1 is not between 1 and 1000000",
        ),
        (
            UpOptions(["manifests"], calls_per_second=6_000),
            "--calls-per-second 6000 and --calls-in-progress 2000 need 2488 MB",
        ),
    ),
)
def test_more_or_fewer_calls_than_an_instance_can_be_made_for(options: UpOptions, fault: str) -> None:
    """Said before anything starts, by the options' own names."""
    with pytest.raises(OptionError, match=f"^{fault}"):
        check_options(options)


def test_an_instance_is_made_for_the_calls_that_were_asked_for(tmp_path: Path) -> None:
    """From the options to what Kamailio is started with."""
    options = check_options(UpOptions(["manifests"], calls_per_second=500, calls_in_progress=20_000))
    fleet = Fleet(open_state_directory(tmp_path), None, options.capacity, 0.0)
    settings = fleet._settings(InstanceWish("ashburn", "127.0.0.1", Ports()))
    assert (settings.calls_per_second, settings.calls_in_progress) == (500, 20_000)
    assert settings.shared_memory_mb == options.capacity.shared_memory_mb


def test_without_rtpengine_calls_are_served_and_the_line_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The compiler hears of it as well: what needs media at the edge is not available."""
    said: list[str] = []
    for path, relays in (("/usr/bin:/usr/sbin", True), ("/nowhere", False)):
        monkeypatch.setattr("sipedge.rtpengine._PATH", path)
        options = check_options(UpOptions(["manifests"]))
        assert options.platform.media_relay is relays
        up._greet(options, load([]), said.append)
    (line,) = (line for line in said if "rtpengine" in line)
    assert line.endswith("sudo apt-get install --no-install-recommends rtpengine-daemon")


def test_files_to_sign_with_must_all_be_there(tmp_path: Path) -> None:
    options = UpOptions(["manifests"], stir_shaken_files=tmp_path)
    with pytest.raises(OptionError, match=r"^--stir-shaken-files .* has no tls.crt and no tls.key"):
        check_options(options)
    for name in ("tls.crt", "tls.key", "x5u", "ca.crt"):
        (tmp_path / name).touch()
    assert check_options(options).stir_directory == tmp_path


def test_missing_packages_are_named_with_the_line_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs, Kamailio's modules and libraries for Debian's Python."""
    (tmp_path / "kamailio.cfg").write_text('loadmodule "tls.so"\nloadmodule "tm"\n')
    (tmp_path / "kamailio").touch(0o755)
    monkeypatch.setattr(requirements, "SEARCH_PATH", str(tmp_path))
    monkeypatch.setattr(requirements, "_MODULE_DIRECTORIES", (str(tmp_path),))
    monkeypatch.setattr(requirements, "_EDGE_LIBRARIES", {"no_such_library": "python3-lmdb"})
    (tmp_path / "tm.so").touch()
    with pytest.raises(requirements.MissingPackagesError) as raised:
        requirements.check_requirements(tmp_path)
    text = str(raised.value)
    assert "knotd, knotc, Kamailio's module tls, no_such_library" in text
    monkeypatch.setattr(requirements, "_SIGNING_LIBRARIES", {"no_such_signer": "python3-jwt"})
    assert "no_such_signer" not in text
    with pytest.raises(requirements.MissingPackagesError, match=r"no_such_signer.* python3-jwt"):
        requirements.check_requirements(tmp_path, signs=True)
    assert text.endswith("apt-get install --no-install-recommends kamailio-tls-modules knot python3-lmdb")


def test_this_machine_has_all_that_the_edge_loads() -> None:
    """The real configuration's modules are looked for, and found where Kamailio has them."""
    directory = Path(__file__).parents[3] / "edge" / "kamailio"
    assert len(requirements._LOADMODULE.findall((directory / "kamailio.cfg").read_text())) > 10
    assert dict(requirements._missing_modules(directory)) == {}


def test_state_directory_is_made_private_and_its_secret_once(tmp_path: Path) -> None:
    """A second opening finds the same secret."""
    state = open_state_directory(tmp_path / "a" / "b")
    secret = state.edge_secret.read_text()
    assert re.fullmatch(r"[0-9a-f]{64}\n", secret)
    assert state.root.stat().st_mode & 0o777 == 0o700
    assert open_state_directory(tmp_path / "a" / "b").edge_secret.read_text() == secret


def test_state_directory_belongs_to_one(tmp_path: Path) -> None:
    """The lock is free again when its holder lets go."""
    state = open_state_directory(tmp_path)
    lock = StateLock(state)
    with pytest.raises(StateError, match="another `trunkline up`"):
        StateLock(state)
    lock.release()
    StateLock(state).release()


def test_default_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for the same paths in any order and form; another for others."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    first = default_state_directory(["a", "b"])
    assert first.parent == tmp_path / "trunkline"
    assert default_state_directory([tmp_path / "b", "./a/"]) == first
    assert default_state_directory(["a"]) != first
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state_directory(["a"]).parent == tmp_path / ".local" / "state" / "trunkline"


def test_atomic_write_leaves_no_half_file(tmp_path: Path) -> None:
    """A write that fails leaves the old file and nothing else."""
    path = tmp_path / "file"
    write_atomically(path, b"old")
    (tmp_path / ".file.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def trunks(tmp_path: Path, **secure: str) -> None:
    for name, value in secure.items():
        (tmp_path / f"{name}.yaml").write_text(
            "apiVersion: trunkline.dev/v1alpha1\nkind: Trunk\n"
            f"metadata: {{name: {name}, namespace: acme}}\nspec: {{secure: {value}}}\n"
        )


def test_changes_are_told_by_object(tmp_path: Path) -> None:
    """Added, changed, removed; what has not changed is not mentioned, what was refused neither."""
    trunks(tmp_path, hq="false", lab="false", same="false", bad="false")
    before = load([tmp_path])
    trunks(tmp_path, hq="true", new="false", bad="maybe")
    (tmp_path / "lab.yaml").unlink()
    changes = describe_changes(before, load([tmp_path], previous=before))
    assert changes.lines == ("Trunk acme/hq changed", "Trunk acme/lab removed", "Trunk acme/new added")


def test_many_changes_are_counted(tmp_path: Path) -> None:
    """Twenty thousand lines help nobody."""
    before = load([tmp_path])
    trunks(tmp_path, **{f"t{n}": "false" for n in range(20)})
    lines = took_effect(describe_changes(before, load([tmp_path], previous=before)), 7, 0.123, published=True)
    assert lines[0] == "Trunk acme/t0 added: on all 7 addresses after 0.12 s"
    assert lines[-1] == "and 8 more (trunkline status shows all)"


def test_ready_line_counts_in_english() -> None:
    """One and many."""
    assert ready_line(1, 1, 0, "here") == "Ready: 1 edge, 1 address, 0 trunks; here"
    assert ready_line(2, 7, 1, "here") == "Ready: 2 edges, 7 addresses, 1 trunk; here"
    two = ready_line(1, 1, 2, "here", unready=2)
    assert two == "Ready: 1 edge, 1 address, 2 trunks (2 of them not ready); here"


def ready(status: str, reason: str, ref: ObjectRef = REF) -> Transition:
    condition = Condition("Ready", status, reason, "why", 1, "now")  # type: ignore[arg-type]
    return Transition(ref, None, Status(1, (condition,)))


def test_readiness_is_told_once_and_waiting_is_no_news(tmp_path: Path) -> None:
    """A fault, another fault, the mend: each once; what only waits for an edge is not mentioned."""
    trunks(tmp_path, hq="false")
    loaded = load([tmp_path])
    told: dict[ObjectRef, tuple[str, str]] = {}
    number = ObjectRef("Number", "acme", "n")

    def say(*transitions: Transition) -> list[str]:
        return describe_transitions(transitions, loaded, told)

    assert say(ready("False", "NoEdgePods"), ready("True", "Ready", number)) == []
    assert say(ready("True", "Ready")) == ["Trunk acme/hq Ready"]
    assert say(ready("False", "Propagating"), ready("Unknown", "Pending"), ready("True", "Ready")) == []
    assert say(ready("False", "Conflict")) == [
        f"{tmp_path}/hq.yaml:1: Trunk acme/hq not ready: Conflict: why"
    ]
    assert say(ready("False", "Conflict")) == []
    assert len(say(ready("False", "NoAuthentication"))) == 1
    assert say(ready("True", "Ready")) == ["Trunk acme/hq Ready"]
    assert say(ready("False", "TrunkNotFound", number), ready("True", "Ready", number)) == [
        "Number acme/n not ready: TrunkNotFound: why",
        "Number acme/n Ready",
    ]
