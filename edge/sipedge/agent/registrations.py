"""Registers the edge address at carriers' registrars, by way of its Kamailio. `sipedge.registrations`
decides.

The agent is a client behind an outbound proxy, its own Kamailio: the registrar sees the edge's address and
port, and over TCP and TLS the connection that its calls come back by.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from sipedge.agent.location import ADDRESSES, DEFAULT_PORTS, Name
from sipedge.dice import DICE
from sipedge.instance import InstanceSettings, read_edge_secret
from sipedge.registrations import machine
from sipedge.registrations.errand import HEADER, Errand, ErrandKeeper
from sipedge.registrations.machine import Account, Around, Patience, Register, State, Step
from sipedge.registrations.messages import (
    Envelope,
    contact_uri,
    read_answer,
    register_text,
    registrar_uri,
)
from sipedge.routing.dialog.hops import make_hop
from sipedge.table.codec import TableFormatError, unpack_row
from sipedge.table.registration import RegistrationRow
from sipedge.table.rows import CarrierRow, ResolvedAddress, ResolvedRow, Section
from sipedge.uri import address_of, bracketed

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.25
LEAVE_SECONDS: Final = 3.0
"""How long a drain waits for registrars to take note."""
LARGEST_ANSWER: Final = 65_536
RowOf = Callable[[bytes], bytes | None]
"""What is known of a name, by its key in section `resolved`."""


@dataclass(slots=True)
class _Registration:
    """One that is kept, or being left."""

    carrier: str
    account: Account
    call_id: str = field(default_factory=lambda: secrets.token_hex(16))
    from_tag: str = field(default_factory=lambda: secrets.token_hex(8))
    state: State = field(default_factory=State)
    told: str | None = None
    """What the log was told last."""


class Registrations:
    """All of one instance."""

    def __init__(
        self,
        settings: InstanceSettings,
        resolved: RowOf,
        changed: Callable[[], None],
        patience: Patience = Patience(),  # noqa: B008 -- it is frozen
    ) -> None:
        """`changed` is called whenever `told` may have changed."""
        self._settings, self._resolved, self._changed, self._patience = settings, resolved, changed, patience
        self._wanted: dict[str, _Registration] = {}
        self._leaving: list[_Registration] = []
        self._left = asyncio.Event()
        """None is being left."""
        self._socket: socket.socket | None = None
        self._keeper: ErrandKeeper | None = None
        self._is_up = False

    # ---------------------------------------------------------------------------------- what is wanted

    def follow(self, carriers: Iterable[bytes]) -> frozenset[Name]:
        """Keep exactly the registrations that these rows ask of this edge; the names that they need."""
        rows = {row.id: row.registration for row in map(_carrier_in, carriers) if row and row.registration}
        wanted = {
            name: row for name, row in rows.items() if not row.edges or self._settings.edge in row.edges
        }
        for name in [name for name, kept in self._wanted.items() if wanted.get(name) != kept.account.row]:
            self._leave(self._wanted.pop(name))
        for name, row in wanted.items():
            if name not in self._wanted:
                self._wanted[name] = _Registration(name, self._account(name, row))
        self._changed()
        hosts = {Name(row.host, row.port, row.transport) for row in wanted.values()}
        return frozenset(name for name in hosts if address_of(name.host) is None)

    def _account(self, carrier: str, row: RegistrationRow) -> Account:
        ports = self._settings.ports
        port = {"udp": ports.udp, "tcp": ports.tcp, "tls": ports.tls}[row.transport]
        contact = contact_uri(carrier, self._settings.own_addresses[-1], port, row.transport)
        return Account(row, registrar_uri(row), contact, self._patience)

    def note_kamailio(self, answers: bool) -> None:
        """Whether Kamailio answers. Nothing is sent while it does not."""
        if answers and not self._is_up:
            for each in self._wanted.values():
                each.state = machine.anew(each.account, each.state, self._around(each))
        self._is_up = answers

    async def leave(self) -> None:
        """Unregister everywhere, and return when that is known, or cannot be waited for."""
        for name in list(self._wanted):
            self._leave(self._wanted.pop(name))
        self._note_left()
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._left.wait()
        except TimeoutError:
            pass  # their bindings run out

    @property
    def told(self) -> tuple[tuple[str, str], ...]:
        """Each carrier with why this address is not registered with it; "" = it is."""
        now = time.monotonic()
        return tuple((name, machine.shown(each.state, now)) for name, each in sorted(self._wanted.items()))

    # ------------------------------------------------------------------------------- what is done for it

    async def run(self) -> None:
        """Without end. Raises OSError if there is no socket, InstanceError without the platform's secret."""
        self._keeper = ErrandKeeper(read_edge_secret(self._settings.edge_secret_file))
        family = socket.AF_INET6 if ":" in self._settings.address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            # Not connected: a Kamailio that is being started is no fault of the socket's.
            sock.bind((self._settings.address, 0))
            self._socket = sock
            try:
                await asyncio.gather(self._hear(sock), self._tick())
            finally:
                self._socket = None

    async def _tick(self) -> None:
        while True:
            for each in [*self._wanted.values(), *self._leaving] if self._is_up else ():
                self._take(each, machine.passed(each.account, each.state, self._around(each)))
            self._note_left()
            await asyncio.sleep(TICK_SECONDS)

    async def _hear(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        here = self._settings.address, self._settings.ports.udp
        while True:
            data, sender = await loop.sock_recvfrom(sock, LARGEST_ANSWER)
            answer = read_answer(data) if sender[:2] == here else None
            if answer is None:
                continue
            for each in [*self._wanted.values(), *self._leaving]:
                if each.call_id == answer.call_id:
                    self._take(each, machine.answered(each.account, each.state, self._around(each), answer))
            self._note_left()

    def _note_left(self) -> None:
        self._leaving = [each for each in self._leaving if not each.state.is_over]
        if self._leaving:
            self._left.clear()
        else:
            self._left.set()

    def _leave(self, one: _Registration) -> None:
        self._take(one, machine.leave(one.account, one.state, self._around(one)))
        if not one.state.is_over:
            self._leaving.append(one)

    def _around(self, one: _Registration) -> Around:
        places = self._places(one.account.row)
        return Around(time.monotonic(), places, DICE.random(), secrets.token_hex(8))

    def _places(self, row: RegistrationRow) -> tuple[ResolvedAddress, ...]:
        if (address := address_of(row.host)) is not None:
            port = row.port or DEFAULT_PORTS[row.transport]
            return (ResolvedAddress(str(address), port, row.transport),)
        data = self._resolved(Name(row.host, row.port, row.transport).key)
        try:
            found = None if data is None else unpack_row(Section.RESOLVED, data)
        except TableFormatError:
            found = None
        return found.addresses[:ADDRESSES] if isinstance(found, ResolvedRow) else ()

    def _take(self, one: _Registration, step: Step) -> None:
        one.state, register = step
        if register is not None:
            self._send(one, register)
        why = machine.shown(one.state, time.monotonic())
        if why != one.told and not one.state.is_asking:
            one.told = why
            if one.state.is_leaving:
                log.info("carrier %s: no longer registered at %s", one.carrier, one.account.row.host)
            elif why:
                log.warning("carrier %s: not registered at %s: %s", one.carrier, one.account.row.host, why)
            else:
                log.info("carrier %s: registered at %s", one.carrier, one.account.row.host)
            self._changed()

    def _send(self, one: _Registration, register: Register) -> None:
        place, row = register.place, one.account.row
        hop = make_hop(place.address, place.port, place.transport)
        if self._socket is None or self._keeper is None or hop is None:
            return
        own, port = self._socket.getsockname()[:2]
        errand = Errand(hop, row.server_name or (row.host if address_of(row.host) is None else ""))
        value = self._keeper.value(errand, one.call_id, register.cseq, time.time())
        envelope = Envelope(
            f"{bracketed(own)}:{port}", f"z9hG4bK{secrets.token_hex(8)}", one.call_id, one.from_tag
        )
        extra = ((HEADER, value), *((register.authorization,) if register.authorization else ()))
        text = register_text(row, one.account.contact, register.cseq, register.expires, envelope, extra)
        try:
            self._socket.sendto(text, (self._settings.address, self._settings.ports.udp))
        except OSError as error:
            # Silence is what follows, and what the machine knows of.
            log.debug("a REGISTER could not be sent: %s", error)


def _carrier_in(data: bytes) -> CarrierRow | None:
    try:
        row = unpack_row(Section.CARRIER, data)
    except TableFormatError as error:
        log.error("%s", error)
        return None
    return row if isinstance(row, CarrierRow) else None
