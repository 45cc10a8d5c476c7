"""Whose recordings wait is told on the Account, by whichever address says so."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.faults import Faults
from sipedge.agent.lease import notes_of
from sipedge.agent.recordings import RecordingKeeper
from sipedge.contract import LONGEST_RECORDINGS, RECORDINGS
from sipedge.recording.state import RecorderState
from support.loop_scenes import ACCOUNT, EDGE, objects, running
from support.memory_platform import MemoryHome, MemorySecrets
from support.virtual_time import run_virtually
from trunkline.api import ObjectRef
from trunkline.status.pod_claim import claim_of
from trunkline.status.programmed import AddressReport, EdgeReport
from trunkline.status.recordings import recordings_opinions, waiting_of

WHY = "recordings cannot be stored, they wait: it cannot be reached"


def report(edge: str, address: str, *waiting: tuple[str, str]) -> EdgeReport:
    return EdgeReport(edge, (AddressReport(address, True, 1, recordings=waiting),))


def test_an_account_is_told_by_every_address_at_which_recordings_wait() -> None:
    found = recordings_opinions(
        [
            report("ashburn", "192.0.2.1", ("acme", WHY), ("default/lab", WHY)),
            report("dublin", "192.0.2.2", ("acme", WHY)),
            report("tokyo", "192.0.2.3"),
        ]
    )
    assert set(found) == {ObjectRef("Account", None, "acme"), ObjectRef("Account", None, "default")}
    (told,) = found[ObjectRef("Account", None, "acme")]
    assert (told.type, told.status, told.reason) == ("RecordingsWait", "True", "StorageRefuses")
    assert told.message == f"ashburn 192.0.2.1: {WHY}; dublin 192.0.2.2: {WHY}"


def test_what_the_recorder_says_arrives() -> None:
    """From its file to the claim of a pod."""
    keeper = RecordingKeeper(None, Faults())
    assert keeper.told() is None
    keeper.state = RecorderState(faults={"acme": WHY})
    assert claim_of({RECORDINGS: keeper.told() or ""}).recordings == (("acme", WHY),)


def test_what_no_edge_says_any_more_is_over() -> None:
    """The condition goes with the last edge that says it, and does not become False."""

    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        async with running(home, secrets) as place:
            place.say_recordings_wait(("acme", WHY))
            await asyncio.sleep(1)
            assert home.condition(ACCOUNT.ref, "RecordingsWait").message == f"{EDGE} 192.0.2.1: {WHY}"
            place.say_recordings_wait()
            await asyncio.sleep(1)
            assert home.statuses[ACCOUNT.ref].condition("RecordingsWait") is None
            assert home.condition(ACCOUNT.ref, "Ready").status == "True"

    run_virtually(scene())


def test_an_agent_takes_back_what_it_has_said() -> None:
    """As the Lease has it: the annotation goes."""
    keeper = RecordingKeeper(None, Faults())
    said = Acknowledgement(EDGE, "192.0.2.1", 1, True, None, None, recordings=keeper.told())
    assert notes_of(said)[RECORDINGS] is None


def test_of_very_many_accounts_some_are_told() -> None:
    keeper = RecordingKeeper(None, Faults())
    keeper.state = RecorderState(faults={f"account-{number:03d}": WHY for number in range(100)})
    told = keeper.told()
    assert told is not None
    assert len(told) <= LONGEST_RECORDINGS
    assert waiting_of(told)[0] == ("account-000", WHY)


@given(st.one_of(st.text(max_size=200), st.dictionaries(st.text(), st.text()).map(json.dumps)))
def test_any_text_is_a_claim(text: str) -> None:
    assert all(why.isprintable() for _, why in waiting_of(text))
