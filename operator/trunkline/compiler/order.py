"""The strata in their order: what each may ask stands above it here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trunkline.api import OriginationUri, Trunk
from trunkline.compiler.access import ACCESS_LISTS, CREDENTIAL_LISTS
from trunkline.compiler.accounts import JUDGING, SETTLING
from trunkline.compiler.caller_ids import CALLER_IDS
from trunkline.compiler.carriers import CarrierStratum
from trunkline.compiler.contribution import Topic
from trunkline.compiler.domains import DomainStratum
from trunkline.compiler.edges import EdgeStratum, SiteStratum
from trunkline.compiler.features import FEATURES
from trunkline.compiler.header_policies import HEADER_POLICIES
from trunkline.compiler.inheritance import InheritanceStratum
from trunkline.compiler.lines import Line, Lines
from trunkline.compiler.namespaces import NamespaceStratum
from trunkline.compiler.numbers import NumberStratum
from trunkline.compiler.origination import UriStratum
from trunkline.compiler.overlaps import OverlapStratum
from trunkline.compiler.questions import THE_ONE, Index, Question, View
from trunkline.compiler.quotas import QuotaStratum
from trunkline.compiler.readiness import TRUNK_ROWS, ReadinessStratum
from trunkline.compiler.strata import Known, ObjectStratum, Stratum
from trunkline.compiler.trunks import CLAIMS, TRUNKS

TOPICS: tuple[Topic[Any], ...] = (
    SETTLING, JUDGING, ACCESS_LISTS, CREDENTIAL_LISTS, HEADER_POLICIES, CLAIMS, TRUNKS, TRUNK_ROWS,
    CALLER_IDS, *FEATURES,
)  # fmt: skip


def strata(lines: Lines, view: View) -> Sequence[Stratum]:
    """New ones, which know nothing yet."""

    def alone(topic: object) -> Stratum:
        return ObjectStratum(topic, view)  # type: ignore[arg-type]

    return (
        EdgeStratum(view),
        # accounts
        alone(SETTLING),
        InheritanceStratum(view),
        NamespaceStratum(view),
        OverlapStratum(view),
        alone(JUDGING),
        # claims and lists
        QuotaStratum(lines, view),
        alone(ACCESS_LISTS),
        alone(CREDENTIAL_LISTS),
        alone(HEADER_POLICIES),
        alone(CLAIMS),
        DomainStratum(view),
        # trunks, then what names them
        alone(TRUNKS),
        UriStratum(view),
        NumberStratum(lines, view),
        alone(TRUNK_ROWS),
        ReadinessStratum(view),
        # what no tenant's object asks
        alone(CALLER_IDS),
        CarrierStratum(view),
        *map(alone, FEATURES),
        SiteStratum(view),
    )


def questions_of(thing: Known) -> frozenset[Question]:
    """All that any stratum asks about an object."""
    found: set[Question] = {(Index.SURROUNDINGS, THE_ONE), (Index.EDGES, THE_ONE)}
    for topic in TOPICS:
        if isinstance(thing, topic.kind):
            found.update(topic.questions(thing))
    if isinstance(thing, Line):
        found.add((Index.TENANT, thing.ref.namespace or ""))
        found.add((Index.OVER_QUOTA, thing.ref))
        found.add((Index.TRUNK, thing.trunk))
    if isinstance(thing, Trunk):
        found.update({(Index.OUTLOOK, thing.ref.id), (Index.COUNT, thing.ref.id)})
    if isinstance(thing, OriginationUri):
        trunk = f"{thing.metadata.namespace}/{thing.spec.trunk_ref.name}"
        found.add((Index.TENANT, thing.metadata.namespace or ""))
        found.add((Index.DESTINATIONS, THE_ONE))
        found.update({(Index.TRUNK, trunk), (Index.SECURE, trunk)})
    return frozenset(found)
