"""`trunkline status`, `explain` and `validate` without PATH: on a real API server that enforces rights."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from apiserver.people import ADMIN, AMY, EDGES, GIL, PAT, Cluster, changed, cluster_with_people
from apiserver.quickstart import ADDRESSES, EDGE, custom, origination, termination
from cluster.apiserver import running
from cluster.processes import free_ports
from sipedge.routing.decision import Decision
from support.trunkline_command import COMMAND, ROOT, environment
from trunkline.cli.render_decision import decision_document

TERMINATION: Final = (
    *("--edge", EDGE, "--source", "127.60.10.1", "--from", "+14155550100"),
    *("--request-uri", "sip:+12125550111@acme-hq.pstn.trunkline.test"),
)
ORIGINATION: Final = (
    *("--edge", EDGE, "--source", "127.60.9.1", "--from", "<sip:+12125550111@127.60.9.1>;tag=1"),
    *("--request-uri", f"sip:+14155550100@{ADDRESSES[0]}"),
)
STATUS_KEYS: Final = [
    *("running", "ready", "pid", "stateDir", "baseDomain", "dns", "edges", "trunks", "notReady"),
    "notices",
]
FINDING_KEYS: Final = [
    *("file", "line", "kind", "namespace", "name", "field", "reason", "message", "severity", "waiting"),
]
DECISION_KEYS: Final = (
    *("action", "direction", "trunk", "status", "text", "reason", "errorCode", "rule", "targets", "headers"),
)
COMMANDS: Final = (("status",), ("validate",), ("explain", *TERMINATION))
PLATFORM_KINDS: Final = "CallerId, Account, Edge, Carrier"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The tests leave it as it was."""
    with cluster_with_people(tmp_path_factory.mktemp("people")) as made:
        yield made


# -------------------------------------------------------------------------------------------- status


def test_status_shows_edges_with_their_pods_and_the_trunks_of_a_namespace(cluster: Cluster) -> None:
    """As `up` shows them, with the pod of each address."""
    done = cluster.run(PAT, "status", "-n", "acme")
    assert done.stdout.startswith("cluster: pat, namespace acme, base domain trunkline.test\n")
    revision = cluster.platform.table(EDGE).sequence
    for pod, address in enumerate(ADDRESSES):
        assert re.search(rf"^ashburn +{address} +edge-ashburn-{pod} +yes +{revision}$", done.stdout, re.M)
    assert re.search(r"^acme/hq +yes +acme-hq\.pstn\.trunkline\.test +1$", done.stdout, re.M)
    assert "globex" not in done.stdout
    assert done.stderr == ""


def test_status_as_json_has_the_keys_of_an_up(cluster: Cluster) -> None:
    """What only an `up` has is null."""
    found = cluster.document(ADMIN, "status", "-n", "acme")
    assert list(found) == STATUS_KEYS
    assert (found["running"], found["pid"], found["stateDir"], found["dns"]) == (True, None, None, None)
    assert found["baseDomain"] == "trunkline.test"
    (edge,) = found["edges"]
    assert [list(each) for each in edge["addresses"]] == [
        ["address", "ready", "revision", "error", "pod"]
    ] * 2
    assert {each["revision"] for each in edge["addresses"]} == {edge["revision"]}
    assert [(each["name"], each["ready"], each["numberCount"]) for each in found["trunks"]] == [
        ("hq", True, 1),
        ("lab", True, 0),
    ]


def test_a_tenant_sees_its_own_namespace_and_is_told_what_it_may_not_see(cluster: Cluster) -> None:
    """Who has role `view` in one namespace is answered 0, as all of it is ready."""
    done = cluster.run(AMY, "status")
    assert done.returncode == 0, done.stdout
    assert "acme/hq" in done.stdout
    assert "EDGE" not in done.stdout
    assert done.stderr == (
        f"note: not read, since you may not: {PLATFORM_KINDS} (ClusterRole trunkline-platform-view may)\n"
    )


def test_what_is_not_ready_makes_it_1_with_the_operators_reason(cluster: Cluster) -> None:
    """The tenant of globex sees its own faults."""
    done = cluster.run(GIL, "status")
    assert done.returncode == 1
    assert re.search(r"^globex/tape +no ", done.stdout, re.M)
    assert (
        "Number globex/thief: Conflict: spec.number: +14155550100 is held by an older Number" in done.stdout
    )


@pytest.mark.parametrize("option", (("-A",), ("-n", "globex")), ids=" ".join)
def test_another_tenants_namespace_is_refused_in_one_line_with_the_mend(
    cluster: Cluster, option: tuple[str, ...]
) -> None:
    """Exit code 1; nothing is shown."""
    done = cluster.run(AMY, "status", *option)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"trunkline status: amy: you may not read .*: .*ClusterRole.*\n", done.stderr)


