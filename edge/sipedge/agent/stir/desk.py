"""Signs and judges, with what the platform's files say now. Imported only where there are such files."""

from __future__ import annotations

import datetime
import logging
import time

from sipedge.agent.stir.fetching import Certificates, FetchError
from sipedge.agent.stir.material import Material
from sipedge.agent.stir.proving import UnprovenError, prove, sign
from sipedge.routing.stir.passport import Passport, identity_value, shaken_claims, shaken_header
from sipedge.routing.stir.questions import SignQuestion, VerifyQuestion
from sipedge.routing.stir.verdicts import Proof, claim_of, verdict_of

log = logging.getLogger(__name__)


class Desk:
    """One set of files in use."""

    def __init__(self, material: Material, certificates: Certificates) -> None:
        self._material, self._certificates = material, certificates
        certificates.become((material.signer.url, material.signer.certificate), material.roots.pem)

    def fault(self) -> str | None:
        """Why nothing can be signed now."""
        return self._material.signer.fault(datetime.datetime.now(datetime.UTC))

    def sign(self, question: SignQuestion) -> str | None:
        """The value of the Identity header; None while the certificate does not hold."""
        if self.fault() is not None:
            return None
        signer = self._material.signer
        claims = shaken_claims(
            question.attestation, question.calling, question.called, question.origin, int(time.time())
        )
        return identity_value(sign(signer.key, shaken_header(signer.url), claims), signer.url)

    async def judge(self, question: VerifyQuestion) -> str:
        """The verdict, a blank, and why in words."""
        claim = claim_of(
            question.values,
            question.calling,
            question.called,
            time.time(),
            is_customers=question.is_customers,
        )
        if isinstance(claim, str):
            return f"{verdict_of(claim, {})} {claim}"
        faults: list[str] = []
        proofs: dict[str, Proof] = {}
        for passport in claim.passports:
            fault = await self._fault_of(passport)
            proofs[passport.token] = Proof.BAD if fault else Proof.GOOD
            if fault:
                faults.append(fault)
                break  # one is enough: nobody has to be asked for the rest
        return f"{verdict_of(claim, proofs)} {faults[0] if faults else 'its certificate is believed'}"

    async def _fault_of(self, passport: Passport) -> str | None:
        """What its certificate does not prove; None if it is good."""
        try:
            prove(passport, await self._certificates.fetch(passport.url), self._material.roots)
            self._certificates.commend(passport.url)
        except FetchError as error:
            return f"no certificate: {error}"
        except UnprovenError as error:
            return str(error)
        return None
