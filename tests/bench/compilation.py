"""From manifests to deltas: what a start costs, and what a change costs however much there is."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import phonenumbers

from bench.comparison import Bench, Comparison
from bench.sizes import Sizes
from sipedge.table import Section
from support.objects import manifest_of
from trunkline.api import Platform, decode
from trunkline.compiler.delta import Delta, InputChanges, Surroundings
from trunkline.compiler.running import RunningCompiler

PLATFORM: Final = Platform("trunkline.test", open_account=True)
EDGE: Final = "ashburn"
CHANGES: Final = 200
"""How many changes, one after the other, are one measure."""
NUMBERS_OF_A_TRUNK: Final = 20
TRUNKS_OF_A_NAMESPACE: Final = 50
FORMER_COLD: Final = 3.9
"""What the compiler before contributions took for each of 100,000 Numbers and 10,000 trunks and URIs, from
manifest to rows, in looks at a numbering plan by the library: work that no change of ours makes quicker."""

Manifest = dict[str, Any]


class Compiled:
    """A running compiler with so many Numbers, and a trunk with one URI for every twenty."""

    def __init__(self, numbers: int) -> None:
        self.trunks = max(numbers // NUMBERS_OF_A_TRUNK, 2)
        self._numbers, self._turns = numbers, count(1)
        self._compiler = RunningCompiler(Surroundings(PLATFORM))
        tell(self._compiler, population(numbers, self.trunks))

    def changes(self) -> list[Manifest]:
        """Numbers far apart, each with another trunk than before."""
        found = []
        for turn in (next(self._turns) for _ in range(CHANGES)):
            position = (turn * 7919) % self._numbers
            before = position % self.trunks
            first = before - before % TRUNKS_OF_A_NAMESPACE
            width = min(TRUNKS_OF_A_NAMESPACE, self.trunks - first)
            trunk = first + (before - first + 1 + turn // self._numbers) % width
            found.append(number(position, self.trunks, trunk, generation=1 + turn))
        return found

    def change(self) -> float:
        """Seconds from one event to its delta."""
        manifests = self.changes()

        def work() -> list[Delta]:
            return [tell(self._compiler, [manifest]) for manifest in manifests]

        seconds, deltas = cpu_of(work)
        assert all(len(delta.shared) <= 1 for delta in deltas), "a changed Number is one row"
        assert any(delta.shared for delta in deltas)
        return seconds / CHANGES


@contextmanager
def compilation_bench(sizes: Sizes) -> Iterator[Bench]:
    """Kept compilers of two sizes beside new ones."""
    many, few = Compiled(sizes.many_numbers), Compiled(sizes.few_objects)

    def decode_one() -> float:
        manifests = many.changes()
        return cpu_of(lambda: [decode(manifest) for manifest in manifests])[0] / CHANGES

    def cold(numbers: int) -> float:
        manifests = population(numbers, max(numbers // NUMBERS_OF_A_TRUNK, 2))
        seconds, delta = cpu_of(lambda: tell(RunningCompiler(Surroundings(PLATFORM)), manifests))
        assert sum(section is Section.NUMBER for section, _ in delta.shared) == numbers
        return seconds / len(manifests)

    def look_at_plan() -> float:
        texts = [e164_number(position) for position in range(CHANGES)]
        return cpu_of(lambda: [is_valid(text) for text in texts])[0] / CHANGES

    def thousand(make: Callable[[int], Manifest]) -> float:
        manifests = [*platform(), *trunk(0), *map(make, range(sizes.few_objects))]
        return cpu_of(lambda: tell(RunningCompiler(Surroundings(PLATFORM)), manifests))[0]

    yield Bench(
        {
            "one change of many": many.change,
            "decode": decode_one,
            "one change of few": few.change,
            "cold, many": lambda: cold(sizes.many_numbers),
            "cold, some": lambda: cold(sizes.many_objects),
            "numbering plan": look_at_plan,
            "ranges": lambda: thousand(range_of),
            "numbers": lambda: thousand(lambda position: number(position, 1, 0)),
        },
        tuple(comparisons(sizes)),
    )


def comparisons(sizes: Sizes) -> Iterator[Comparison]:
    """The rows of the report."""
    many, some, few = (f"{each:,}" for each in (sizes.many_numbers, sizes.many_objects, sizes.few_objects))
    yield Comparison(
        "a changed Number",
        "one change of many",
        "decode",
        f"from one changed Number of {many} to its delta / decoding one Number",
        10.0,
        "its row, its verdicts and the counts of two trunks",
    )
    yield Comparison(
        "growth of a change",
        "one change of many",
        "one change of few",
        f"the same among {many} / among {few}",
        2.0,
        "an exponent of 0.15: nothing is looked at that the change does not concern",
    )
    yield Comparison(
        "a change against a start",
        "one change of many",
        "numbering plan",
        f"the same / a start with {many} as the compiler before contributions made it",
        0.001,
        "constant work stands for that compiler",
        scale=1 / (FORMER_COLD * sizes.many_numbers),
    )
    yield Comparison(
        "a start",
        "cold, many",
        "numbering plan",
        f"each of {many} Numbers with their trunks, from manifest to delta / what it was",
        1 / 3,
        "plans are looked at by their patterns alone, models are dropped at once, few are judged at a time",
        scale=1 / FORMER_COLD,
    )
    yield Comparison(
        "growth of a start",
        "cold, many",
        "cold, some",
        f"each of {many} Numbers / each of {some}",
        1.26,
        "an exponent of 1.10: linear, but that memory gets further away",
    )
    yield Comparison(
        "ranges of numbers",
        "ranges",
        "numbers",
        f"{few} ranges of 1,000 numbers / {few} single Numbers",
        1.2,
        "a range is one claim and one row, however long",
    )


def tell(compiler: RunningCompiler, manifests: Iterable[Manifest]) -> Delta:
    """As events come: decoded, told, and their models forgotten."""
    return compiler.update(InputChanges({thing.ref: thing for thing in map(decode, manifests)}))


def is_valid(text: str) -> bool:
    """The library's word on a number."""
    parsed = phonenumbers.parse(text)
    return phonenumbers.is_possible_number(parsed) and phonenumbers.is_valid_number(parsed)


