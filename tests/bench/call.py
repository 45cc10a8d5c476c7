"""A whole call through a real edge, against the same call through a Kamailio that only passes it on."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.comparison import Bench, Comparison, Measure
from bench.sizes import Sizes
from support.addresses import Block, reserved_block
from support.edge import ROOT, end_group, running_edge
from support.lab import EDGE, FAR_NUMBER, OWN_NUMBER, PBX, TELCO
from support.sipp import ScenarioFailedError, running_scenario
from support.tables import Platform, make_account, make_carrier, make_gateway, make_target, make_trunk

FLOOR, PBX_ANSWERS, TELCO_ANSWERS = 2, 21, 31
"""Last bytes of the addresses of the bare proxy, and of those who are called."""
SCENARIOS = ROOT / "tests" / "sip" / "scenarios"
START_SECONDS = 10.0
LOST_CALL_TRIES = 2
BARE_PROXY = """#!KAMAILIO
# The least that a transaction-stateful proxy can do: the INVITE to one fixed place, the rest along its route.
children=2
listen=udp:{address}:5060
disable_tcp=yes
log_stderror=yes
debug=1
auto_aliases=no
dns=no
rev_dns=no
maxbuffer=4194304
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
modparam("rr", "enable_full_lr", 1)
request_route {{
    if (method == "OPTIONS") {{
        sl_send_reply("200", "OK");
        exit;
    }}
    if (has_totag()) {{
        loose_route();
    }} else {{
        record_route();
        $du = "sip:{callee}:5060";
    }}
    t_relay();
}}
"""


@contextmanager
def call_bench(sizes: Sizes) -> Iterator[Bench]:
    """Both directions, and the floor: INVITE, 180, 200, ACK, BYE, 200 over UDP, with sipp at both ends."""
    with (
        reserved_block("127.82") as block,
        running_edge(platform(block).table(), block.address(EDGE)) as edge,
        bare_proxy(block.address(FLOOR), block.address(TELCO_ANSWERS)) as bare,
        answering_sipp(block.address(PBX_ANSWERS)),
        answering_sipp(block.address(TELCO_ANSWERS)),
    ):
        out, back = {"caller": OWN_NUMBER, "called": FAR_NUMBER}, {"caller": FAR_NUMBER, "called": OWN_NUMBER}
        pbx, telco, ours = block.address(PBX), block.address(TELCO), edge.process
        yield Bench(
            {
                "termination": calls("termination", pbx, edge.address, out, ours, sizes),
                "bare proxy": calls("termination", pbx, block.address(FLOOR), out, bare, sizes),
                "origination": calls("origination", telco, edge.address, back, ours, sizes),
            },
            tuple(
                Comparison(
                    f"a call, {direction}",
                    direction,
                    "bare proxy",
                    f"Kamailio's CPU for one {direction} through the edge / through a bare Kamailio proxy",
                    8.0,
                    "the edge reads every header, decides, counts, signs its route and keeps a dialog",
                )
                for direction in ("termination", "origination")
            ),
        )


def platform(block: Block) -> Platform:
    """One trunk whose PBX and whose carrier are sipp."""
    return Platform(
        addresses=[block.address(EDGE)],
        accounts=[make_account()],
        trunks=[
            make_trunk(
                access=(f"{block.address(PBX)}/32",), targets=(make_target(block.address(PBX_ANSWERS), 5060),)
            )
        ],
        numbers={OWN_NUMBER: "acme/hq"},
        carriers=[make_carrier()],
        sources={f"{block.address(TELCO)}/32": "telco"},
        routes={"+": [make_gateway(block.address(TELCO_ANSWERS), 5060)]},
    )


def calls(
    direction: str,
    caller: str,
    proxy: str,
    keys: Mapping[str, str],
    kamailio: subprocess.Popen[bytes],
    sizes: Sizes,
) -> Measure:
    """CPU seconds of the proxy's processes for one call. Raises unless the caller saw every call through."""
    scenario = SCENARIOS / f"{direction}-answered-and-ended-by-caller-expect-200.xml"

    def measure() -> float:
        begun = group_seconds(kamailio.pid)
        with running_scenario(
            scenario,
            caller,
            keys=keys,
            peer=f"{proxy}:5060",
            calls=sizes.calls,
            per_second=sizes.calls_per_second,
        ):
            pass
        return (group_seconds(kamailio.pid) - begun) / sizes.calls

    def measure_whole() -> float:
        # On a machine that others keep busy a telephone may be late, and then gives its call up.
        for _ in range(LOST_CALL_TRIES):
            try:
                return measure()
            except ScenarioFailedError:
                print(f"a call was lost ({direction} through {proxy}): measured again", file=sys.stderr)
        return measure()

    return measure_whole


@contextmanager
def answering_sipp(address: str) -> Iterator[None]:
    """A sipp that takes any number of calls until the end of the context."""
    scenario = SCENARIOS / "callee-answers-and-waits-for-bye.xml"
    command = ["sipp", "-sf", str(scenario), "-i", address, "-p", "5060", "-nostdin"]
    with TemporaryDirectory(prefix="sipp-") as directory:
        process = subprocess.Popen(
            command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()


def group_seconds(group: int) -> float:
    """CPU seconds so far of the living processes of a process group.

    From the scheduler's own account: the ticks of /proc/PID/stat are as long as ten calls.
    """
    nanoseconds = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            process_group = int(stat.read_text().rpartition(")")[2].split()[2])
            if process_group == group:
                tasks = stat.parent.glob("task/*/schedstat")
                nanoseconds += sum(int(each.read_text().split()[0]) for each in tasks)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile, and so none of the group
    return nanoseconds / 1e9


@contextmanager
def bare_proxy(address: str, callee: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Kamailio of thirty lines that has answered an OPTIONS."""
    with TemporaryDirectory(prefix="bare-proxy-") as temporary:
        directory = Path(temporary)
        (directory / "kamailio.cfg").write_text(BARE_PROXY.format(address=address, callee=callee))
        command = ["kamailio", "-f", str(directory / "kamailio.cfg"), "-DD", "-E", "-X", "tlsf", "-m", "64"]
        with (directory / "kamailio.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_until_answering(process, address)
            yield process
        except BaseException:
            print((directory / "kamailio.log").read_text(errors="replace")[-4000:])
            raise
        finally:
            end_group(process)


def wait_until_answering(process: subprocess.Popen[bytes], address: str) -> None:
    """Return when the proxy answers an OPTIONS. Raises RuntimeError if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.bind((address, 0))
            own.settimeout(0.2)
            here = f"{address}:{own.getsockname()[1]}"
            message = (
                f"OPTIONS sip:{address} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKready\r\n"
                f"From: <sip:{here}>;tag=1\r\nTo: <sip:{address}>\r\nCall-ID: {here}\r\nCSeq: 1 OPTIONS\r\n"
                "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            )
            own.sendto(message.encode(), (address, 5060))
            try:
                if own.recv(65_535).startswith(b"SIP/2.0 200"):
                    return
            except OSError:
                time.sleep(0.02)
    raise RuntimeError(f"the bare proxy of {address} ended, or did not answer within {START_SECONDS} s")
