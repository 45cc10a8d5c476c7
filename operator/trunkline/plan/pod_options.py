"""What a platform adds to its edge pods, as it is written in one text: labels, scheduling, variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Manifest = dict[str, Any]

_NEEDED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True)
class PodOptions:
    """Added to what an edge pod has of its own; each value in the form of a pod's manifest. Empty = nothing.

    A change restarts the pods, one at a time.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    affinity: Mapping[str, Any] = field(default_factory=dict)
    """It holds beside what an Edge itself asks for: both must be met."""
    env: Sequence[Mapping[str, Any]] = ()
    """Of every container."""
    dns_config: Mapping[str, Any] = field(default_factory=dict)
    host_aliases: Sequence[Mapping[str, Any]] = ()
    runtime_class_name: str = ""


def pod_options(text: str) -> PodOptions:
    """From JSON with the fields' names in camel case. Raises ValueError: what is wrong, and where."""
    # Help is made beside this module, and must not wait for the library that reads the form.
    from trunkline.plan.pod_options_form import read_form

    return PodOptions(**read_form(text)) if text else PodOptions()


def with_options(pod: Mapping[str, Any], options: PodOptions) -> Manifest:
    """The pod's template with what is added to it: what is its own is never replaced."""
    metadata, spec = pod["metadata"], pod["spec"]
    return {
        "metadata": {
            "labels": {**options.labels, **metadata["labels"]},
            "annotations": {**options.annotations, **metadata["annotations"]},
        },
        "spec": {
            **spec,
            **_affinity(options.affinity, spec.get("affinity")),
            **{
                containers: [_with_variables(each, options.env) for each in spec[containers]]
                for containers in ("initContainers", "containers")
            },
            **_filled("dnsConfig", options.dns_config),
            **_filled("hostAliases", options.host_aliases),
            **_filled("runtimeClassName", options.runtime_class_name),
        },
    }


def _filled(name: str, value: Any) -> Manifest:
    return {name: value} if value else {}


def _with_variables(container: Manifest, variables: Sequence[Mapping[str, Any]]) -> Manifest:
    return {**container, "env": [*container.get("env", ()), *variables]} if variables else container


def _affinity(given: Mapping[str, Any], own: Mapping[str, Any] | None) -> Manifest:
    """Both together; of its own a pod has only the nodes that it may run on."""
    if not given or own is None:
        return _filled("affinity", given or own)
    nodes = {**given.get("nodeAffinity", {})}
    mine = own["nodeAffinity"][_NEEDED]["nodeSelectorTerms"]
    theirs = nodes.get(_NEEDED, {}).get("nodeSelectorTerms") or [{}]
    nodes[_NEEDED] = {"nodeSelectorTerms": _both(theirs, mine)}
    return {"affinity": {**given, "nodeAffinity": nodes}}


def _both(some: Iterable[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> list[Manifest]:
    """Terms of which one is met where one of `some` and one of `others` are: a node needs one term alone."""
    return [
        {name: [*one.get(name, ()), *other.get(name, ())] for name in sorted({*one, *other})}
        for one in some
        for other in others
    ]
