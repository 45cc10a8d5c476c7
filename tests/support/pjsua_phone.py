"""A real SIP phone with sound: PJSUA2, in a process of its own (its threads outlive no test).

    python pjsua_phone.py JSON

The JSON object has the fields of `Task`. Prints one JSON object when the call is over: its states, its last
status, and whether its sound was SRTP. What the phone heard is in the file `recording`.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import pjsua2

LONGEST_SECONDS = 50.0
RATE = 8000


@dataclass(frozen=True)
class Task:
    """What the phone is to do."""

    address: str
    """Its own."""
    identity: str
    """Its SIP URI."""
    recording: str
    """WAV file of what it hears."""
    sound: str
    """WAV file that it sends, again and again."""
    call: str = ""
    """Whom it calls; "" = it waits for a call."""
    proxy: str = ""
    transport: str = "udp"
    port: int = 5060
    certificates: str = ""
    """Folder as that of `support.asterisk.Trunk`, for TLS."""
    srtp: bool = False
    seconds: float = 1.0
    """How long it talks, if it calls."""


class Call(pjsua2.Call):  # type: ignore[misc]
    """One call, from its INVITE to its BYE."""

    phone: Phone
    states: list[str]
    status = 0
    up_at = 0.0
    ended = False
    is_srtp = False

    def onCallState(self, prm: Any) -> None:  # noqa: N802 - PJSUA2's name
        info = self.getInfo()
        self.states.append(info.stateText)
        self.status = self.status or (int(info.lastStatusCode) if info.lastStatusCode >= 200 else 0)
        if info.state == pjsua2.PJSIP_INV_STATE_CONFIRMED:
            self.up_at = time.monotonic()
        self.ended = info.state == pjsua2.PJSIP_INV_STATE_DISCONNECTED

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802 - PJSUA2's name
        info = self.getInfo()  # its list of media is gone with it
        for media in info.media:
            if media.status == pjsua2.PJSUA_CALL_MEDIA_ACTIVE:
                sound = self.getAudioMedia(media.index)
                self.phone.player.startTransmit(sound)
                sound.startTransmit(self.phone.recorder)
                self.is_srtp = "SRTP status: Active" in self.dump(True, "")


class Phone(pjsua2.Account):  # type: ignore[misc]
    """The phone's account, with what it says and what writes down what it hears."""

    player: Any
    recorder: Any
    current: Call | None = None

    def begin(self, call_id: int = -1) -> Call:
        call = Call(self, call_id)
        call.phone, call.states = self, []
        self.current = call
        return call

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802 - PJSUA2's name
        answer = pjsua2.CallOpParam()
        answer.statusCode = 200
        self.begin(prm.callId).answer(answer)


def endpoint_of(task: Task) -> Any:
    endpoint = pjsua2.Endpoint()
    endpoint.libCreate()
    config = pjsua2.EpConfig()
    config.logConfig.level, config.logConfig.consoleLevel = 0, 0
    config.uaConfig.threadCnt, config.uaConfig.mainThreadOnly = 0, True
    config.medConfig.clockRate = config.medConfig.sndClockRate = RATE
    config.medConfig.noVad = True
    endpoint.libInit(config)
    endpoint.audDevManager().setNullDev()
    transport = pjsua2.TransportConfig()
    transport.boundAddress, transport.port = task.address, task.port
    kind = pjsua2.PJSIP_TRANSPORT_UDP
    if task.transport == "tls":
        kind = pjsua2.PJSIP_TRANSPORT_TLS
        transport.tlsConfig.CaListFile = f"{task.certificates}/edge.crt"
        transport.tlsConfig.certFile = f"{task.certificates}/server.crt"
        transport.tlsConfig.privKeyFile = f"{task.certificates}/server.key"
        transport.tlsConfig.verifyServer = True
        transport.tlsConfig.method = pjsua2.PJSIP_TLSV1_2_METHOD
    endpoint.transportCreate(kind, transport)
    endpoint.libStart()
    for codec in endpoint.codecEnum2():
        endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith("PCMU/8000") else 0)
    return endpoint


def account_of(task: Task) -> Any:
    config = pjsua2.AccountConfig()
    config.idUri = task.identity
    if task.proxy:
        config.sipConfig.proxies.append(task.proxy)
    config.regConfig.registerOnAdd = False
    config.mediaConfig.transportConfig.boundAddress = task.address
    config.mediaConfig.transportConfig.port = 4000
    if task.srtp:
        config.mediaConfig.srtpUse = pjsua2.PJMEDIA_SRTP_MANDATORY
        config.mediaConfig.srtpSecureSignaling = 1
    return config


def run(task: Task) -> None:
    endpoint = endpoint_of(task)
    phone = Phone()
    phone.create(account_of(task))
    phone.player, phone.recorder = pjsua2.AudioMediaPlayer(), pjsua2.AudioMediaRecorder()
    phone.player.createPlayer(task.sound)
    phone.recorder.createRecorder(task.recording)
    print("ready", flush=True)
    if task.call:
        phone.begin().makeCall(task.call, pjsua2.CallOpParam(True))
    deadline = time.monotonic() + LONGEST_SECONDS
    hung_up = False
    while time.monotonic() < deadline and not (phone.current and phone.current.ended):
        endpoint.libHandleEvents(20)
        call = phone.current
        if task.call and call and call.up_at and not hung_up and time.monotonic() > call.up_at + task.seconds:
            call.hangup(pjsua2.CallOpParam())
            hung_up = True
    call = phone.current
    result = {
        "status": call.status if call else 0,
        "states": call.states if call else [],
        "ended": bool(call and call.ended),
        "srtp": bool(call and call.is_srtp),
    }
    print(json.dumps(result), flush=True)  # before PJSIP ends, which crashes now and then
    del call
    phone.current = phone.recorder = phone.player = None
    phone.shutdown()
    endpoint.libDestroy()


if __name__ == "__main__":
    run(Task(**json.loads(sys.argv[1])))
