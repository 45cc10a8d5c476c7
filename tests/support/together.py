"""Several real edges on loopback, each a Kamailio with its agent, and a stream of calls through them."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import Popen

from sipedge.instance import InstanceSettings
from sipedge.instance_files import write_instance
from sipedge.store import LmdbRows
from sipedge.table import Table
from sipedge.table.rows import NeighboursRow
from sipedge.tls_files import write_pair
from support.addresses import Block
from support.agents import AgentRun, Publisher
from support.edge import _certificate, end_group, kill_group, log_text, make_settings, start_kamailio
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO
from support.patience import PATIENCE
from support.sipua import Invite, UserAgent, send_invite, user_agent
from support.tables import (
    EDGE,
    Platform,
    make_account,
    make_carrier,
    make_gateway,
    make_target,
    make_trunk,
)

TRIES = 5


@dataclass
class Member:
    """One address."""

    settings: InstanceSettings
    agent: AgentRun
    kamailio: Popen[bytes]

    @property
    def address(self) -> str:
        return self.settings.address

    def counted(self, key: str) -> int:
        """The calls in progress that this address counts for a limit's key."""
        dump = self.agent.rpc("htable.dump", "calls")
        slots = {slot["name"]: int(slot["value"]) for entry in dump for slot in entry["slot"]}
        return slots.get(key, 0)

    def neighbours(self) -> NeighboursRow | None:
        """With whom it counts, as its calls read it."""
        rows = LmdbRows(self.settings.lmdb_directory, self.settings.learned_directory)
        try:
            with rows.transaction() as found:
                return Table(found).neighbours()
        finally:
            rows.close()

    def restart_kamailio(self) -> None:
        """Kill Kamailio and start it anew, as the supervisor does; returns when it answers."""
        kill_group(self.kamailio)
        self.kamailio = start_kamailio(self.settings)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                self.agent.rpc("dlg.stats_active")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("Kamailio does not answer")

    def end(self) -> None:
        """End both processes at once, as when the machine fails."""
        self.agent.end()
        end_group(self.kamailio)


@dataclass
class Together:
    """Edges of one platform. `pbx` and `telco` are the two ends of every call."""

    block: Block
    members: list[Member]
    publishers: list[Publisher]
    pbx: UserAgent
    telco: UserAgent

    def publish(self, name: str = "acme", **limits: dict[str, int]) -> None:
        """One trunk, with limits of trunk, account and carrier of this name; returns when all serve it."""
        trunk = make_trunk(
            f"{name}/hq",
            domain="acme-hq",
            access=(f"{self.pbx.address}/32",),
            targets=(make_target(self.pbx.address, 5060),),
            **limits.get("trunk", {}),
        )
        platform = Platform(
            addresses=[each.address for each in self.members],
            accounts=[make_account(name, **limits.get("account", {}))],
            trunks=[trunk],
            numbers={OWN_NUMBER: trunk.id},
            carriers=[make_carrier(name, **limits.get("carrier", {}))],
            sources={f"{self.telco.address}/32": name},
            routes={"+": [make_gateway(self.telco.address, 5060, carrier=name)]},
        )
        for publisher in self.publishers:
            publisher.publish(platform.table())
        sequence = self.publishers[0].sequence
        for member in self.members:
            member.agent.until(
                lambda said: bool(said.get("ready")) and said.get("revision") == sequence,
                f"{member.address} serves revision {sequence}",
            )

    def call(self, member: Member, number: str = FAR_NUMBER) -> Invite:
        """The PBX calls out through this address."""
        uri = f"sip:{number}@acme-hq.pstn.trunkline.test"
        return send_invite(self.pbx, (member.address, 5060), uri, caller=OWN_NUMBER)

    def offer(self, seconds: float, a_second: float, choose: Callable[[int], Member]) -> Load:
        """Calls at this rate for this long; `choose` tells through which member the n-th goes."""
        return stream_calls(self.pbx, self.telco, lambda number: self.call(choose(number)), seconds, a_second)


