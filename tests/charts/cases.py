"""The matrix of values: what cities differ by, each at least once."""

from typing import Any

_CHANNELS: dict[str, Any] = {
    "channel-line": {"secret": "line", "settings": {"LINE_CHANNEL_ID": "1", "LINE_BOT_USER_ID": "U1"}},
    "channel-slack": {"secret": "slack", "settings": {"SLACK_TEAM_ID": "T1"}},
}
_PRODUCTION: dict[str, Any] = {
    "profile": "production",
    "publicUrl": "https://machi.city.example",
    "objectStore": {"url": "s3://machi/photos", "existingSecret": "photos"},
}
_OUTSIDE: dict[str, Any] = {
    "database": {"existingSecret": "addresses", "caSecret": "database-ca"},
    "kafka": {
        "bootstrapServers": "kafka-0.example:9093,kafka-1.example:9093",
        "securityProtocol": "SASL_SSL",
        "existingSecret": "kafka",
    },
}
_GATEWAY = {"kind": "gateway", "host": "machi.city.example", "gateway": {"name": "web", "namespace": "gateways"}}

CASES: dict[str, dict[str, Any]] = {
    "evaluation": {},
    "evaluation-small": {
        "channel-slack": {"enabled": False},
        "global": {
            "networkPolicy": {"enabled": False},
            "image": {"registry": "", "tag": "1.2.3", "pullSecrets": ["pull"]},
        },
        "evaluation": {"seed": False, "storageClass": "fast"},
    },
    "outside": {
        **_CHANNELS,
        "global": {
            **_PRODUCTION,
            **_OUTSIDE,
            "kafka": {**_OUTSIDE["kafka"], "caSecret": "kafka-ca"},
            "keys": {"existingSecret": "keys"},
            "moreTenants": ["kasuga", "onojo"],
            "channels": {"existingSecret": "channels"},
            "ownPods": ["idea-box"],
            "entrance": {"kind": "ingress", "host": "machi.city.example", "className": "web", "tlsSecret": "web"},
            "telemetry": {
                "monitor": "ServiceMonitor",
                "otlpEndpoint": "http://spans:4317",
                "labels": {"release": "prom"},
            },
        },
        "reports": {
            "replicas": 3,
            "priorityClassName": "city",
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "city", "operator": "Exists"}],
        },
        "operator": {"nodeSelector": {"disk": "slow"}, "tolerations": [{"key": "jobs", "operator": "Exists"}]},
        "identity": {"autoscaling": {"kind": "hpa", "min": 2}, "secretsRevision": "2026-05"},
        "notifications": {"autoscaling": {"kind": "keda", "min": 1}, "annotations": {"a/b": "c"}},
    },
    "operators": {
        **_CHANNELS,
        "global": {
            **_PRODUCTION,
            "deploymentAnnotations": {"reloader.stakater.com/auto": "true"},
            "database": {"cnpg": {"enabled": True, "storageClass": "fast"}},
            "kafka": {"strimzi": {"enabled": True, "storageClass": "fast"}},
            "entrance": {**_GATEWAY, "issuer": "letsencrypt", "tlsSecret": "web"},
            "telemetry": {"monitor": "PodMonitor"},
            "externalSecrets": {"store": "vault", "secrets": [{"name": "line", "from": "machi/line"}]},
        },
        "channel-line": {**_CHANNELS["channel-line"], "autoscaling": {"kind": "keda", "max": 3}},
    },
    "relay": {
        **_CHANNELS,
        "global": {
            **_PRODUCTION,
            **_OUTSIDE,
            "networkPolicy": {
                "internet": {"cidrs": ["10.1.2.0/24"], "ports": [8443]},
                "database": {"cidrs": ["10.1.3.5/32"]},
            },
        },
    },
    "strimzi-of-others": {
        **_CHANNELS,
        "global": {**_PRODUCTION, **_OUTSIDE, "kafka": {"strimzi": {"enabled": True, "cluster": "city-kafka"}}},
    },
}
