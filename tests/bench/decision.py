"""route() on a real LMDB: what a decision costs above a bare look-up, and if that grows with the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import lmdb
import msgpack

from bench.comparison import Bench, Comparison, Measure
from bench.sizes import Sizes
from sipedge.routing.decision import Forward
from sipedge.routing.message.messages import SipRequest
from sipedge.store import MAP_SIZE, LmdbRows, Store
from sipedge.table import EdgeTable, Kept, Section, Table
from sipedge.table.codec import pack_row
from sipedge.table.publication import PackedRows
from support.calls import PSTN_NUMBER, decide, make_platform, make_pstn_request, make_request
from support.tables import make_gateway

ROW_REPEATS = 10
"""One row takes so little that a single pass over the draws would measure the machine's mood."""
OTHER_PREFIXES = ("+", "+1", "+44", "+4420", "+1212")


@contextmanager
def decision_bench(sizes: Sizes) -> Iterator[Bench]:
    """Each direction above its floor; few numbers and many, few prefixes and many."""
    few, many = (e164_numbers(count) for count in (sizes.few_numbers, sizes.many_numbers))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        tables = {
            "few": table_of(few, sizes.few_prefixes),
            "many numbers": table_of(many, sizes.few_prefixes),
            "many prefixes": table_of(few, sizes.many_prefixes),
        }
        rows: dict[str, LmdbRows] = {}
        for name, table in tables.items():
            write_store(directory / name, table)
            rows[name] = stack.enter_context(closing(LmdbRows(directory / name)))
        write_store(directory / "floor", tables["many numbers"])
        from_few, from_many = (calls_of(each, sizes.decisions) for each in (few, many))
        measures: dict[str, Measure] = {
            "one row": stack.enter_context(one_row(directory / "floor", asked(many, sizes.decisions))),
            "termination": decisions(rows["few"], [call for call, _ in from_few]),
            "termination, many numbers": decisions(rows["many numbers"], [call for call, _ in from_many]),
            "termination, many prefixes": decisions(rows["many prefixes"], [call for call, _ in from_few]),
            "origination": decisions(rows["few"], [call for _, call in from_few]),
            "origination, many numbers": decisions(rows["many numbers"], [call for _, call in from_many]),
        }
        yield Bench(measures, tuple(comparisons(sizes)), rounds_for_one=4)


def comparisons(sizes: Sizes) -> Iterator[Comparison]:
    directions = ("termination", "origination")
    for direction in directions:
        yield Comparison(
            f"route(), {direction}",
            f"{direction}, many numbers",
            "one row",
            f"one {direction} with {sizes.many_numbers:,} numbers / one LMDB get and its msgpack decoded",
            55.0,
            "a decision asks up to ten questions; rows but for numbers it finds as the last one left them",
        )
    for direction in directions:
        yield Comparison(
            f"numbers, {direction}",
            f"{direction}, many numbers",
            direction,
            f"{direction}: {sizes.many_numbers:,} numbers in the table / {sizes.few_numbers}",
            1.25,
            "a look-up goes down one tree; only the share of rows that must be decoded anew grows",
        )
    yield Comparison(
        "carrier prefixes",
        "termination, many prefixes",
        "termination",
        f"termination: {sizes.many_prefixes} carrier prefixes / {sizes.few_prefixes}",
        1.25,
        "one question for each length that some prefix has, however many prefixes have it",
    )


def e164_numbers(count: int) -> list[str]:
    return [f"+{12_122_000_000 + 7 * offset}" for offset in range(count)]


def table_of(numbers: Sequence[str], prefixes: int) -> EdgeTable:
    """The small platform with these numbers of its trunk, and as many carrier prefixes."""
    more = (f"+49{number}" for number in range(1, prefixes))
    chosen = [*OTHER_PREFIXES, *more][:prefixes]
    routes = {prefix: (make_gateway("192.0.2.129"),) for prefix in chosen}
    return make_platform(numbers=dict.fromkeys(numbers, "acme/hq"), routes=routes).table()


def write_store(directory: Path, table: EdgeTable) -> None:
    packed: PackedRows = {
        section: {key.encode(): pack_row(row) for key, row in rows.items()}
        for section, rows in table.sections.items()
        if section is not Section.RESOLVED
    }
    with closing(Store(directory, table.edge)) as store:
        store.commit(1, packed)


def asked(numbers: Sequence[str], count: int) -> list[str]:
    """`count` draws among the numbers, the same in every run."""
    return Random(1).choices(numbers, k=count)


def calls_of(numbers: Sequence[str], count: int) -> list[tuple[SipRequest, SipRequest]]:
    """Per draw a termination with the number as its caller, and an origination to it."""
    termination = make_request(f"sip:{PSTN_NUMBER}@acme-hq.pstn.trunkline.test")
    return [
        (
            replace(
                termination,
                headers={**termination.headers, "from": (f"<sip:{number}@pbx.acme.example>;tag=1",)},
            ),
            make_pstn_request(number),
        )
        for number in asked(numbers, count)
    ]


def decisions(rows: LmdbRows, requests: Sequence[SipRequest]) -> Measure:
    """CPU seconds of one decision, a transaction each, as in an edge."""
    draws, kept = Random(1), Kept()

    def measure() -> float:
        begun = time.process_time()
        for request in requests:
            with rows.transaction() as found:
                decision = decide(Table(found, kept), request, dice=draws.random, explained=False)
        seconds = (time.process_time() - begun) / len(requests)
        assert isinstance(decision, Forward), decision
        assert decision.targets, decision
        return seconds

    return measure


@contextmanager
def one_row(directory: Path, numbers: Sequence[str]) -> Iterator[Callable[[], float]]:
    """CPU seconds of a read transaction, one get and the decoding of its row to a plain dict."""
    keys = [number.encode() for number in numbers] * ROW_REPEATS
    with closing(lmdb.open(str(directory), readonly=True, max_dbs=20, map_size=MAP_SIZE)) as environment:
        db = environment.open_db(Section.NUMBER.value.encode(), create=False)

        def measure() -> float:
            begun = time.process_time()
            for key in keys:
                with environment.begin() as txn:
                    row = msgpack.unpackb(txn.get(key, db=db))
            seconds = (time.process_time() - begun) / len(keys)
            assert row["first"] == numbers[-1]
            return seconds

        yield measure
