"""One running `up`, from start to stop: which parts it has, in what order they begin and end."""

from __future__ import annotations

import asyncio
import contextlib

from sipedge.b2bua_settings import recovering
from trunkline.compiler.delta import Surroundings
from trunkline.compiler.running import RunningCompiler
from trunkline.reconcile.loop import Loop
from trunkline.reconcile.reporter import Reporter
from trunkline.standalone.certificates import CertificateStore, EdgeCertificates
from trunkline.standalone.file_reporter import FileReporter
from trunkline.standalone.home import FileHome
from trunkline.standalone.instances import Fleet
from trunkline.standalone.knot import KnotSettings
from trunkline.standalone.load import Loaded
from trunkline.standalone.manifests import Manifests
from trunkline.standalone.metrics import MetricsServer
from trunkline.standalone.nameserver import NameServer
from trunkline.standalone.narrator import Narrator, Say
from trunkline.standalone.news import News
from trunkline.standalone.options import CheckedOptions
from trunkline.standalone.place import LocalPlace
from trunkline.standalone.recorder import RecorderProcess, has_recorder
from trunkline.standalone.served_pairs import ServedPairs
from trunkline.standalone.state_files import StateDirectory
from trunkline.standalone.statuses import FileStatuses
from trunkline.standalone.summary import Summary
from trunkline.standalone.tables import Tables
from trunkline.standalone.zone import Zone


class Running:
    """The loop of this `up`, and its name server, which outlives every edge's drain."""

    def __init__(self, options: CheckedOptions, state: StateDirectory, loaded: Loaded, say: Say) -> None:
        """Raises NotShippedError, or OSError for the state directory."""
        knot = KnotSettings(options.base_domain, options.dns.address, options.dns.port, state.dns)
        self._nameserver = NameServer(knot, state.root)
        pairs = ServedPairs(
            EdgeCertificates(CertificateStore(state, options.base_domain)), options.base_domain
        )
        resolver = str(options.resolver) if options.resolver else None
        fleet = Fleet(
            state,
            resolver,
            options.capacity,
            options.drain_seconds,
            options.stir_directory,
            options.otlp_endpoint,
            recovering(
                options.recovery_calls,
                _recordings_url(options, state),
                speech_command=options.speech_command,
            ),
        )
        self._place = LocalPlace(
            fleet, Tables(state), lambda: pairs.pairs, relays=options.platform.media_relay
        )
        home = _home(options, state, loaded, pairs, self._nameserver, Narrator(say))
        surroundings = Surroundings(loaded.resources.platform)
        self._loop = Loop(home, self._place, lambda: RunningCompiler(surroundings))
        self._metrics = None if options.metrics is None else MetricsServer(options.metrics, fleet.agents)
        self._recorder = _recorder(options, state)
        self._running: asyncio.Task[None] | None = None
        self._stops = False

    async def run(self) -> None:
        """Serve until `stop`, then drain and stop everything. Raises OSError."""
        self._nameserver.start()
        if self._recorder is not None:
            self._recorder.start()
        self._running = asyncio.create_task(self._loop.run({}), name="loop")
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        finally:
            if self._metrics is not None:
                self._metrics.stop()
            if self._recorder is not None:
                await self._recorder.stop()
            await self._nameserver.stop()

    def stop(self) -> None:
        """Begin to stop; a second call ends every drain at once."""
        if self._stops:
            self._place.hurry()
        elif self._running is not None:
            self._running.cancel()
        self._stops = True


def _recorder(options: CheckedOptions, state: StateDirectory) -> RecorderProcess | None:
    if not options.platform.media_relay or not has_recorder():
        return None
    return RecorderProcess(state, _recordings_url(options, state))


def _home(
    options: CheckedOptions,
    state: StateDirectory,
    loaded: Loaded,
    pairs: ServedPairs,
    nameserver: NameServer,
    narrator: Narrator,
) -> FileHome:
    reporter = Reporter()
    return FileHome(
        Manifests(options, loaded),
        FileReporter(reporter, FileStatuses(state.status, reporter.book)),
        pairs,
        Zone(nameserver, options.base_domain),
        Summary(state.summary, options),
        narrator,
        News(narrator, f"DNS {options.dns}; state {state.root}"),
        options.verbose,
    )


def _recordings_url(options: CheckedOptions, state: StateDirectory) -> str:
    return options.recordings_url or state.recordings.absolute().as_uri()
