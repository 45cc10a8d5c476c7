"""A real SIP client for one call: PJSUA2, in a process of its own (its threads outlive no test).

    python pjsua_caller.py URI FROM LOCAL_ADDRESS CA_FILE PROXY [USERNAME PASSWORD]

Prints one JSON object: the final status and text, and whether TLS verified the edge's certificate.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, NoReturn

import pjsua2

LONGEST_SECONDS = 50.0


class Call(pjsua2.Call):  # type: ignore[misc]
    """One outgoing call that hangs up as soon as it is answered."""

    states: list[str]
    final: tuple[int, str] = (0, "")
    is_up = False
    ended = False

    def onCallState(self, prm: Any) -> None:  # noqa: N802 - PJSUA2's name
        info = self.getInfo()
        self.states.append(info.stateText)
        if info.state == pjsua2.PJSIP_INV_STATE_CONFIRMED:
            self.final = (int(info.lastStatusCode), info.lastReason)
            self.is_up = True
        if info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED:
            if not self.final[0]:
                self.final = (int(info.lastStatusCode), info.lastReason)
            self.ended = True


def place_call(
    uri: str, sender: str, local: str, ca_file: str, proxy: str, username: str = "", password: str = ""
) -> NoReturn:
    endpoint = pjsua2.Endpoint()
    endpoint.libCreate()
    config = pjsua2.EpConfig()
    config.logConfig.level, config.logConfig.consoleLevel = 0, 0
    config.uaConfig.threadCnt, config.uaConfig.mainThreadOnly = 0, True
    endpoint.libInit(config)
    endpoint.audDevManager().setNullDev()
    transport = pjsua2.TransportConfig()
    transport.boundAddress = local
    transport.tlsConfig.CaListFile = ca_file
    transport.tlsConfig.verifyServer = True
    transport.tlsConfig.method = pjsua2.PJSIP_TLSV1_2_METHOD
    endpoint.transportCreate(pjsua2.PJSIP_TRANSPORT_TLS, transport)
    endpoint.libStart()
    account_config = pjsua2.AccountConfig()
    account_config.idUri = sender
    account_config.sipConfig.proxies.append(proxy)
    account_config.regConfig.registerOnAdd = False
    if username:
        credentials = pjsua2.AuthCredInfo("digest", "*", username, 0, password)
        account_config.sipConfig.authCreds.append(credentials)
    account = pjsua2.Account()
    account.create(account_config)
    call = Call(account)
    call.states = []
    call.makeCall(uri, pjsua2.CallOpParam(True))
    deadline = time.monotonic() + LONGEST_SECONDS
    hung_up = False
    while not call.ended and time.monotonic() < deadline:
        endpoint.libHandleEvents(20)
        if call.is_up and not hung_up:
            # Not from within its own callback, where an error would be nobody's.
            call.hangup(pjsua2.CallOpParam())
            hung_up = True
    result = {"status": call.final[0], "text": call.final[1], "states": call.states, "ended": call.ended}
    print(json.dumps(result), flush=True)
    os._exit(0)  # PJSIP's own way to end crashes now and then


if __name__ == "__main__":
    place_call(*sys.argv[1:])
