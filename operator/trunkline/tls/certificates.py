"""Pure: which certificate an Edge should serve, and what its `CertificateReady` says."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final, Literal

from cryptography import x509

from trunkline.api import SecretValues
from trunkline.plan.certificate_names import CertificateNames
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason
from trunkline.tls.authority import Authority
from trunkline.tls.given import CertificateError, given_pair, missing_names
from trunkline.tls.self_signed import KeyPair, is_due, is_signed_by, names_of

WARNING: Final = datetime.timedelta(days=21)
"""So long before the end of a given certificate its renewal is asked for."""

_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Source:
    """A Secret that a certificate is taken from: somebody put it there, or an issuer does."""

    secret: str
    """`namespace/name`."""
    values: SecretValues | None
    """What it holds; None if it is not there."""
    missing: str
    """Why it may not be there, and what to do about it."""
    missing_reason: StatusReason = StatusReason.CERTIFICATE_MISSING
    field: str = "spec.tls.secretRef"
    """The field of the Edge that asks for it."""
    note: str = ""
    """What else there is to say of a good one."""


@dataclass(frozen=True, slots=True)
class CertificateWish:
    """What certificate an Edge should serve."""

    edge: str
    names: CertificateNames
    source: Source | None = None
    """None = of the own CA."""


@dataclass(frozen=True, slots=True)
class CertificateDecision:
    """What to do about the certificate of one Edge."""

    action: Literal["keep", "use", "issue", "none"]
    """keep: what is served now. use: `pair`. issue: a new one of the own CA. none: there is nothing."""
    pair: KeyPair | None
    opinion: Opinion


def decide(
    wish: CertificateWish,
    stored: KeyPair | None,
    authority: Authority | CertificateError,
    now: datetime.datetime,
) -> CertificateDecision:
    """`stored` is what the Edge serves now. Instead of an authority, why there is none. `now` is aware.

    A fault never takes away what is served: an Edge without a certificate cannot take TLS calls at all.
    """
    if wish.source is None:
        return _own(wish, stored, authority, now)
    try:
        pair = _checked(wish.names, wish.source, now)
    except CertificateError as error:
        return _instead(wish, wish.source, stored, authority, now, error)
    opinion = given_opinion(wish.names, wish.source, pair, now)
    return CertificateDecision("keep" if pair == stored else "use", pair, opinion)


def told(wish: CertificateWish, decision: CertificateDecision, issued: KeyPair | None) -> Opinion:
    """What the Edge says once a decision is carried out; `issued` is the pair that was issued for it, if any.

    One of our own that replaces a faulty one does not make the fault undone.
    """
    if decision.action == "issue" and wish.source is None and issued is not None:
        return issued_opinion(issued)
    return decision.opinion


def issued_opinion(pair: KeyPair) -> Opinion:
    """For a certificate of the own CA."""
    message = f"issued by the own CA until {_end(pair):%Y-%m-%d}"
    return Opinion("CertificateReady", "True", StatusReason.ISSUED, message)


def given_opinion(names: CertificateNames, source: Source, pair: KeyPair, now: datetime.datetime) -> Opinion:
    """For a good certificate out of a Secret."""
    message = f"the certificate of Secret {source.secret}, until {_end(pair):%Y-%m-%d}"
    reason = StatusReason.GIVEN
    if _end(pair) - now < WARNING:
        reason = StatusReason.EXPIRES_SOON
        message += ": renew it"
    if source.note:
        message += f"; {source.note}"
    lacking = missing_names(pair, names.dns)
    if lacking:
        message += f"; it is not good for {_listed(lacking)}"
    return Opinion("CertificateReady", "True", reason, message)


def _checked(names: CertificateNames, source: Source, now: datetime.datetime) -> KeyPair:
    if source.values is None:
        raise CertificateError(f"Secret {source.secret} {source.missing}", source.missing_reason)
    pair = given_pair(source.values, now)
    reached = tuple(name for name in names.dns if name.startswith("*."))
    lacking = missing_names(pair, reached)
    if reached and lacking == reached:
        raise CertificateError(
            f"the certificate of Secret {source.secret} is good for none of {_listed(reached)}: "
            "have one issued with these names",
            StatusReason.NAMES_MISSING,
        )
    return pair


def _own(
    wish: CertificateWish,
    stored: KeyPair | None,
    authority: Authority | CertificateError,
    now: datetime.datetime,
) -> CertificateDecision:
    if isinstance(authority, CertificateError):
        opinion = Opinion("CertificateReady", "False", authority.reason, str(authority))
        return CertificateDecision("keep" if stored else "none", stored, opinion)
    if stored is not None and _is_good(stored.parsed, wish.names, authority, now):
        return CertificateDecision("keep", stored, issued_opinion(stored))
    pending = Opinion("CertificateReady", "Unknown", StatusReason.PENDING, "a certificate is being issued")
    return CertificateDecision("issue", None, pending)


def _instead(
    wish: CertificateWish,
    source: Source,
    stored: KeyPair | None,
    authority: Authority | CertificateError,
    now: datetime.datetime,
    error: CertificateError,
) -> CertificateDecision:
    """What is served while the Secret's certificate cannot be: the last good one, or else one of our own."""
    own = _own(wish, stored, authority, now)
    is_ours = stored is not None and not isinstance(authority, CertificateError) and _is_of(stored, authority)
    action, pair = (own.action, own.pair) if stored is None or is_ours else ("keep", stored)
    message = f"{source.field}: {error}"
    if action == "issue" or is_ours:
        message += "; a certificate of the own CA is served meanwhile"
    elif stored is not None:
        message += f"; the last one is served meanwhile, until {_end(stored):%Y-%m-%d}"
    return CertificateDecision(action, pair, Opinion("CertificateReady", "False", error.reason, message))


def _is_good(
    certificate: x509.Certificate, wanted: CertificateNames, authority: Authority, now: datetime.datetime
) -> bool:
    """Names that are wanted no more do no harm until it is renewed anyway."""
    held = names_of(certificate)
    return (
        set(wanted.dns) <= set(held.dns)
        and set(wanted.addresses) <= set(held.addresses)
        and not is_due(certificate, now)
        and any(is_signed_by(certificate, signer) for signer in authority.signers)
    )


def _is_of(pair: KeyPair, authority: Authority) -> bool:
    return any(is_signed_by(pair.parsed, signer) for signer in authority.signers)


def _end(pair: KeyPair) -> datetime.datetime:
    return pair.parsed.not_valid_after_utc


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
