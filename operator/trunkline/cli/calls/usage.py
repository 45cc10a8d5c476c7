"""What calls add up to: minutes, calls, and what they cost by a table of rates. Summed by DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import yaml

from sipedge.counted import one_or_many
from trunkline.cli.options import UsageBy
from trunkline.cli.reading import UsageError


@dataclass(frozen=True, slots=True)
class Rate:
    """What an answered call costs whose called number begins so; the longest beginning counts."""

    prefix: str
    direction: str
    """`termination`, `origination`, or "" for both."""
    per_minute: Decimal
    per_call: Decimal
    round_seconds: int
    """A begun one counts whole: 60 = by the minute."""


@dataclass(frozen=True, slots=True)
class Rates:
    """A table of rates."""

    currency: str
    rates: tuple[Rate, ...]


NO_RATES: Final = Rates("", ())
_KEYS: Final = frozenset({"prefix", "direction", "perMinute", "perCall", "roundSeconds"})
_COLUMNS: Final = {
    "event": "VARCHAR", "callSid": "VARCHAR", "startedAt": "VARCHAR", "trunk": "VARCHAR",
    "account": "VARCHAR", "carrier": "VARCHAR", "direction": "VARCHAR", "to": "VARCHAR",
    "result": "VARCHAR", "durationSeconds": "DOUBLE",
}  # fmt: skip
_GROUPS: Final[Mapping[UsageBy, str]] = {
    UsageBy.TRUNK: "trunk",
    UsageBy.ACCOUNT: "account",
    UsageBy.CARRIER: "carrier",
    UsageBy.DAY: "left(startedAt, 10)",
}


def read_rates(path: Path) -> Rates:
    """The table of a YAML file. Raises UsageError, which names the rate and its fault."""
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UsageError(f"--rates {path}: {error}") from error
    rates = said.get("rates") if isinstance(said, dict) else None
    if not isinstance(rates, list):
        raise UsageError(
            f"--rates {path}: must be `currency: USD` and `rates: [{{prefix: +1, perMinute: 0.01}}]`"
        )
    return Rates(
        str(said.get("currency") or ""),
        tuple(_rate(f"--rates {path}: rate {number}", each) for number, each in enumerate(rates, 1)),
    )


def _rate(where: str, said: Any) -> Rate:
    if not isinstance(said, dict) or not set(said) <= _KEYS:
        raise UsageError(f"{where}: a rate has {', '.join(sorted(_KEYS))}, and nothing else")
    direction, seconds = said.get("direction", ""), said.get("roundSeconds", 60)
    if direction not in ("", "termination", "origination"):
        raise UsageError(f"{where}: direction {direction!r} must be termination or origination")
    if type(seconds) is not int or not 1 <= seconds <= 3600:
        raise UsageError(f"{where}: roundSeconds {seconds!r} must be 1 to 3600")
    prefix = str(said.get("prefix", ""))
    if not (prefix.removeprefix("+").isdecimal() or prefix in ("", "+")):
        raise UsageError(f"{where}: prefix {prefix!r} must be + and digits; quote it")
    numbers = [_money(where, said.get(key, 0)) for key in ("perMinute", "perCall")]
    return Rate(f"+{prefix.removeprefix('+')}", direction, numbers[0], numbers[1], seconds)


def _money(where: str, said: Any) -> Decimal:
    try:
        value = Decimal(str(said))
    except InvalidOperation as error:
        raise UsageError(f"{where}: {said!r} is not an amount") from error
    if not value.is_finite() or value < 0:
        raise UsageError(f"{where}: {said!r} is not an amount")
    return value


def sums(files: Sequence[Path], by: UsageBy, since: str | None, rates: Rates) -> list[dict[str, Any]]:
    """A row of sums for each group, in order. Raises UsageError where DuckDB is not installed."""
    try:
        import duckdb
    except ImportError as error:
        raise UsageError("usage is summed by DuckDB: pip install 'trunkline[records]'") from error
    if not files:
        return []
    with duckdb.connect() as engine:
        engine.execute(
            "CREATE TABLE rate (prefix VARCHAR, direction VARCHAR, per_minute DECIMAL(18,6), "
            "per_call DECIMAL(18,6), round_seconds INTEGER)"
        )
        for each in rates.rates:
            values = (each.prefix, each.direction, each.per_minute, each.per_call, each.round_seconds)
            engine.execute("INSERT INTO rate VALUES (?, ?, ?, ?, ?)", values)
        engine.execute(
            _QUERY.format(columns=_COLUMNS, group=_GROUPS[by]), [list(map(str, files)), since or ""]
        )
        names = [each[0] for each in engine.description or ()]
        return [dict(zip(names, row, strict=True)) for row in engine.fetchall()]


_QUERY: Final = """
WITH record AS (
    SELECT * FROM read_ndjson(?, columns = {columns}, ignore_errors = true)
    WHERE callSid IS NOT NULL AND event IS NULL AND coalesce(startedAt, '') >= ?
    QUALIFY row_number() OVER (PARTITION BY callSid) = 1
), priced AS (
    SELECT {group} AS name, result, coalesce(durationSeconds, 0) AS seconds,
        (SELECT arg_max(struct_pack(m := per_minute, c := per_call, r := round_seconds),
            length(prefix) * 2 + length(rate.direction)::BOOLEAN::INTEGER)
         FROM rate WHERE starts_with("to", prefix) AND rate.direction IN ('', record.direction)) AS rate
    FROM record
)
SELECT coalesce(nullif(name, ''), '-') AS name,
    count(*) AS calls,
    count(*) FILTER (result = 'answered') AS answered,
    round(sum(seconds) / 60, 2) AS minutes,
    round(sum(CASE WHEN result = 'answered' AND rate IS NOT NULL
        THEN rate.c + rate.m * ceil(seconds / rate.r) * rate.r / 60 ELSE 0 END), 4) AS cost,
    count(*) FILTER (result = 'answered' AND rate IS NULL) AS unrated
FROM priced GROUP BY 1 ORDER BY 1
"""


def usage_text(found: Sequence[Mapping[str, Any]], by: UsageBy, rates: Rates) -> str:
    """A table with its total."""
    priced = bool(rates.rates)
    total = {
        key: sum(row[key] for row in found) for key in ("calls", "answered", "minutes", "cost", "unrated")
    }
    rows = [*((row["name"], row) for row in found), ("total", total)]
    width = max(len(by.value), *(len(name) for name, _ in rows))
    cost = f"  {'COST ' + rates.currency:>14}" if priced else ""
    lines = [f"{by.value.upper():<{width}}  {'CALLS':>9}  {'ANSWERED':>9}  {'MINUTES':>12}{cost}"]
    for name, row in rows:
        cost = f"  {row['cost']:>14,.4f}" if priced else ""
        lines.append(
            f"{name:<{width}}  {row['calls']:>9,}  {row['answered']:>9,}  {row['minutes']:>12,.2f}{cost}"
        )
    if priced and total["unrated"]:
        calls = one_or_many(total["unrated"], "answered call")
        lines.append(f"{total['unrated']:,} {calls} without a rate: no prefix of the table fits")
    return "\n".join(lines)