def stream_calls(
    caller: UserAgent, callee: UserAgent, place: Callable[[int], Invite], seconds: float, a_second: float
) -> Load:
    """Calls at this rate for this long, each refused by its callee at once; `place` places the n-th.

    Returns when each is answered, or late enough to be lost.
    """
    load, sent = Load(), 0
    begun = time.time()
    invites: dict[str, Invite] = {}
    while (now := time.time() - begun) < seconds or (invites and now < seconds + PATIENCE):
        while sent < min(now, seconds) * a_second:
            invite = place(sent)
            invites[invite.call_id] = invite
            sent += 1
        for agent in (callee, caller):
            agent._receive(0.001)
        for message in callee.inbox:
            if message.method == "INVITE":
                load.passed[int(time.time())] += 1
                callee.respond(message, 486)
        for message in caller.inbox:
            if message.status >= 200 and message.call_id in invites:
                load.answers[message.status] += 1
                invites.pop(message.call_id).ack_refusal(message)
        for agent in (callee, caller):
            agent.inbox.clear()
    load.sent = sent
    return load


@dataclass
class Load:
    """What came of a stream of calls."""

    sent: int = 0
    passed: Counter[int] = field(default_factory=Counter)
    """Calls that got through, by second."""
    answers: Counter[int] = field(default_factory=Counter)

    @property
    def usual(self) -> float:
        """Of a second, the middle of all: of one alone a busy machine may answer what came before."""
        return statistics.median(self.passed[each] for each in self._span)

    @property
    def seconds(self) -> int:
        """From the first that got through to the last, also those in which none did."""
        return len(self._span)

    @property
    def _span(self) -> range:
        return range(min(self.passed), max(self.passed) + 1)


def let_in_together(limit: int, offer: Callable[[], Load]) -> None:
    """Who is offered such streams lets in so many new calls a second, give or take one.

    Never more in all. How many each second had, a busy machine may tell wrongly of one stream: whoever is not
    heard for a moment is left a fixed part, which he may not need.
    """
    loads: list[Load] = []
    while not loads or abs(loads[-1].usual - limit) > 1:
        assert len(loads) < TRIES, loads
        loads.append(load := offer())
        assert sum(load.passed.values()) <= limit * (load.seconds + 2), load
        assert load.answers.total() == load.sent, load


@contextmanager
def edges_together(directory: Path, block: Block, edges: Sequence[str] = (EDGE,) * 3) -> Iterator[Together]:
    """One member for each of `edges`, by its edge's name; no table is published yet."""
    with ExitStack() as stack:
        instances = directory / "edges"
        members = []
        for number, edge in enumerate(edges, 1):
            address = block.address(number)
            settings = replace(
                make_settings(directory / f"files-{number}", address),
                edge=edge,
                directory=instances / edge / address,
                source=directory / edge / "published",
                edge_secret_file=_secret(directory),
                instances=instances,
            )
            write_instance(settings)
            write_pair(settings, *_certificate(address))
            members.append(Member(settings, AgentRun(settings), start_kamailio(settings)))
            stack.callback(members[-1].end)
        for member in members:
            member.agent.start()
        publishers = [Publisher(directory / edge / "published", edge) for edge in dict.fromkeys(edges)]
        pbx = stack.enter_context(user_agent(block.address(PBX), 5060))
        telco = stack.enter_context(user_agent(block.address(TELCO), 5060))
        try:
            yield Together(block, members, publishers, pbx, telco)
        except BaseException:
            for member in members:
                print(f"--- {member.address}\n{member.agent.log()[-4000:]}")
                print(log_text(member.settings.directory)[-4000:])
            raise


def _secret(directory: Path) -> Path:
    path = directory / "edge.secret"
    if not path.exists():
        path.write_text("5e" * 32)
    return path