def cpu_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process while it did `work`, and what that gave.

    Without the collector of cycles, which looks at all that there is whenever it likes.
    """
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        result = work()
        return time.process_time() - begun, result
    finally:
        gc.enable()


def population(numbers: int, trunks: int) -> list[Manifest]:
    """An edge, a carrier, trunks with all they need, and their Numbers."""
    return [
        *platform(),
        *(manifest for position in range(trunks) for manifest in trunk(position)),
        *(number(position, trunks, position % trunks) for position in range(numbers)),
    ]


def platform() -> list[Manifest]:
    """An edge and a carrier."""
    return [
        manifest_of("Edge", EDGE, None, {"advertise": {"type": "Static", "addresses": ["192.0.2.1"]}}),
        manifest_of(
            "Carrier",
            "telco",
            None,
            {"sourceRanges": ["192.0.2.64/26"], "prefixes": ["+"], "gateways": [{"host": "192.0.2.129"}]},
        ),
    ]


def trunk(position: int) -> list[Manifest]:
    namespace, name = f"tenant-{position // TRUNKS_OF_A_NAMESPACE}", f"trunk-{position}"
    termination = {"domainName": f"d-{position}", "ipAccessControlListRefs": [{"name": "pbx"}]}
    uri = {"trunkRef": {"name": name}, "sipUri": f"sip:{name}.pbx.acme.example"}
    access = {"entries": [{"cidr": "203.0.113.0/29"}]}
    lists = [manifest_of("IpAccessControlList", "pbx", namespace, access)]
    return [
        *(lists if position % TRUNKS_OF_A_NAMESPACE == 0 else []),
        manifest_of("Trunk", name, namespace, {"termination": termination}),
        manifest_of("OriginationUri", name, namespace, uri),
    ]


def number(position: int, trunks: int, trunk: int, generation: int = 1) -> Manifest:
    """Number `n-<position>` in the namespace of its first trunk, whichever it names now."""
    namespace = f"tenant-{position % trunks // TRUNKS_OF_A_NAMESPACE}"
    return manifest_of(
        "Number",
        f"n-{position}",
        namespace,
        {"number": e164_number(position), "trunkRef": {"name": f"trunk-{trunk}"}},
        uid="f3e2c1d0-0000-4000-8000-000000000000",
        generation=generation,
        resourceVersion="1",
        creationTimestamp="2026-01-01T00:00:00Z",
    )


def range_of(position: int) -> Manifest:
    """The `position`-th thousand."""
    first = 12_122_000_000 + 1000 * position
    ends = {"first": f"+{first}", "last": f"+{first + 999}"}
    spec = {"range": ends, "trunkRef": {"name": "trunk-0"}}
    return manifest_of("Number", f"r-{position}", "tenant-0", spec, creationTimestamp="2026-01-01T00:00:00Z")


def e164_number(position: int) -> str:
    return f"+{12_122_000_000 + position}"
