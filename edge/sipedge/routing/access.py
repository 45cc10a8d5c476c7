"""May this peer call at all? Account, transport, TLS version, source address, digest: in that order."""

from __future__ import annotations

from typing import Final

from sipedge.routing.authenticate import DigestCheck, DigestResult
from sipedge.routing.call import Call, Side, TrunkPlan
from sipedge.routing.findings import Finding, failed, passed, skipped
from sipedge.routing.message.messages import Message, SipRequest
from sipedge.routing.reasons import Reason
from sipedge.table import AccountRow, SiteRow, Table, TrunkRow
from sipedge.table.lookup import in_any
from sipedge.table.tally_names import account_minutes

OLD_TLS = frozenset({"TLSv1", "TLSv1.0", "TLSv1.1", "SSLv3", "SSLv2"})

_NOT_SECURE: Final = skipped("the trunk is not secure")
_NO_TLS: Final = skipped("no TLS")
_NO_ACCESS_LIST: Final = skipped("no access list")
_NO_CREDENTIAL_LIST: Final = skipped("no credential list")
_NO_CAP: Final = skipped("the account's minutes are not limited, or it is an emergency call")
_NOT_MERGED: Final = passed("no other such INVITE is being set up")


def account_active(side: Side) -> Finding:
    """As `active_account` found; a call without a trunk has no account."""
    return active_account(None) if side.plan is None else side.plan.active


def active_account(account: AccountRow | None) -> Finding:
    """A trunk without a known account is treated as suspended: fail closed."""
    if account is None:
        return failed(Reason.AccountSuspended, "the trunk belongs to no account")
    if account.suspended:
        return failed(Reason.AccountSuspended, f"account {account.id} is suspended")
    return passed(f"account {account.id}")


def secure_transport(call: Call) -> Finding:
    """S20: a secure trunk takes signalling over TLS alone."""
    return transport_allowed(call.trunk.secure, call.request)


def transport_allowed(secure: bool, message: Message) -> Finding:
    """S20, for whatever a customer's PBX sends of a call of a trunk that is, or is not, secure."""
    if not secure:
        return _NOT_SECURE
    if message.transport != "tls":
        return failed(
            Reason.TransportNotSecure, f"the trunk is secure; the call came over {message.transport}"
        )
    return passed("TLS")


def has_daily_minutes(plan: TrunkPlan, site: SiteRow) -> bool:
    """True if the account's minutes of a day are limited."""
    return plan.account is not None and plan.account.daily_minutes is not None


def minutes_left(call: Call) -> Finding:
    """Whether the account may begin another call today; an emergency call it always may."""
    most = call.account.daily_minutes
    if most is None or call.is_emergency:
        return _NO_CAP
    tally = call.table.tally(account_minutes(call.account.id))
    used = 0 if tally is None else tally.total
    if used >= most:
        return failed(Reason.DailyMinutesReached, f"minutes used: {used} of {most}")
    return passed(f"minutes used: {used} of {most}")


def not_merged(call: Call) -> Finding:
    """RFC 3261 section 8.2.2.2: one call for each Call-ID and From-tag, by whatever way its INVITE came."""
    if call.request.merged:
        return failed(Reason.MergedRequest, "an INVITE with its Call-ID and From-tag is being set up")
    return _NOT_MERGED


def tls_version(call: Call) -> Finding:
    """S13, S14: the listener may admit old versions for another account's sake."""
    if call.request.transport != "tls":
        return _NO_TLS
    version = call.request.tls_version or "unknown version"
    if version in OLD_TLS and not call.account.allow_deprecated_tls:
        return failed(Reason.TlsVersionTooLow, f"{version}; the account takes TLSv1.2 and later")
    return passed(version)


def authentication_configured(call: Call) -> Finding:
    """As `lists_of` found."""
    return call.plan.lists


def is_unlisted(plan: TrunkPlan, site: SiteRow) -> bool:
    """True if the trunk names nobody who may call by it."""
    return plan.lists.reason is not None


def lists_of(trunk: TrunkRow) -> Finding:
    """S26, S34: a trunk with neither kind of list takes no calls."""
    kinds = [
        name
        for name, rows in (("access list", trunk.access), ("credentials", trunk.credential_lists))
        if rows is not None
    ]
    if not kinds:
        return failed(Reason.NoAuthentication, "the trunk names no access list and no credential list")
    return passed(" and ".join(kinds))


def has_access_list(plan: TrunkPlan, site: SiteRow) -> bool:
    """True if the trunk takes calls from some addresses alone."""
    return plan.trunk.access is not None


def source_allowed(call: Call) -> Finding:
    """S36; before any challenge, so that a blocked source learns nothing."""
    if call.trunk.access is None:
        return _NO_ACCESS_LIST
    if not in_any(call.request.source, call.trunk.access):
        return failed(
            Reason.SourceNotAllowed, f"{call.request.source} is in no entry of the trunk's access lists"
        )
    return passed(call.request.source)


def has_credential_list(plan: TrunkPlan, site: SiteRow) -> bool:
    """True if the trunk asks for a digest."""
    return plan.trunk.credential_lists is not None


def digest_valid(call: Call) -> Finding:
    """S37, S38: none or stale is challenged, unknown or wrong is refused."""
    if call.trunk.credential_lists is None:
        return _NO_CREDENTIAL_LIST
    return judge_digest(call.table, call.trunk.credential_lists, call.request, call.digest)


def judge_digest(
    table: Table, credential_lists: tuple[str, ...], request: SipRequest, digest: DigestCheck
) -> Finding:
    """Whether the request bears the digest of a user of these lists."""
    username = request.username
    if username is None:
        return failed(Reason.CredentialsRequired, "no Proxy-Authorization for the realm of the platform")
    match digest(table.ha1s(credential_lists, username)):
        case DigestResult.OK:
            return passed(f"user {username}")
        case DigestResult.MISSING:
            return failed(Reason.CredentialsRequired, "no Proxy-Authorization for the realm of the platform")
        case DigestResult.STALE:
            return failed(
                Reason.CredentialsStale, f"user {username}: the nonce is old, used or another call's"
            )
        case DigestResult.OTHER_URI:
            return failed(Reason.CredentialsWrong, f"user {username}: the digest names another URI")
        case DigestResult.OTHER_ALGORITHM:
            return failed(Reason.CredentialsWrong, f"user {username}: the digest is not MD5, or not qop=auth")
        case DigestResult.WRONG:
            return failed(Reason.CredentialsWrong, f"user {username}: unknown, or the password is wrong")
