"""What platforms add to edge pods: it is added to what is ours, and never replaces it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.objects import make_edge
from support.pod_templates import EVERY_TYPE, POD_IP
from trunkline.plan.pod_options import PodOptions, pod_options, with_options
from trunkline.plan.pod_options_form import OWN_KEYS, OWN_VARIABLES
from trunkline.plan.workload import edge_objects
from trunkline.plan.workload_settings import Recordings, WorkloadSettings

ZONE = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
NEEDED = "requiredDuringSchedulingIgnoredDuringExecution"
EVERYTHING: dict[str, Any] = {
    "labels": {"team": "voice", "example.com/cost-centre": "7"},
    "annotations": {"k8s.v1.cni.cncf.io/networks": "sip", "sidecar.istio.io/inject": "false"},
    "affinity": {
        "nodeAffinity": {
            NEEDED: {"nodeSelectorTerms": [ZONE]},
            "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": ZONE}],
        },
        "podAntiAffinity": {
            NEEDED: [{"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "kamailio"}}}]
        },
    },
    "env": [
        {"name": "HTTPS_PROXY", "value": "http://proxy.example:3128"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key", "optional": True}}},
    ],
    "dnsConfig": {"nameservers": ["192.0.2.53"], "options": [{"name": "ndots", "value": "1"}]},
    "hostAliases": [{"ip": "192.0.2.9", "hostnames": ["homer.example"]}],
    "runtimeClassName": "gvisor",
}


def pods(options: PodOptions, nodes: tuple[str, ...] = (), **spec: Any) -> dict[str, Any]:
    """The StatefulSet."""
    settings = WorkloadSettings("sip", "edge", recordings=Recordings(claim="c", secret="s"), pods=options)
    (found,) = (
        each for each in edge_objects(make_edge(**spec), settings, nodes) if each["kind"] == "StatefulSet"
    )
    return found


@EVERY_TYPE
def test_everything_reaches_the_pod_and_nothing_of_ours_is_lost(spec: dict[str, Any]) -> None:
    """The selector stays what it was: a StatefulSet's cannot be changed."""
    before, after = pods(PodOptions(), **spec), pods(pod_options(json.dumps(EVERYTHING)), **spec)
    assert after["spec"]["selector"] == before["spec"]["selector"]
    own, found = before["spec"]["template"], after["spec"]["template"]
    assert found["metadata"]["labels"] == {**EVERYTHING["labels"], **own["metadata"]["labels"]}
    assert found["metadata"]["annotations"] == {**EVERYTHING["annotations"], **own["metadata"]["annotations"]}
    for name in ("affinity", "dnsConfig", "hostAliases", "runtimeClassName"):
        assert found["spec"].pop(name) == EVERYTHING[name]
    for kind in ("initContainers", "containers"):
        for each, one in zip(found["spec"][kind], own["spec"][kind], strict=True):
            assert each["env"] == [*one.get("env", []), *EVERYTHING["env"]]
            each["env"] = one["env"] = []
    assert found["spec"] == own["spec"]


@EVERY_TYPE
def test_what_is_ours_is_what_is_refused(spec: dict[str, Any]) -> None:
    """Each label, annotation and variable of a pod: the lists in the form leave none out."""
    template = pods(PodOptions(), **spec)["spec"]["template"]
    metadata = template["metadata"]
    assert all(key.startswith(OWN_KEYS) for key in (*metadata["labels"], *metadata["annotations"]))
    for each in (*template["spec"]["containers"], *template["spec"]["initContainers"]):
        assert all(variable["name"].startswith(OWN_VARIABLES) for variable in each.get("env", ()))


def test_nodes_of_the_edge_and_of_the_platform_must_both_be_right() -> None:
    """Terms of a node affinity are alternatives: each of one side is told with each of the other."""
    given = pod_options(json.dumps({"affinity": {"nodeAffinity": {NEEDED: {"nodeSelectorTerms": [ZONE]}}}}))
    found = pods(given, ("n1", "n2"), **POD_IP)["spec"]["template"]["spec"]["affinity"]
    assert found["nodeAffinity"][NEEDED]["nodeSelectorTerms"] == [
        {**ZONE, "matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
        for node in ("n1", "n2")
    ]
    alone = pods(PodOptions(), ("n1",), **POD_IP)["spec"]["template"]["spec"]["affinity"]
    other = pod_options(json.dumps({"affinity": {"podAffinity": {NEEDED: [{"topologyKey": "zone"}]}}}))
    both = pods(other, ("n1",), **POD_IP)["spec"]["template"]["spec"]["affinity"]
    assert both == {**alone, **other.affinity}


def test_nothing_is_added_where_nothing_is_given() -> None:
    """An operator with these settings for the first time restarts no pod."""
    template = pods(PodOptions(), **POD_IP)["spec"]["template"]
    for text in ("", "{}", json.dumps({name: type(value)() for name, value in EVERYTHING.items()})):
        assert with_options(template, pod_options(text)) == template


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"label": {}}, "label: "),
    "label key": ({"labels": {"a b": "c"}}, "labels.a b: "),
    "label value": ({"labels": {"a": "b c"}}, "labels.a: "),
    "label is text": ({"labels": {"a": 1}}, "labels.a: "),
    "our label": ({"labels": {"trunkline.dev/edge": "x"}}, "labels.trunkline.dev/edge: .*Trunkline"),
    "our annotation": ({"annotations": {"kubectl.kubernetes.io/default-container": "x"}}, "annotations.kub"),
    "affinity": ({"affinity": {"nodes": {}}}, "affinity.nodes: "),
    "weight": (
        {
            "affinity": {
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "preference": ZONE}]
                }
            }
        },
        "affinity.nodeAffinity.preferred.*weight: ",
    ),
    "no terms": ({"affinity": {"nodeAffinity": {NEEDED: {"nodeSelectorTerms": []}}}}, "affinity.nodeAff"),
    "variable name": ({"env": [{"name": "A-B", "value": "x"}]}, "env.0.name: "),
    "our variable": ({"env": [{"name": "TRUNKLINE_EDGE", "value": "x"}]}, "env.0.name: TRUNKLINE_EDGE is"),
    "number": ({"env": [{"name": "A", "value": 1}]}, "env.0.value: "),
    "no value": ({"env": [{"name": "A"}]}, "env.0: A has to have"),
    "field": ({"env": [{"name": "A", "valueFrom": {"fieldRef": {}}}]}, "env.0.valueFrom"),
    "twice": ({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "env: A appears tw"),
    "name server": ({"dnsConfig": {"nameservers": ["ns.example"]}}, "dnsConfig.nameservers.0: "),
    "host": ({"hostAliases": [{"ip": "192.0.2.9", "hostnames": []}]}, "hostAliases.0.hostnames: "),
    "runtime": ({"runtimeClassName": 1}, "runtimeClassName: "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_pod_could_have_is_refused_with_its_place(case: str) -> None:
    """Before any pod would be restarted for it."""
    options, fault = REFUSED[case]
    with pytest.raises(ValueError, match=f"^{fault}"):
        pod_options(json.dumps(options))
