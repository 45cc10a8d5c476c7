"""Fields whose feature does not exist yet, or not here: accepted, and reported (never ignored silently).

Which they are is said by marks beside the fields (`api.marks`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from trunkline.api import ALL_KINDS, AnyResource, Trunk
from trunkline.api.codecs import NOT_TRANSCODED
from trunkline.api.marks import NeedsRelay
from trunkline.api.missing import Missing, has_marks, missing_features
from trunkline.compiler import opinions
from trunkline.compiler.contribution import NOTHING, Contribution, Topic
from trunkline.compiler.questions import THE_ONE, Index, Question, View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import ConditionType

Told = tuple[Missing, ConditionReason]


def _contribute(thing: AnyResource, view: View) -> Contribution:
    """All such fields of an object in one verdict, which is on the first of them."""
    told = [*_missing(thing, view), *_not_transcoded(thing), *_lacking(thing, view)]
    if not told:
        return NOTHING
    (first, reason), *rest = told
    message = "; ".join([first.effect, *(f"{each.field}: {each.effect}" for each, _ in rest)])
    verdict = opinions.unusual(thing, ConditionType.FEATURE_UNAVAILABLE, reason, first.field, message)
    return Contribution((verdict,))


def _missing(thing: AnyResource, view: View) -> Iterator[Told]:
    """What does not exist yet, then what there is not on this platform."""
    for each in missing_features(thing.spec):
        yield each, ConditionReason.NOT_YET
    if has_marks(type(thing), NeedsRelay) and not view.platform().media_relay:
        for each in missing_features(thing.spec, NeedsRelay):
            yield each, ConditionReason.NO_MEDIA_RELAY


def _not_transcoded(thing: AnyResource) -> Iterator[Told]:
    if not isinstance(thing, Trunk) or thing.spec.transcoding == "Never":
        return
    if NOT_TRANSCODED in thing.spec.codecs:
        effect = f"{NOT_TRANSCODED} is not transcoded: it passes between parties that both have it"
        yield Missing("spec.codecs", effect), ConditionReason.NOT_TRANSCODED


def _questions(thing: AnyResource) -> Iterator[Question]:
    if has_marks(type(thing), NeedsRelay):
        yield Index.PLATFORM, THE_ONE
    if _has_several_labels(thing):
        yield Index.ISSUED, THE_ONE


def _has_several_labels(thing: AnyResource) -> bool:
    termination = thing.spec.termination if isinstance(thing, Trunk) else None
    return termination is not None and "." in (termination.domain_name or "")


def _lacking(thing: AnyResource, view: View) -> Iterator[Told]:
    """The domain of a trunk for which certificates of an issuer are not good."""
    edges = view.issued_edges() if _has_several_labels(thing) else ()
    if edges:
        effect = (
            f"certificates of Edge {', '.join(edges)} come from an issuer, which is asked for no trunk's "
            "name, and a wildcard stands for one label (RFC 6125): TLS clients that check names refuse "
            "this domain there; choose a domain of one label, or do not check names"
        )
        yield Missing("spec.termination.domainName", effect), ConditionReason.NOT_IN_CERTIFICATE


def _topic(kind: type[AnyResource]) -> Topic[Any]:
    asks = {Index.ISSUED} if kind is Trunk else set()
    if has_marks(kind, NeedsRelay):
        asks.add(Index.PLATFORM)
    return Topic(kind, frozenset(asks), _questions, lambda thing, view: _contribute(thing, view))


FEATURES: Final[tuple[Topic[Any], ...]] = tuple(_topic(kind) for kind in ALL_KINDS if has_marks(kind))
"""Of every kind with such fields."""
