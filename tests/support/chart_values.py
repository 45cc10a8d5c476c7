"""Values for the chart."""

from __future__ import annotations

from typing import Any, Final

Manifest = dict[str, Any]

RFC2136: Final[Manifest] = {
    "provider": "rfc2136",
    "rfc2136": {"server": "192.0.2.53", "tsigSecretRef": {"name": "tsig"}, "tsigKeyName": "trunkline"},
}
EDGE_PODS: Final[Manifest] = {
    "podLabels": {"team": "voice"},
    "podAnnotations": {"sidecar.istio.io/inject": "false"},
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "pbx"}}}
            ]
        }
    },
    "env": [
        {"name": "HTTPS_PROXY", "value": "http://proxy.example"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key"}}},
    ],
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "hostAliases": [{"ip": "192.0.2.9", "hostnames": ["homer.example"]}],
    "runtimeClassName": "gvisor",
}
EVERYTHING: Final[Manifest] = {
    "global": {"imageRegistry": "mirror.example:5000/voice/"},
    "commonLabels": {"example.com/owner": "voice"},
    "extraObjects": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-notes"}},
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more-notes\n",
    ],
    "tenantNamespaces": ["acme", "globex"],
    "deniedTargetCidrs": ["10.0.0.0/8"],
    "tollFraudPrefixes": ["+37190"],
    "edgeNamespace": "sip",
    "edgeNamespacePodSecurity": "restricted",
    "dns": RFC2136,
    "operator": {
        "replicas": 2,
        "image": {"repository": "operator", "tag": "2", "pullPolicy": "Always"},
        "serviceAccount": {"name": "voice", "annotations": {"example.com/role": "dns"}},
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
        ],
        "extraEnv": [{"name": "SSL_CERT_FILE", "value": "/ca/ca.crt"}],
        "extraArgs": ["--listen-address=::"],
        "extraVolumes": [{"name": "ca", "configMap": {"name": "company-ca"}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca"}],
        "imagePullSecrets": [{"name": "registry"}],
        "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "priorityClassName": "high",
        "podLabels": {"team": "voice"},
        "podAnnotations": {"note": "x"},
        "verbose": True,
    },
    "edge": {
        **EDGE_PODS,
        "image": {"repository": "edge", "digest": f"sha256:{64 * '3'}", "pullPolicy": "Never"},
        "imagePullSecrets": [{"name": "registry"}, {"name": "other"}],
        "resources": {
            "kamailio": {"limits": {"cpu": 2}},
            "agent": {"requests": {"memory": "100Mi"}},
            "recorder": {"requests": {"cpu": 1}},
        },
        "priorityClassName": "calls",
        "callsPerSecond": 500,
        "callsInProgress": 20000,
        "recoveryCalls": 30,
    },
    "recordings": {
        "url": "file:///var/lib/recordings/calls",
        "endpoint": "https://s3.example",
        "region": "eu-west-1",
        "credentialSecretRef": {"name": "bucket-keys"},
        "retentionDays": 30,
        "spoolSize": "5Gi",
        "image": {"repository": "recorder", "tag": 4},
        "volume": {
            "create": True,
            "claimName": "calls",
            "size": "1Ti",
            "storageClassName": "shared",
            "accessModes": ["ReadWriteOnce"],
        },
    },
    "crds": {"enabled": False},
    "cnam": {"url": "https://cnam.example/{number}"},
    "stirShaken": {"secretRef": {"name": "stir"}},
    "uninstall": {"enabled": True, "drain": "2m", "rbac": "release"},
    "prometheusRules": {
        "enabled": True,
        "namespace": "monitoring",
        "labels": {"release": "prometheus"},
        "runbookUrl": "https://voice.example/runbooks",
        "disabled": ["TrunklineTargetsSilent"],
    },
    "dashboards": {"enabled": True, "namespace": "monitoring", "annotations": {"grafana_folder": "Voice"}},
    "monitoring": {
        "serviceMonitor": {
            "enabled": True,
            "namespace": "monitoring",
            "labels": {"release": "prometheus"},
            "interval": "10s",
            "scrapeTimeout": "5s",
            "honorLabels": True,
            "relabelings": [{"action": "labeldrop", "regex": "container"}],
        },
        "podMonitor": {
            "enabled": True,
            "labels": {"release": "prometheus"},
            "interval": "15s",
            "metricRelabelings": [
                {"action": "drop", "sourceLabels": ["__name__"], "regex": "process_virtual_.*"}
            ],
        },
    },
}
"""Every value that the chart has, none with its default."""
