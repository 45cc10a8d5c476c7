"""A whole platform that is right, and what a mistake in it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GOOD: Final = """\
apiVersion: trunkline.dev/v1alpha1
kind: Trunk
metadata: {name: hq, namespace: acme}
spec:
  termination:
    domainName: acme-hq
    ipAccessControlListRefs: [{name: hq-sites}]
    credentialListRefs: [{name: hq-users}]
---
apiVersion: trunkline.dev/v1alpha1
kind: IpAccessControlList
metadata: {name: hq-sites, namespace: acme}
spec:
  entries:
  - cidr: 203.0.113.0/29
---
apiVersion: trunkline.dev/v1alpha1
kind: CredentialList
metadata: {name: hq-users, namespace: acme}
spec:
  credentials:
  - username: pbx
    passwordSecretRef: {name: pbx-password, key: password}
---
apiVersion: v1
kind: Secret
metadata: {name: pbx-password, namespace: acme}
stringData: {password: Quick-Start-2026}
---
apiVersion: trunkline.dev/v1alpha1
kind: OriginationUri
metadata: {name: pbx1, namespace: acme}
spec:
  trunkRef: {name: hq}
  sipUri: sip:pbx1.acme.example
  priority: 10
  weight: 20
---
apiVersion: trunkline.dev/v1alpha1
kind: Number
metadata: {name: main-line, namespace: acme}
spec:
  number: "+12125550100"
  trunkRef: {name: hq}
---
apiVersion: trunkline.dev/v1alpha1
kind: Number
metadata: {name: block, namespace: acme}
spec:
  range: {first: "+12125551000", last: "+12125551099"}
  trunkRef: {name: hq}
---
apiVersion: trunkline.dev/v1alpha1
kind: Account
metadata: {name: acme}
spec:
  namespaces: [acme]
  numberPrefixes: ["+1212"]
  domainNames: [acme-hq]
---
apiVersion: trunkline.dev/v1alpha1
kind: Edge
metadata: {name: ashburn}
spec:
  region: us1
  advertise: {type: Static, addresses: [198.51.100.1]}
---
apiVersion: trunkline.dev/v1alpha1
kind: Carrier
metadata: {name: telco}
spec:
  sourceRanges: [198.18.0.0/28]
  prefixes: ["+"]
  gateways:
  - host: gw.telco.example
    transport: UDP
"""

TRUNK = "Trunk acme/hq"
LIST = "IpAccessControlList acme/hq-sites"
USERS = "CredentialList acme/hq-users"
URI = "OriginationUri acme/pbx1"
NUMBER = "Number acme/main-line"
BLOCK = "Number acme/block"
ACCOUNT = "Account acme"
EDGE = "Edge ashburn"
CARRIER = "Carrier telco"

SECOND_NUMBER: Final = """\
apiVersion: trunkline.dev/v1alpha1
kind: Number
metadata: {name: second, namespace: acme}
spec: {number: "+12125550100"}
"""
SECOND_TRUNK: Final = """\
apiVersion: trunkline.dev/v1alpha1
kind: Trunk
metadata: {name: lab, namespace: acme}
spec:
  termination: {domainName: acme-hq, ipAccessControlListRefs: [{name: hq-sites}]}
"""
SECOND_EDGE: Final = """\
apiVersion: trunkline.dev/v1alpha1
kind: Edge
metadata: {name: ashburn}
spec: {advertise: {type: PodIP}}
"""


@dataclass(frozen=True)
class Mistake:
    title: str
    wrote: str
    """What of `GOOD` is replaced, once; "" = `instead` is one more document."""
    instead: str
    owner: str
    field: str
    said: tuple[str, ...]
    """Words of the one finding."""
    by_kubectl: tuple[str, ...] | None = None
    """Words of what kubectl says. None = no API server can know it of one object alone."""
    severity: str = "error"

    @property
    def text(self) -> str:
        """The platform with the mistake in it."""
        return GOOD.replace(self.wrote, self.instead, 1) if self.wrote else f"{GOOD}---\n{self.instead}"
