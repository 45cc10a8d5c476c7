"""Which parts the loop of an operator has, and how they know each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sipedge.secret import Secret
from trunkline.api.resources import Platform
from trunkline.compiler.delta import Surroundings
from trunkline.compiler.running import RunningCompiler
from trunkline.controllers.children import Children
from trunkline.controllers.cluster_reporter import ClusterReporter
from trunkline.controllers.edge_faults import EdgeFaults
from trunkline.controllers.events import Events
from trunkline.controllers.evictions import Evictions
from trunkline.controllers.finalizers import Finalizers
from trunkline.controllers.measures import Measures
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.object_home import ObjectHome
from trunkline.controllers.observer import Observer
from trunkline.controllers.parts import build_parts
from trunkline.controllers.place import ClusterPlace
from trunkline.controllers.publish import Publisher
from trunkline.controllers.side_work import SideWork
from trunkline.controllers.watchdog import Watchdog
from trunkline.controllers.world import World
from trunkline.kube.client import KubeClient
from trunkline.kube.lease import LeaseLock
from trunkline.reconcile.loop import Loop
from trunkline.reconcile.reporter import Identities
from trunkline.settings import OperatorSettings


@dataclass(frozen=True, slots=True)
class Process:
    """What lives as long as the operator's process, whether it acts or not."""

    world: World
    watchdog: Watchdog
    lease: LeaseLock
    metrics: Metrics
    ended: Callable[[str], None]
    """Hears what is wrong after each turn, "" if nothing is."""


def build_loop(settings: OperatorSettings, client: KubeClient, process: Process) -> Loop[Identities]:
    """The loop of this operator."""
    platform = Platform(
        settings.base_domain,
        settings.denied_target_cidrs,
        settings.system_namespace,
        caller_name_url=Secret(settings.cnam_url) if settings.cnam_url else None,
        stir_shaken=bool(settings.stir_shaken_secret),
        toll_fraud_prefixes=settings.toll_fraud_prefixes,
        operator_account=settings.service_account,
    )
    parts = build_parts(settings, client)
    process.metrics.follow_certificates(parts.expiries)
    side_work = SideWork(parts.certificates, parts.names)
    home = _home(settings, client, process, side_work, platform)
    children = Children(client, settings.edge_namespace, parts.workloads, parts.stir_secret)
    place = _place(settings, client, process, children)
    return Loop(home, place, lambda: RunningCompiler(Surroundings(platform)))


def _home(
    settings: OperatorSettings,
    client: KubeClient,
    process: Process,
    side_work: SideWork,
    platform: Platform,
) -> ObjectHome:
    world, events = process.world, Events(client, settings.identity)
    finalizers = Finalizers(client, side_work.patience, side_work.is_clean, world.noted, events.warn)
    return ObjectHome(
        platform,
        world,
        process.watchdog,
        process.lease,
        finalizers,
        ClusterReporter(client, world, events, process.metrics),
        side_work,
        Measures(process.metrics, world.take_first_change, process.ended),
    )


def _place(
    settings: OperatorSettings, client: KubeClient, process: Process, children: Children
) -> ClusterPlace:
    world, namespace = process.world, settings.edge_namespace
    return ClusterPlace(
        world,
        children,
        Evictions(client, namespace, world.pods),
        Publisher(client, namespace, world.published, world.pods.claimed, world.pods.schema),
        Observer(world.pods, world.nodes, EdgeFaults(process.metrics)),
        process.metrics,
    )
