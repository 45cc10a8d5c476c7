"""What `helm uninstall` leaves, and what comes back with the next `helm install`."""

from __future__ import annotations

import pytest

from cluster.processes import wait_until
from e2e.calls import MAIN_LINE, originate, originated_call, terminated_call
from e2e.installation import EDGES, SYSTEM, Installation
from e2e.own_node import OwnNode
from e2e.sites import Site

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

OURS = "app.kubernetes.io/managed-by=trunkline"


def test_nothing_of_the_product_stays_but_what_users_wrote(installation: Installation, site: Site) -> None:
    """No pod, Service, Lease, DNS record or finalizer; all user objects; and a later install serves them.

    A call that nobody ends is cut when the time to drain is over: its pod does not stay for it.
    """
    phones, kubectl = site.phones, installation.kubectl
    held = installation.wait_pods("dublin", 2)[0]
    originated_call(phones["telco-a"], held.address, MAIN_LINE, phones["pbx1"])
    before = _user_objects(installation)
    installation.uninstall()
    # Far less than the Edge's own time to drain.
    wait_until("nothing is left", lambda: not _left(installation), 120)
    if isinstance(site, OwnNode):
        assert site.all_records() == {("ns", "A"): [site.hosts["dns"].address]}
    after = _user_objects(installation)
    assert [(kind, name) for kind, name, _ in after] == [(kind, name) for kind, name, _ in before]
    assert not [each for each in after if each[2]], "finalizers are left"
    if isinstance(site, OwnNode):
        # With its namespace the volume for recordings would go.
        assert kubectl.within(EDGES).get("pvc", "recordings")["status"]["phase"] == "Bound"
    else:
        # The edge namespace is the release's own, and may take a moment to end.
        wait_until("its namespace ends", lambda: kubectl.try_("get", "namespace", EDGES).status, 120)
    installation.install()
    installation.wait_ready()
    for pod in [pod for edge in ("ashburn", "dublin") for pod in installation.wait_pods(edge, 2)]:
        assert originate(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"]).status == 486
        terminated_call(phones["pbx1"], pod.address, phones["telco-a"]).hang_up()


def _user_objects(installation: Installation) -> list[tuple[str, str, tuple[str, ...]]]:
    """Kind, name and finalizers of all objects of Trunkline's kinds."""
    items = installation.kubectl.get("trunkline", "--all-namespaces")["items"]
    return sorted(
        (each["kind"], each["metadata"]["name"], tuple(each["metadata"].get("finalizers", ())))
        for each in items
    )


def _left(installation: Installation) -> list[str]:
    """Every object of any kind in the product's namespaces, and all that is marked as its own elsewhere."""
    kubectl = installation.kubectl
    kinds = kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    wanted = ",".join(kind for kind in kinds if not kind.startswith("events"))
    marked = kubectl("get", wanted, "--all-namespaces", "-l", OURS, "-o", "name").split()
    found = [name for name in marked if name not in _KEPT]
    for namespace in (EDGES, SYSTEM):
        names = kubectl.within(namespace)("get", wanted, "-o", "name").split()
        found += [f"{namespace}: {name}" for name in names if name not in _GIVEN | _KEPT]
    return found


_GIVEN = {
    "serviceaccount/default",
    "configmap/kube-root-ca.crt",
    "secret/tsig",
}
"""What Kubernetes puts into every namespace, and the key that the test itself made."""

_KEPT = {"secret/trunkline-ca", "secret/trunkline-installation", "persistentvolumeclaim/recordings"}
"""What a later installation goes on with: PBXs trust that CA, and DNS records are known by that id."""
