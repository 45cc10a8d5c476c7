"""From manifests to the parts that are published, as the operator does it: kept store, kept packer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

from bench.comparison import Bench, Comparison
from bench.sizes import Sizes
from sipedge.table.publication import pack_parts
from support.objects import manifest_of
from trunkline.api import Platform, Resources
from trunkline.compiler import Compilation, compile_resources
from trunkline.controllers.packing import Packer
from trunkline.controllers.store import Store

PLATFORM: Final = Platform("trunkline.test", open_account=True)
EDGE: Final = "ashburn"
REPEATS: Final = 20
"""How often what takes a millisecond is done for one measure."""

Manifest = dict[str, Any]


class Operator:
    """What of the operator makes tables, without a cluster."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self._store, self._packer, self._version = Store(), Packer(), 0
        for manifest in manifests:
            self.note(manifest)

    def note(self, manifest: Manifest) -> None:
        self._version += 1
        metadata = {
            "uid": f"{manifest['kind']}/{manifest['metadata']['name']}",
            "generation": self._version,
            "resourceVersion": str(self._version),
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
        self._store.note("MODIFIED", {**manifest, "metadata": {**manifest["metadata"], **metadata}})

    def parts(self) -> Mapping[str, bytes]:
        """Every part of the edge's table."""
        tables = self.compiled().tables
        packed = {**self._packer.shared(tables), **self._packer.own(tables[EDGE])}
        return {name: part.data for name, part in packed.items()}

    def compiled(self) -> Compilation:
        good, bad = self._store.contents()
        return compile_resources(Resources.build(good, {}, bad, PLATFORM))


@contextmanager
def compilation_bench(sizes: Sizes) -> Iterator[Bench]:
    """The cost of a change, of a range, and of a thousand objects more."""
    # Every cold compilation gets numbers that none had before: answers about numbers are remembered.
    fresh = count()
    kept = Operator([*platform(), *numbers(sizes.many_objects, fresh)])
    before = dict(kept.parts())
    turns = count()

    def change_one() -> float:
        nonlocal before
        trunk = ("lab", "hq")[next(turns) % 2]
        seconds, parts = cpu_of(lambda: changed(kept, number(0, 0, trunk)))
        differing = [name for name in parts if parts[name] != before.get(name)]
        assert len(differing) == 1, f"one changed Number changed the parts {differing}"
        assert parts == pack_parts(kept.compiled().tables[EDGE]), "other bytes than those of a cold start"
        before = dict(parts)
        return seconds

    def cold(objects: int) -> float:
        manifests = [*platform(), *numbers(objects, fresh)]
        return cpu_of(lambda: Operator(manifests).parts())[0]

    def whole(thing: Callable[[], Manifest]) -> float:
        manifests = [[*platform(), thing()] for _ in range(REPEATS)]
        return cpu_of(lambda: [Operator(each).parts() for each in manifests])[0] / REPEATS

    many, few, numbers_of_range = (
        f"{each:,}" for each in (sizes.many_objects, sizes.few_objects, sizes.range_numbers)
    )
    yield Bench(
        {
            "one change": change_one,
            "cold, many": lambda: cold(sizes.many_objects),
            "cold, few": lambda: cold(sizes.few_objects),
            "one range": lambda: whole(lambda: range_of(sizes.range_numbers, next(fresh))),
            "one number": lambda: whole(lambda: number(next(fresh))),
        },
        (
            Comparison(
                "one changed Number",
                "one change",
                "cold, many",
                f"from one changed Number of {many} to its one changed part / all {many} from nothing",
                0.4,
                "what has not changed is not decoded, checked or packed again",
            ),
            Comparison(
                "a range of numbers",
                "one range",
                "one number",
                f"a platform with one range of {numbers_of_range} numbers / with one number, from nothing",
                1.5,
                "a range is one row, however long",
            ),
            Comparison(
                "cost of an object",
                "cold, many",
                "cold, few",
                f"each of {many} Numbers, from nothing / each of {few}",
                2.0,
                "linear, but that sorted lists grow and memory gets further away",
                scale=sizes.few_objects / sizes.many_objects,
            ),
        ),
    )


def changed(operator: Operator, manifest: Manifest) -> Mapping[str, bytes]:
    operator.note(manifest)
    return operator.parts()


def cpu_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process while it did `work`, and what that gave."""
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def platform() -> list[Manifest]:
    """An edge, a carrier and two trunks with all they need."""
    access = {"entries": [{"cidr": "203.0.113.0/29"}]}
    return [
        manifest_of("Edge", EDGE, None, {"advertise": {"type": "Static", "addresses": ["192.0.2.1"]}}),
        manifest_of(
            "Carrier",
            "telco",
            None,
            {"sourceRanges": ["192.0.2.64/26"], "prefixes": ["+"], "gateways": [{"host": "192.0.2.129"}]},
        ),
        manifest_of("IpAccessControlList", "pbx", "acme", access),
        *(manifest for name in ("hq", "lab") for manifest in trunk(name)),
    ]


def trunk(name: str) -> list[Manifest]:
    termination = {"domainName": f"acme-{name}", "ipAccessControlListRefs": [{"name": "pbx"}]}
    uri = {"trunkRef": {"name": name}, "sipUri": f"sip:{name}.pbx.acme.example"}
    return [
        manifest_of("Trunk", name, "acme", {"termination": termination}),
        manifest_of("OriginationUri", name, "acme", uri),
    ]


def numbers(objects: int, fresh: Iterator[int]) -> list[Manifest]:
    return [number(position, next(fresh)) for position in range(objects)]


def number(position: int, offset: int | None = None, trunk: str = "hq") -> Manifest:
    """Number `n-<position>`: its E.164 number is the `offset`-th, or that of its position."""
    e164 = e164_number(position if offset is None else offset)
    return manifest_of("Number", f"n-{position}", "acme", {"number": e164, "trunkRef": {"name": trunk}})


def range_of(length: int, offset: int) -> Manifest:
    first = 12_125_000_000 + offset
    ends = {"first": f"+{first}", "last": f"+{first + length - 1}"}
    return manifest_of("Number", "block", "acme", {"range": ends, "trunkRef": {"name": "hq"}})


def e164_number(offset: int) -> str:
    return f"+{12_122_000_000 + offset}"
