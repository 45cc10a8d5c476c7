"""What an account may call: its countries, sorts of numbers, and blocked prefixes. Pure.

A number is judged in every spelling that leads to it (`numbering.spellings`), and the worst one counts.
"""

from __future__ import annotations

from typing import Final

from sipedge.numbering import NumberKind, kinds_of, spellings
from sipedge.routing.call import Call, TrunkPlan
from sipedge.routing.findings import Finding, failed, passed, skipped
from sipedge.routing.reasons import Reason
from sipedge.table import AccountRow, SiteRow
from sipedge.table.dialing import DialingRow, NumberSort

_EMERGENCY: Final = skipped("an emergency call")
_NO_LIMITS: Final = passed("every country")
_WITHOUT_PERMISSIONS: Final = (NumberSort.LOW_RISK, NumberSort.HIGH_RISK_SPECIAL)
"""An account of which nothing is said calls all but what the platform itself takes for toll fraud."""


def has_limits(plan: TrunkPlan, site: SiteRow) -> bool:
    """True if there are numbers that the plan's account may not call."""
    account = plan.account
    return account is None or not _is_free(account, site.toll_fraud_prefixes)


def _is_free(account: AccountRow, toll_fraud: tuple[str, ...]) -> bool:
    return account.dialing is None and not account.blocked and not toll_fraud


def number_permitted(call: Call) -> Finding:
    """Whether the account may call the called number; an emergency number always."""
    if call.is_emergency:
        return _EMERGENCY
    return may_call(call.account, call.site.toll_fraud_prefixes, call.called)


def may_call(account: AccountRow, toll_fraud: tuple[str, ...], number: str) -> Finding:
    """The same for any E.164 number; `toll_fraud` are the platform's prefixes."""
    if _is_free(account, toll_fraud):
        return _NO_LIMITS
    spelled = spellings(number)
    for blocked in account.blocked:
        for each in spelled:
            if each.startswith(blocked.prefixes):
                prefix = next(prefix for prefix in blocked.prefixes if each.startswith(prefix))
                return failed(
                    Reason.NumberBlocked,
                    f"{number}: Account {blocked.account} blocks {prefix} (blockedPrefixes)",
                )
    is_toll_fraud = any(each.startswith(toll_fraud) for each in spelled)
    if account.dialing is None and not is_toll_fraud:
        return _NO_LIMITS
    findings = [_judge(account.dialing, kind, is_toll_fraud, number) for kind in kinds_of(number)]
    return next((each for each in findings if each.reason is not None), findings[0])


def _judge(dialing: DialingRow | None, kind: NumberKind, is_toll_fraud: bool, number: str) -> Finding:
    sort = _sort_of(kind, is_toll_fraud)
    if dialing is None:
        allowed, field = _WITHOUT_PERMISSIONS, "there are no dialingPermissions"
    else:
        allowed, field = _allowed(dialing, kind.country)  # type: ignore[assignment]
    told = f"{number} is a {sort} number of {kind.country}"
    if sort in allowed:
        return passed(f"{told}: {field}")
    return failed(Reason.CountryNotPermitted, f"{told}, which is not allowed: {field}")


def _sort_of(kind: NumberKind, is_toll_fraud: bool) -> NumberSort:
    if is_toll_fraud:
        return NumberSort.HIGH_RISK_TOLL_FRAUD
    return NumberSort.HIGH_RISK_SPECIAL if kind.is_special else NumberSort.LOW_RISK


def _allowed(dialing: DialingRow, country: str) -> tuple[tuple[str, ...], str]:
    """The sorts of numbers that may be called in the country, and the field that says so."""
    whose = f"Account {dialing.account}, dialingPermissions"
    for each in dialing.countries:
        if each.iso_code == country:
            return each.allow, f"{whose}.countries[isoCode={country}]"
    return dialing.unlisted, f"{whose}.unlisted"
