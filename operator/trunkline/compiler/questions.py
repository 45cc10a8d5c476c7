"""What one object's contribution may ask: answers of the strata below its own, by index and key."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from trunkline.api.resources import Platform
from trunkline.api.secret_value import SecretValues

if TYPE_CHECKING:
    from sipedge.table.header_policy import PolicyRuleRow
    from trunkline.compiler.carriers import Offer
    from trunkline.compiler.destinations import Destinations
    from trunkline.compiler.opinions import Fault
    from trunkline.compiler.origination import Targets
    from trunkline.compiler.readiness import TrunkOutlook
    from trunkline.compiler.sites import DeprecatedTls, ServedEdges
    from trunkline.compiler.tenants import Settled, Tenant
    from trunkline.compiler.trunk_state import TrunkState
    from trunkline.compiler.trunks import Claimant, ServedTrunk


class Index(StrEnum):
    """Of what kind an answer is; who may be asked for it stands in `View`."""

    SURROUNDINGS = "surroundings"
    PLATFORM = "platform"
    UNREADABLE = "unreadable namespace"
    SECRET = "secret"  # noqa: S105 - a word, no password
    SYSTEM_SECRET = "secret of the system namespace"  # noqa: S105 - words, no password
    EDGES = "served edges"
    EDGE = "served edge"
    ISSUED = "served edges with certificates of an issuer"
    DESTINATIONS = "destinations"
    OWN = "account by itself"
    SETTLED = "settled account"
    HOLDER = "holder of a namespace"
    OVERLAP = "overlap of accounts"
    TENANT = "tenant"
    ACCOUNT_IDS = "account ids"
    DEPRECATED_TLS = "accounts with deprecated TLS"
    OVER_QUOTA = "over quota"
    NETWORKS = "networks of a list"
    USERS = "users of a list"
    POLICY = "rules of a header manipulation policy"
    CLAIMS = "claim to a domain"
    DOMAIN = "holder of a domain"
    TRUNK = "state of a trunk"
    SECURE = "secure trunk"
    SERVED = "served trunk"
    TARGETS = "targets of a trunk"
    COUNT = "numbers of a trunk"
    OUTLOOK = "status of a trunk but for its count of numbers"
    OFFERS = "offers of carriers"


Question = tuple[Index, Hashable]
"""An index and a key; what an object asks follows from its own fields, so that who asks can be looked up."""

THE_ONE: Final = ""
"""The key of an index that has one answer."""


class Answers:
    """Every answer that differs from "nothing", and which of them have changed."""

    def __init__(self) -> None:
        self._values: dict[Question, object] = {}
        self.get: Final[Callable[[Question], object]] = self._values.get
        """None if there is no answer."""
        self.changed: dict[Index, set[Hashable]] = {}
        """In this pass, the keys by index. One that changed and changed back may be among them."""
        self.changed_words: set[str] = set()
        """Its indexes, and kinds of objects that have changed: either may concern a stratum."""

    def put(self, question: Question, value: object) -> None:
        """None takes the answer away."""
        if self._values.get(question) == value:
            return
        if value is None:
            del self._values[question]
        else:
            self._values[question] = value
        index, key = question
        if index in self.changed:
            self.changed[index].add(key)
        else:
            self.changed[index] = {key}
            self.changed_words.add(index)

    def take_changed(self) -> Mapping[Index, set[Hashable]]:
        """What this pass has changed; from here on it is another pass."""
        changed, self.changed = self.changed, {}
        self.changed_words.clear()
        return changed

    def replace(self, before: Mapping[Question, object], now: Mapping[Question, object]) -> None:
        """The answers of one contribution, and of the one that it replaces."""
        for question in before:
            if question not in now:
                self.put(question, None)
        for question, value in now.items():
            self.put(question, value)

    def has_changed(self, *indexes: Index) -> bool:
        """True if the one answer of any of these has changed."""
        return any(THE_ONE in self.changed.get(index, ()) for index in indexes)

    def changed_keys(self, *indexes: Index) -> set[Hashable]:
        """The keys under which answers of these have changed."""
        if self.changed_words.isdisjoint(indexes):
            return set()
        return set().union(*(self.changed.get(index, ()) for index in indexes))


class View:
    """The questions, each with the type of its answer. None: there is none."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def ask(self, index: Index, key: Hashable) -> Any:
        """All questions come through here. What the answer is of, each question says by its type."""
        return self._answers.get((index, key))

    def platform(self) -> Platform:
        found: Platform = self.ask(Index.PLATFORM, THE_ONE)
        return found

    def is_unreadable(self, namespace: str) -> bool:
        """True if Secrets of the namespace may not be read."""
        return self.ask(Index.UNREADABLE, namespace) is not None

    def secret(self, namespace: str, name: str) -> SecretValues | None:
        found: SecretValues | None = self.ask(Index.SECRET, (namespace, name))
        return found

    def system_secret(self, name: str) -> SecretValues | None:
        """Of the system namespace, which an object that asks need not know."""
        found: SecretValues | None = self.ask(Index.SYSTEM_SECRET, name)
        return found

    def edges(self) -> ServedEdges:
        found: ServedEdges = self.ask(Index.EDGES, THE_ONE) or ()
        return found

    def issued_edges(self) -> tuple[str, ...]:
        """Names of served Edges whose certificates an issuer makes, which is asked for no trunk's name."""
        found: tuple[str, ...] = self.ask(Index.ISSUED, THE_ONE) or ()
        return found

    def has_edge(self, name: str) -> bool:
        """True if an Edge of this name is served."""
        return self.ask(Index.EDGE, name) is not None

    def destinations(self) -> Destinations:
        found: Destinations = self.ask(Index.DESTINATIONS, THE_ONE)
        return found

    def offers(self) -> tuple[Offer, ...]:
        """What each accepted Carrier takes, and where."""
        found: tuple[Offer, ...] = self.ask(Index.OFFERS, THE_ONE) or ()
        return found

    def deprecated_tls(self) -> DeprecatedTls:
        """The accounts that allow deprecated versions of TLS."""
        found: DeprecatedTls = self.ask(Index.DEPRECATED_TLS, THE_ONE) or frozenset()
        return found

    def own(self, account: str) -> Settled | None:
        """What the Account of this name says of itself, without what it has from accounts above it."""
        found: Settled | None = self.ask(Index.OWN, account)
        return found

    def settled(self, account: str) -> Settled | None:
        """What the Account of this name says of itself, and has from accounts above it."""
        found: Settled | None = self.ask(Index.SETTLED, account)
        return found

    def holder(self, namespace: str) -> str | None:
        """The name of the oldest Account that lists the namespace."""
        found: str | None = self.ask(Index.HOLDER, namespace)
        return found

    def overlap(self, account: str) -> Fault | None:
        """What of the Account's permissions another Account has as well."""
        found: Fault | None = self.ask(Index.OVERLAP, account)
        return found

    def tenant(self, namespace: str | None) -> Tenant | None:
        """The account to which the namespace belongs."""
        found: Tenant | None = self.ask(Index.TENANT, namespace or "")
        return found

    def account_ids(self, name: str) -> tuple[str, ...] | None:
        """The account ids that an accountRef means: `default` means each account under it. None: unknown."""
        found: tuple[str, ...] | None = self.ask(Index.ACCOUNT_IDS, name)
        return found

    def over_quota(self, id: Hashable) -> str | None:
        """Why the object is one too many, in words."""
        found: str | None = self.ask(Index.OVER_QUOTA, id)
        return found

    def networks(self, id: str) -> tuple[str, ...] | None:
        """The CIDRs of an accepted IpAccessControlList."""
        found: tuple[str, ...] | None = self.ask(Index.NETWORKS, id)
        return found

    def users(self, id: str) -> int | None:
        """How many users of a CredentialList can pass; None if there is no such list."""
        found: int | None = self.ask(Index.USERS, id)
        return found

    def policy(self, id: str) -> tuple[PolicyRuleRow, ...] | None:
        """The rules of an accepted HeaderManipulationPolicy."""
        found: tuple[PolicyRuleRow, ...] | None = self.ask(Index.POLICY, id)
        return found

    def domain(self, domain: str) -> Claimant | None:
        """The oldest trunk that may claim the termination domain."""
        found: Claimant | None = self.ask(Index.DOMAIN, domain)
        return found

    def claim(self, trunk: Hashable) -> tuple[str, Claimant] | None:
        """The termination domain that the trunk may have, if it names one."""
        found: tuple[str, Claimant] | None = self.ask(Index.CLAIMS, trunk)
        return found

    def trunk(self, id: str) -> TrunkState | None:
        found: TrunkState | None = self.ask(Index.TRUNK, id)
        return found

    def is_secure(self, id: str) -> bool:
        """True for a served trunk that is held to TLS."""
        return self.ask(Index.SECURE, id) is not None

    def served(self, id: str) -> ServedTrunk | None:
        found: ServedTrunk | None = self.ask(Index.SERVED, id)
        return found

    def targets(self, id: str) -> Targets | None:
        """Where calls to the trunk's numbers go; None: no OriginationUri names it."""
        found: Targets | None = self.ask(Index.TARGETS, id)
        return found

    def outlook(self, id: str) -> TrunkOutlook | None:
        """What the trunk's status says but for its count of numbers."""
        found: TrunkOutlook | None = self.ask(Index.OUTLOOK, id)
        return found

    def number_count(self, id: str) -> int:
        """How many numbers lead to the trunk."""
        found: int = self.ask(Index.COUNT, id) or 0
        return found
