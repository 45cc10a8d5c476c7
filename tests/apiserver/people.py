"""A cluster with the chart's roles, the shipped operator, and people who may see more or less of it.

There are no edge pods here: a fixture writes their Leases, as agents would.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from apiserver.operators import Platform
from apiserver.quickstart import ADDRESSES, EDGE, PASSWORD, Manifest, custom, quickstart, secret
from cluster import binaries
from cluster.apiserver import ApiServer, running
from support.trunkline_command import run_trunkline

ROOT: Final = Path(__file__).resolve().parents[2]
SYSTEM, EDGES = "trunkline-system", "trunkline-edges"

KINDS: Final = ("trunk", "number", "originationuri", "credentiallist")

ADMIN, AMY, GIL, PAT = "admin", "amy", "gil", "pat"
"""The administrator; who has role `view` in acme alone; in globex alone; who has trunkline-platform-view."""

FAULTY: Final = (
    custom(
        "Account", "globex", {"namespaces": ["globex"], "numberPrefixes": ["+1415"], "domainNames": ["*"]}
    ),
    # Claimed by acme before, which who sees globex alone cannot know.
    custom("Number", "thief", {"number": "+14155550100"}),
    custom(
        "CredentialList",
        "users",
        {
            "credentials": [
                {"username": "weak", "passwordSecretRef": {"name": "weak", "key": "password"}},
                {"username": "lost", "passwordSecretRef": {"name": "lost", "key": "password"}},
            ]
        },
    ),
    custom(
        "Trunk",
        "tape",
        {
            "termination": {"domainName": "tape", "credentialListRefs": [{"name": "users"}]},
        },
    ),
    custom("OriginationUri", "lost", {"trunkRef": {"name": "nowhere"}, "sipUri": "sip:pbx.globex.example"}),
    secret("weak", password="hunter2"),
)
"""What is wrong in namespace globex."""


@dataclass(frozen=True)
class Cluster:
    """The platform that works in namespace acme, and everybody's kubeconfig."""

    platform: Platform
    kubeconfigs: Mapping[str, Path]

    def run(self, who: str, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """The command as one of the people, in whose home no `up` runs."""
        home = str(self.kubeconfigs[who].parent)
        own = {"KUBECONFIG": str(self.kubeconfigs[who]), "HOME": home, "XDG_STATE_HOME": f"{home}/state"}
        return run_trunkline(*arguments, **{**own, **changes})

    def document(self, who: str, *arguments: str) -> Any:
        """What the command prints as JSON."""
        return json.loads(self.run(who, *arguments, "-o", "json").stdout)


@contextmanager
def cluster_with_people(folder: Path) -> Iterator[Cluster]:
    """Everything is ready but the Edge, whose certificate nobody serves."""
    with running(controllers=True) as server:
        for name in (SYSTEM, "acme", "globex"):
            server.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": name}})
        server.kubectl("apply", "--server-side", "-f", "-", given=yaml.safe_dump_all(_of_the_chart()))
        server.kubectl.until_established("crd", "--all")
        kubeconfigs = {who: _kubeconfig(server, folder, who) for who in (ADMIN, AMY, GIL, PAT)}
        platform = Platform(server, folder, SYSTEM, EDGES, "acme")
        platform.start(tenant_namespaces="acme,globex")
        try:
            _serve(platform)
            yield Cluster(platform, kubeconfigs)
        finally:
            for operator in platform.operators:
                operator.kill()


def _of_the_chart() -> list[Manifest]:
    helm = binaries.find(["helm"])["helm"]
    command = [str(helm), "template", "trunkline", str(ROOT / "charts" / "trunkline"), "-n", SYSTEM]
    command += ["--set", "baseDomain=trunkline.test", "--set", "tenantNamespaces={acme,globex}"]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kinds = ("CustomResourceDefinition", "Namespace", "ServiceAccount", "ClusterRole")
    return [each for each in yaml.safe_load_all(rendered) if each and each["kind"] in kinds]


def _kubeconfig(server: ApiServer, folder: Path, who: str) -> Path:
    """A kubeconfig whose context is called after its user, and stands in the user's namespace."""
    path = folder / who / "kubeconfig"
    path.parent.mkdir()
    settings = yaml.safe_load(server.kubeconfig.read_text(encoding="utf-8"))
    namespace = {AMY: "acme", GIL: "globex"}.get(who, "default")
    settings["contexts"][0]["name"] = settings["current-context"] = who
    settings["contexts"][0]["context"]["namespace"] = namespace
    if who != ADMIN:
        account = ("--serviceaccount", f"{namespace}:{who}")
        server.kubectl("create", "serviceaccount", who, "-n", namespace)
        role = ["rolebinding", who, "-n", namespace, "--clusterrole=view"]
        if who == PAT:
            role = ["clusterrolebinding", who, "--clusterrole=trunkline-platform-view"]
        server.kubectl("create", *role, *account)
        token = server.kubectl("create", "token", who, "-n", namespace).strip()
        settings["users"][0]["user"] = {"token": token}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def changed(kubeconfig: Path, folder: Path, part: str, fields: Mapping[str, object]) -> str:
    """A kubeconfig with other fields in its `cluster` or `user`."""
    settings = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    settings[f"{part}s"][0][part] = {**settings[f"{part}s"][0][part], **fields}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return str(path)


def _serve(platform: Platform) -> None:
    """A platform that works in acme, a faulty one in globex, and two pods that say they serve it."""
    users = [{"username": "pbx", "passwordSecretRef": {"name": "pbx", "key": "password"}}]
    platform.kubectl.apply(*quickstart("acme"), secret("pbx", password=PASSWORD))
    platform.kubectl.apply(
        custom("CredentialList", "hq-users", {"credentials": users}),
        custom(
            "Trunk",
            "lab",
            {"termination": {"domainName": "acme-lab", "credentialListRefs": [{"name": "hq-users"}]}},
        ),
    )
    platform.wait_condition("number", "main", "Accepted", status="True")
    platform.server.kubectl.within("globex").apply(*FAULTY)
    platform.wait_for("all to be served", lambda: _acknowledged(platform))


def _acknowledged(platform: Platform) -> bool:
    """The pods acknowledge what is published; True once the operator has heard it of all that there is."""
    faulty = platform.server.kubectl.within("globex")
    # All of it, since the tables of what is looked at later would follow those acknowledged here.
    looked_at = [each["status"] for kind in KINDS for each in faulty.get(kind)["items"]]
    if not all("observedGeneration" in status for status in looked_at):
        return False
    try:
        revision = platform.table(EDGE).sequence
    except OSError:
        return False
    for pod, address in enumerate(ADDRESSES):
        platform.acknowledge(EDGE, pod, revision, address=address)
    told = platform.kubectl.get("edge", EDGE)["status"].get("addresses") or ()
    if [each["revision"] for each in told] != [str(revision)] * len(ADDRESSES):
        return False
    found = [each for kind in KINDS for each in platform.kubectl.get(kind)["items"]]
    return all(
        condition["status"] == "True"
        for each in found
        for condition in each["status"]["conditions"]
        if condition["type"] == "Ready"
    )
