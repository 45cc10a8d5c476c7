"""A telephone on PJSIP (PJSUA2) that sends back what it hears.

python phone.py              waits for one call, and answers it
python phone.py +12125550111 calls, and hangs up after two seconds
"""

from __future__ import annotations

import sys
import time
from typing import Any

import pjsua2

ADDRESS = "127.0.10.44"
DOMAIN = "acme-lab.pstn.trunkline.test"
NUMBER = "+14155550130"
USERNAME, PASSWORD = "lab", "Lab-Telephone-12"
EDGE = "sip:127.0.11.1:5060;lr;hide"
"""Only where the trunk's name is not in your DNS: leave the proxy out then."""
TALK_SECONDS = 2.0


class Call(pjsua2.Call):  # type: ignore[misc]
    """One call, from its INVITE to its BYE."""

    up_at = 0.0
    status = 0
    is_over = False

    def onCallState(self, prm: Any) -> None:  # noqa: N802 - PJSUA2's name
        info = self.getInfo()
        print(info.stateText, info.lastStatusCode or "", flush=True)
        if info.state == pjsua2.PJSIP_INV_STATE_CONFIRMED:
            self.up_at, self.status = time.monotonic(), 200
        elif info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED:
            self.status = self.status or int(info.lastStatusCode)
            self.is_over = True

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802 - PJSUA2's name
        info = self.getInfo()  # its list of media goes with it
        for media in info.media:
            if media.status == pjsua2.PJSUA_CALL_MEDIA_ACTIVE:
                sound = self.getAudioMedia(media.index)
                sound.startTransmit(sound)


class Phone(pjsua2.Account):  # type: ignore[misc]
    """The trunk's user."""

    call: Call | None = None

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802 - PJSUA2's name
        self.call = Call(self, prm.callId)
        answer = pjsua2.CallOpParam()
        answer.statusCode = 200
        self.call.answer(answer)


def started() -> pjsua2.Endpoint:
    """PJSIP at this phone's address, without a sound card."""
    endpoint = pjsua2.Endpoint()
    endpoint.libCreate()
    config = pjsua2.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 1
    config.uaConfig.threadCnt, config.uaConfig.mainThreadOnly = 0, True
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
    config.medConfig.noVad = True
    endpoint.libInit(config)
    endpoint.audDevManager().setNullDev()
    transport = pjsua2.TransportConfig()
    transport.boundAddress, transport.port = ADDRESS, 5060
    endpoint.transportCreate(pjsua2.PJSIP_TRANSPORT_UDP, transport)
    endpoint.libStart()
    return endpoint


def account() -> pjsua2.AccountConfig:
    """What the trunk wants to know."""
    config = pjsua2.AccountConfig()
    config.idUri = f"sip:{NUMBER}@{DOMAIN}"
    config.regConfig.registerOnAdd = (
        False  # the edge takes no REGISTER: OriginationUri says where the phone is
    )
    config.sipConfig.proxies.append(EDGE)
    config.sipConfig.authCreds.append(pjsua2.AuthCredInfo("digest", "*", USERNAME, 0, PASSWORD))
    config.mediaConfig.transportConfig.boundAddress = ADDRESS
    return config


def one_call(endpoint: pjsua2.Endpoint, phone: Phone, called: str) -> int:
    """Its final status. Nothing may keep the call when PJSIP ends."""
    if called:
        phone.call = Call(phone)
        phone.call.makeCall(f"sip:{called}@{DOMAIN}", pjsua2.CallOpParam(True))
    else:
        print("waits for a call", flush=True)
    while phone.call is None or not phone.call.is_over:
        endpoint.libHandleEvents(20)
        call = phone.call
        if called and call and call.up_at and time.monotonic() > call.up_at + TALK_SECONDS:
            call.up_at = 0.0
            call.hangup(pjsua2.CallOpParam())
    status, phone.call = phone.call.status, None
    return status


def main(called: str = "") -> int:
    """0 if the call was answered."""
    endpoint = started()
    phone = Phone()
    phone.create(account())
    status = one_call(endpoint, phone, called)
    phone.shutdown()
    endpoint.libDestroy()
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