def test_all_namespaces_are_shown_to_who_may_see_them(cluster: Cluster) -> None:
    """-A, as kubectl has it."""
    done = cluster.run(PAT, "status", "-A")
    assert "cluster: pat, all namespaces" in done.stdout
    assert "acme/hq" in done.stdout
    assert "globex/tape" in done.stdout


def test_a_namespace_without_trunks_is_said_to_have_none(cluster: Cluster) -> None:
    """A misspelt namespace is no error for an API server either."""
    done = cluster.run(PAT, "status", "-n", "acmee")
    assert "note: no Trunk in namespace acmee (-n chooses another, -A means all)\n" in done.stderr


def test_kubectl_runs_it_as_a_plugin(cluster: Cluster, tmp_path: Path) -> None:
    """`kubectl trunk`, with the real kubectl and the installed script; usage lines say so too."""
    script = Path(COMMAND[0]).with_name("kubectl-trunk")
    assert script.exists(), "the installed package is older than pyproject.toml: make setup"
    own = {
        "KUBECONFIG": str(cluster.kubeconfigs[AMY]),
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path),
    }
    path = os.pathsep.join((str(script.parent), os.environ["PATH"]))
    kubectl = str(cluster.platform.server.kubectl.program)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [kubectl, "trunk", *arguments]
        return subprocess.run(
            command,
            env=environment(PATH=path, **own),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    shown = run("status")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("cluster: amy, namespace acme")
    assert run("status", "--help").stdout.startswith("Usage: kubectl trunk status [OPTIONS] [PATH]...")
    assert run("status", "-A").returncode == 1


# -------------------------------------------------------------------------------------------- explain


def _decided(document: dict[str, Any]) -> dict[str, Any]:
    """What the edge itself decides; `explain` asks before it, and tells more of it."""
    beside = ("bound", "look-up")
    asked = [(each["check"], each["outcome"]) for each in document["steps"] if each["check"] not in beside]
    return {key: document[key] for key in DECISION_KEYS} | {"steps": asked}


def _expected(decision: Decision) -> dict[str, Any]:
    return _decided(json.loads(json.dumps(decision_document(decision))))


def _lasting(document: dict[str, Any]) -> dict[str, Any]:
    """Without the time when the call would be over."""
    return document | {"memory": (document["memory"] or {}) | {"ends": 0}}


def test_explain_asks_the_very_table_that_is_published(cluster: Cluster) -> None:
    """The same answer as `route` gives on the table read from the API server by the test itself."""
    table = cluster.platform.table(EDGE)
    caller = "<sip:+14155550100@from.invalid>;tag=1"
    decided = table.decide(termination(caller=caller))
    assert _decided(cluster.document(ADMIN, "explain", *TERMINATION)) == _expected(decided)
    decided = table.decide(origination())
    assert _decided(cluster.document(ADMIN, "explain", *ORIGINATION)) == _expected(decided)
    note = cluster.run(ADMIN, "explain", *TERMINATION).stderr
    assert (
        note
        == f"note: by the table of {EDGE} as published, revision {table.sequence} (`status`: who serves it)\n"
    )


def test_who_may_not_read_tables_gets_what_compiling_gives(cluster: Cluster) -> None:
    """With every kind readable that is the same decision, and a note says where it is from."""
    done = cluster.run(PAT, "explain", *TERMINATION, "-o", "json")
    assert _lasting(json.loads(done.stdout)) == _lasting(cluster.document(ADMIN, "explain", *TERMINATION))
    assert f"you may not read the tables, which are Secrets of namespace {EDGES}" in done.stderr
    assert "assumed: a strong password" in done.stderr


def test_a_tenant_learns_why_its_own_call_is_refused(cluster: Cluster) -> None:
    """Its own lists and numbers decide; what it may not see is assumed, and the note says what."""
    allowed = cluster.run(AMY, "explain", *TERMINATION, "-o", "json")
    found = json.loads(allowed.stdout)
    assert (found["action"], found["trunk"]) == ("forward", "acme/hq")
    assert [each["uri"] for each in found["targets"]] == ["sip:+12125550111@carrier.invalid"]
    assert "an Account that permits everything" in allowed.stderr
    assert "one carrier that takes every number" in allowed.stderr
    assert f"not read, since you may not: {PLATFORM_KINDS}" in allowed.stderr
    stranger = cluster.document(AMY, "explain", *TERMINATION, "--source", "192.0.2.7")
    assert (stranger["reason"], stranger["rule"]) == ("SourceNotAllowed", "S36")
    other = cluster.document(AMY, "explain", *TERMINATION, "--from", "+390612345678")
    assert other["reason"] == "CallerIdNotAllowed"


def test_a_tenant_learns_where_calls_to_its_numbers_go(cluster: Cluster) -> None:
    """Whoever calls a number is taken for a carrier."""
    found = cluster.document(AMY, "explain", *ORIGINATION)
    assert (found["direction"], found["trunk"]) == ("origination", "acme/hq")
    assert [each["uri"] for each in found["targets"]] == ["sip:+14155550100@pbx.acme.example"]


def test_a_number_that_the_operator_gave_to_another_tenant_is_nobodys_here(cluster: Cluster) -> None:
    """The tenant cannot see the older Number; its own one says that it is refused."""
    found = cluster.document(GIL, "explain", *ORIGINATION)
    assert found["reason"] == "NumberNotFound"
    assert "thief" not in json.dumps(found["steps"])


def test_a_user_passes_by_name_though_no_password_is_read(cluster: Cluster) -> None:
    """The right password is assumed of a user that is in the list; another is unknown."""
    lab = (*TERMINATION[:-1], "sip:+12125550111@acme-lab.pstn.trunkline.test")
    assert cluster.document(AMY, "explain", *lab)["action"] == "challenge"
    assert cluster.document(AMY, "explain", *lab, "--username", "pbx")["action"] == "forward"
    assert cluster.document(AMY, "explain", *lab, "--username", "fax")["reason"] == "CredentialsWrong"


@pytest.mark.parametrize(
    ("edge", "words"),
    (("oslo", "which has: ashburn"), ("a,b", "is not a valid edge name")),
    ids=("unknown", "no name"),
)
def test_an_edge_that_is_not_there_is_wrong_usage(cluster: Cluster, edge: str, words: str) -> None:
    """Exit code 2, and which there are."""
    done = cluster.run(ADMIN, "explain", *TERMINATION, "--edge", edge)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"--edge '{edge}'" in done.stderr
    assert words in done.stderr


def test_a_torn_table_is_not_asked(cluster: Cluster) -> None:
    """A part that is not the head's: compiling answers, and the note says why."""
    kubectl = cluster.platform.server.kubectl.within(EDGES)
    name = "table-trunk-" + next(
        each["metadata"]["name"].removeprefix("table-trunk-")
        for each in kubectl.get("secret")["items"]
        if each["metadata"]["name"].startswith("table-trunk-")
    )
    operator = cluster.platform.operators[-1]
    operator.freeze()
    before = kubectl.get("secret", name)["data"]["data"]
    try:
        kubectl("patch", "secret", name, "--type=merge", "-p", '{"data": {"data": "AAAA"}}')
        done = cluster.run(ADMIN, "explain", *TERMINATION)
    finally:
        kubectl("patch", "secret", name, "--type=merge", "-p", json.dumps({"data": {"data": before}}))
        operator.thaw()
    assert done.returncode == 0
    assert "is torn: the operator has not published all of it: this is what compiling gives" in done.stderr


# ------------------------------------------------------------------------------------------- validate


@pytest.mark.parametrize("who", (GIL, PAT, ADMIN))
def test_validate_tells_what_the_operator_found_to_whoever_may_see_the_object(
    cluster: Cluster, who: str
) -> None:
    """Weak and missing passwords and other tenants' claims too, which nobody's rights of these show."""
    done = cluster.run(who, "validate", "-n", "globex")
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    shared = [f"Account {name}: spec.numberPrefixes[0]: SharedPrefixes: " for name in ("acme", "globex")]
    accounts = shared if who != GIL else []  # who sees no Accounts is not told of them
    starts = (
        *accounts,
        "CredentialList globex/users: spec.credentials[0].passwordSecretRef: WeakPassword: ",
        "CredentialList globex/users: spec.credentials[1].passwordSecretRef: SecretNotFound: ",
        "Number globex/thief: spec.number: Conflict: ",
        "OriginationUri globex/lost: spec.trunkRef: TrunkNotFound: ",
        "Trunk globex/tape: spec.termination: NoUsableList: ",
    )
    assert len(lines) == len(starts), lines
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True)), lines
    assert "hunter2" not in done.stdout + done.stderr
    assert f"5 errors, {len(accounts)} warning" in done.stderr


