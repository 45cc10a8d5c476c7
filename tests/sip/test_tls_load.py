"""Many TLS connections at once: what OpenSSL keeps per thread must not be shared by Kamailio's workers."""

from __future__ import annotations

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

from support.edge import Edge, running_edge
from support.lab import Lab
from support.patience import PATIENCE

CALLERS = 4
HANDSHAKES = 120
"""Of each caller. Without the edge's own cure, half as many damage Kamailio's shared memory."""


def test_handshakes_at_once_damage_nothing(lab: Lab) -> None:
    """Callers of all sorts shake hands while the certificate is read anew: no damage, no refusal."""
    with running_edge(lab.platform().table(), lab.block.address(40)) as edge:
        with ThreadPoolExecutor(CALLERS) as callers:
            calls = [
                callers.submit(_shake_hands, edge, trusting=bool(number % 2)) for number in range(CALLERS)
            ]
            while not all(call.done() for call in calls):
                edge.rpc("tls.reload")
        assert [call.result() for call in calls] == [HANDSHAKES] * CALLERS
        assert edge.process.poll() is None, "Kamailio ended"
        assert " BUG " not in edge.log()


def _shake_hands(edge: Edge, *, trusting: bool) -> int:
    """How many handshakes went to their end; a caller that does not trust ends them with an alert."""
    context = ssl.create_default_context()
    context.check_hostname = False
    if trusting:
        context.verify_mode = ssl.CERT_NONE
    done = 0
    for _ in range(HANDSHAKES):
        with socket.create_connection((edge.address, edge.ports.tls), timeout=PATIENCE) as plain:
            try:
                context.wrap_socket(plain).close()
                done += trusting
            except ssl.SSLCertVerificationError:
                done += not trusting
    return done
