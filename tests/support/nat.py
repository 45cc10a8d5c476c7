"""A home router between a SIP client and an edge: in user space, on loopback, at a test's command.

The client sends to `inside` what is meant for the server, which sees it come from a port of `outside`. What
SIP says in its headers stays as it is. Datagrams and connections are taken at one port number; TLS passes as
bytes, by another router that leads to the port for TLS.
"""

from __future__ import annotations

import queue
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from support.patience import PATIENCE

Address = tuple[str, int]
_RESET = struct.pack("ii", 1, 0)
_LARGEST = 65_535


class Nat:
    """One router. What its methods do is done when they return."""

    def __init__(self, inside: Address, outside: str, server: Address) -> None:
        self._outside, self._server = outside, server
        self._selector = selectors.DefaultSelector()
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._udp_in = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp_in.bind(inside)
        self.inside: Address = self._udp_in.getsockname()
        """Where the client finds the server: address and port."""
        tcp_in = socket.create_server(self.inside)
        self._udp_out: dict[Address, socket.socket] = {}
        """Of each client's address."""
        self._given_up: list[socket.socket] = []
        """Ports that lead nowhere any more: still ours, so that what comes there is lost in silence."""
        self._other_end: dict[socket.socket, socket.socket] = {}
        """Of each connection, both ways."""
        wake_read, self._wake = socket.socketpair()
        self._own = (self._udp_in, tcp_in, wake_read, self._wake)
        self._running = True
        self._watch(self._udp_in, self._from_client)
        self._watch(tcp_in, self._accept)
        self._watch(wake_read, self._obey)
        self._thread = threading.Thread(target=self._run, name="nat", daemon=True)
        self._thread.start()

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of `outside` that clients have now for UDP, the oldest client first."""
        return tuple(each.getsockname()[1] for each in list(self._udp_out.values()))

    @property
    def connections(self) -> int:
        """How many connections pass through."""
        return len(self._other_end) // 2

    def remap(self) -> None:
        """Forget what was mapped, as after minutes of silence or a restart.

        A client has another port with its next datagram, and is not reached before; connections are reset.
        """
        self._do(self._forget)

    def drop_connections(self) -> None:
        """Reset every connection at both ends; UDP goes on."""
        self._do(self._reset_all)

    def close(self) -> None:
        """End it; connections end as well."""
        self._do(self._stop)
        self._thread.join()
        for each in (*self._other_end, *self._udp_out.values(), *self._given_up, *self._own):
            each.close()
        self._selector.close()

    def _do(self, work: Callable[[], None]) -> None:
        done = threading.Event()
        self._commands.put(work)
        self._commands.put(done.set)
        self._wake.send(b"xx")
        assert done.wait(PATIENCE), "the router does not answer"

    def _run(self) -> None:
        while self._running:
            for key, _ in self._selector.select():
                # One that an earlier event of this round has closed may still stand here.
                if self._selector.get_map().get(key.fd) == key:
                    key.data(key.fileobj)

    def _watch(self, what: socket.socket, act: Callable[[socket.socket], None]) -> None:
        self._selector.register(what, selectors.EVENT_READ, act)

    def _obey(self, wake: socket.socket) -> None:
        for _ in wake.recv(100):
            self._commands.get()()

    def _from_client(self, udp: socket.socket) -> None:
        data, client = udp.recvfrom(_LARGEST)
        if client not in self._udp_out:
            own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            own.bind((self._outside, 0))
            self._udp_out[client] = own
            self._watch(own, lambda back: self._to_client(back, client))
        self._udp_out[client].sendto(data, self._server)

    def _to_client(self, back: socket.socket, client: Address) -> None:
        data, sender = back.recvfrom(_LARGEST)
        if sender == self._server:
            self._udp_in.sendto(data, client)

    def _accept(self, listener: socket.socket) -> None:
        near, _ = listener.accept()
        try:
            far = socket.create_connection(self._server, 5, source_address=(self._outside, 0))
        except OSError:
            near.close()
            return
        near.settimeout(PATIENCE)
        for one, other in ((near, far), (far, near)):
            self._other_end[one] = other
            self._watch(one, self._pass_on)

    def _pass_on(self, one: socket.socket) -> None:
        with suppress(OSError):
            if data := one.recv(_LARGEST):
                self._other_end[one].sendall(data)
                return
        self._end(one, reset=False)

    def _stop(self) -> None:
        self._running = False

    def _forget(self) -> None:
        for each in self._udp_out.values():
            self._selector.unregister(each)
            self._given_up.append(each)
        self._udp_out.clear()
        self._reset_all()

    def _reset_all(self) -> None:
        while self._other_end:
            self._end(next(iter(self._other_end)), reset=True)

    def _end(self, one: socket.socket, *, reset: bool) -> None:
        for each in (one, self._other_end[one]):
            del self._other_end[each]
            self._selector.unregister(each)
            if reset:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            each.close()


@contextmanager
def nat(inside: Address, outside: str, server: Address) -> Iterator[Nat]:
    """A router between a client that sends to `inside` and `server`; port 0 of `inside` is a free one.

    The addresses are a test's own; an access list must admit `outside`.
    """
    router = Nat(inside, outside, server)
    try:
        yield router
    finally:
        router.close()
