"""Asks DNS one question at a time: dnspython's resolver, its answers as `location` reads them."""

from __future__ import annotations

import time
from typing import Final

import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.resolver
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from sipedge.agent.location import Naptr, Question, Record, Srv
from sipedge.name_servers import QUERY_SECONDS, SYSTEM_RESOLVERS, NameServers

NEGATIVE_TTL: Final = 60.0
"""Seconds for which a "no such name" holds that does not say for how long."""


class NoAnswerError(Exception):
    """DNS gave no answer; the message says what it did instead."""


class Dns:
    """Questions to one resolver (`ADDR:PORT`), or to those of the system. Search domains are not used."""

    def __init__(self, resolver: str | None) -> None:
        """Raises ValueError for a resolver that is no `ADDR:PORT`."""
        self._servers = NameServers(resolver)

    async def ask(self, question: Question) -> tuple[tuple[Record, ...], float]:
        """The records and the seconds for which they hold. Raises NoAnswerError if there is no answer."""
        try:
            resolver = self._servers.resolver()
            answer = await resolver.resolve(
                question.name,
                question.type,
                search=False,
                raise_on_no_answer=False,
                lifetime=QUERY_SECONDS * len(resolver.nameservers),
            )
        except dns.resolver.NXDOMAIN as error:
            return (), _negative_ttl(error)
        except (dns.exception.DNSException, OSError, ValueError) as error:
            raise NoAnswerError(f"{question.type} {question.name}: {_reason(error)}") from error
        ttl = max(0.0, answer.expiration - time.time())
        return tuple(_record(each) for each in answer.rrset or ()), ttl


def _record(data: dns.rdata.Rdata) -> Record:
    match data:
        case NAPTR():
            return Naptr(
                data.order,
                data.preference,
                data.flags.decode(),
                data.service.decode(),
                _host(data.replacement),
            )
        case SRV():
            return Srv(data.priority, data.weight, data.port, _host(data.target))
    return data.to_text()


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True)


def _negative_ttl(error: dns.resolver.NXDOMAIN) -> float:
    responses: dict[dns.name.Name, dns.message.QueryMessage] = error.kwargs["responses"]
    try:
        return float(min(each.resolve_chaining().minimum_ttl for each in responses.values()))
    except (dns.exception.DNSException, ValueError):
        return NEGATIVE_TTL


def _reason(error: Exception) -> str:
    match error:
        case dns.exception.Timeout():
            return "no answer"
        case dns.resolver.NoNameservers():
            return "the name servers refuse or fail"
        case dns.resolver.NoResolverConfiguration():
            return f"{SYSTEM_RESOLVERS} names no server"
    return str(error)