def test_validate_finds_nothing_in_a_namespace_that_is_right(cluster: Cluster) -> None:
    """A tenant without a view of Accounts and Edges is not told that they are missing."""
    done = cluster.run(AMY, "validate")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("0 errors, 0 warnings in 6 objects of namespace acme\n")


def test_validate_as_json_has_the_keys_of_files(cluster: Cluster) -> None:
    """File and line are null."""
    found = cluster.document(GIL, "validate")
    assert {tuple(each) for each in found} == {tuple(FINDING_KEYS)}
    assert {(each["file"], each["line"]) for each in found} == {(None, None)}
    assert {each["namespace"] for each in found} == {"globex"}


def test_what_no_operator_has_looked_at_is_checked_here(cluster: Cluster) -> None:
    """While the operator stands still: a missing trunk is found, a status that is out of date says so."""
    operator, kubectl = cluster.platform.operators[-1], cluster.platform.kubectl
    operator.freeze()
    try:
        kubectl.apply(
            custom(
                "OriginationUri", "new", {"trunkRef": {"name": "hqq"}, "sipUri": "sip:pbx.acme.example:5070"}
            )
        )
        checked, shown = cluster.run(AMY, "validate"), cluster.run(AMY, "status")
    finally:
        kubectl("delete", "originationuri", "new")
        operator.thaw()
    assert checked.returncode == 1
    assert checked.stdout.startswith("OriginationUri acme/new: spec.trunkRef: TrunkNotFound: ")
    assert checked.stdout.count("\n") == 1
    assert shown.returncode == 1
    assert "OriginationUri acme/new: Pending: no operator has looked at generation 1 yet" in shown.stdout


