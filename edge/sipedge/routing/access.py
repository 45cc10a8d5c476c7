"""May this peer call at all? Account, transport, TLS version, source address, digest: in that order."""

from __future__ import annotations

from typing import Final

from sipedge.routing.authenticate import DigestCheck, DigestResult
from sipedge.routing.call import Call, Finding, Side, failed, passed, skipped
from sipedge.routing.message import Message, SipRequest
from sipedge.routing.reasons import Reason
from sipedge.table import AccountRow, Table, TrunkRow
from sipedge.table.lookup import in_any

OLD_TLS = frozenset({"TLSv1", "TLSv1.0", "TLSv1.1", "SSLv3", "SSLv2"})

_NOT_SECURE: Final = skipped("the trunk is not secure")
_NO_TLS: Final = skipped("no TLS")
_NO_ACCESS_LIST: Final = skipped("no access list")
_NO_CREDENTIAL_LIST: Final = skipped("no credential list")


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


def source_allowed(call: Call) -> Finding:
    """S36; before any challenge, so that a blocked source learns nothing."""
    if call.trunk.access is None:
        return _NO_ACCESS_LIST
    if not in_any(call.request.source, call.trunk.access):
        return failed(
            Reason.SourceNotAllowed, f"{call.request.source} is in no entry of the trunk's access lists"
        )
    return passed(call.request.source)


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
        return failed(Reason.CredentialsRequired, "no Proxy-Authorization for our realm")
    match digest(table.ha1s(credential_lists, username)):
        case DigestResult.OK:
            return passed(f"user {username}")
        case DigestResult.MISSING:
            return failed(Reason.CredentialsRequired, "no Proxy-Authorization for our realm")
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