# --------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_api_server_that_does_not_answer_is_named(
    cluster: Cluster, command: tuple[str, ...], tmp_path: Path
) -> None:
    """One line with its address and the context; exit code 1."""
    server = f"https://127.0.0.1:{free_ports(1)[0]}"
    path = changed(cluster.kubeconfigs[AMY], tmp_path, "cluster", {"server": server})
    done = cluster.run(AMY, *command, "--kubeconfig", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"trunkline {command[0]}: the API server {server} of context amy does not answer"
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_credentials_that_are_not_taken_are_said_to_be_so(
    cluster: Cluster, command: tuple[str, ...], tmp_path: Path
) -> None:
    """An expired token looks like a wrong one; it is not printed."""
    path = changed(cluster.kubeconfigs[AMY], tmp_path, "user", {"token": "expired-token"})
    done = cluster.run(AMY, *command, "--kubeconfig", path)
    assert done.returncode == 1
    assert "rejects your credentials: they are wrong or have expired; log in again\n" in done.stderr
    assert "expired-token" not in done.stdout + done.stderr
    assert done.stderr.count("\n") == 1


def test_credentials_may_come_from_a_plugin(cluster: Cluster, tmp_path: Path) -> None:
    """As the clouds have it: a program of kubeconfig prints a token, which is not shown."""
    settings = yaml.safe_load(cluster.kubeconfigs[AMY].read_text(encoding="utf-8"))
    token = settings["users"][0]["user"]["token"]
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token},
    }
    (tmp_path / "answer").write_text(json.dumps(answer))
    plugin = {"apiVersion": answer["apiVersion"], "command": "cat", "args": [str(tmp_path / "answer")]}
    user = {"token": None, "exec": {**plugin, "interactiveMode": "Never"}}
    done = cluster.run(
        AMY, "status", "--kubeconfig", changed(cluster.kubeconfigs[AMY], tmp_path, "user", user)
    )
    assert done.returncode == 0, done.stderr
    assert "acme/hq" in done.stdout
    assert token not in done.stdout + done.stderr


def test_a_cluster_without_trunkline_is_told_how_to_install_it(cluster: Cluster) -> None:
    """For the administrator; the CRDs are what is looked for."""
    with running() as bare:
        for command in COMMANDS:
            done = cluster.run(ADMIN, *command, "--kubeconfig", str(bare.kubeconfig))
            assert done.returncode == 1
            assert "Trunkline is not installed in this cluster: helm install trunkline" in done.stderr
            assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "words"),
    (
        (("--context", "nowhere"), "nowhere"),
        (("--kubeconfig", "no/such/file"), "there is no kubeconfig no/such/file"),
        (("--kubeconfig", str(ROOT / "README.md")), "cannot be used"),
        (("-n", "A_B"), "-n 'A_B' is no name of a namespace"),
    ),
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[:20],
)
def test_a_choice_of_cluster_that_cannot_be_is_wrong_usage(
    cluster: Cluster, option: tuple[str, ...], words: str
) -> None:
    """Exit code 2 and one line."""
    done = cluster.run(AMY, "validate", *option)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
