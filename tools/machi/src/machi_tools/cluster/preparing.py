"""Before a release's pods: makes what is made once, looks for what has to be there, writes down whom to trust."""

import json
import re
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

from machi_tools.cluster.api import Kubernetes
from machi_tools.errors import StackError

_PLACE = re.compile(r"\{(hex64|hex32|word|password:([a-z0-9.-]+)/([a-z0-9-]+))\}")


class Made(BaseModel):
    """A Secret whose values are random where {hex64}, {hex32}, or {word} stand."""

    name: str
    type: str = "Opaque"
    data: dict[str, str]


class Plan(BaseModel):
    """What the chart asks for: Secrets to make, and keys that others' Secrets have to hold."""

    release: str
    make: list[Made] = []
    need: dict[str, list[str]] = {}


def read_plan(path: Path) -> Plan:
    """The chart's plan."""
    return Plan.model_validate_json(path.read_text(encoding="utf-8"))


async def make_secrets(kubernetes: Kubernetes, plan: Plan) -> list[str]:
    """Make what is missing; a value that is there stays for ever. Names of what was made or added to."""
    values: dict[str, dict[str, str]] = {}
    changed = []
    for wanted in plan.make:
        known = values[wanted.name] = await kubernetes.secret(wanted.name) or {}
        added = {}
        for key, pattern in sorted(wanted.data.items()):
            if key not in known:
                known[key] = added[key] = _filled(pattern, values)
        if added:
            labels = {"labels": {"app.kubernetes.io/instance": plan.release, "app.kubernetes.io/part-of": "machi"}}
            await kubernetes.write("secrets", wanted.name, added, {"type": wanted.type, "metadata": labels})
            changed.append(wanted.name)
    return changed


async def check_secrets(kubernetes: Kubernetes, plan: Plan) -> None:
    """StackError names every Secret and key that is missing, at once."""
    missing = []
    for name, keys in plan.need.items():
        there = await kubernetes.secret(name)
        if there is None:
            missing.append(f"Secret {name} is missing" + (f" (with {', '.join(keys)})" if keys else ""))
        elif absent := [key for key in keys if not there.get(key, "").strip()]:
            missing.append(f"Secret {name} has no {', '.join(absent)}")
    if missing:
        raise StackError("; ".join(missing), f"kubectl -n {kubernetes.namespace} create secret generic ..., then again")


async def write_trust(kubernetes: Kubernetes, release: str) -> str:
    """Write the cluster's token issuer and public keys to where pods read them; returns the issuer."""
    issuer = str(json.loads(await kubernetes.text("/.well-known/openid-configuration"))["issuer"])
    keys = await kubernetes.text("/openid/v1/jwks")
    await kubernetes.write("configmaps", f"{release}-trust", {"issuer": issuer, "jwks.json": keys}, {})
    return issuer


def _filled(pattern: str, made: dict[str, dict[str, str]]) -> str:
    def value(found: re.Match[str]) -> str:
        kind, secret, key = found.groups()
        if secret:
            return urlsplit(made[secret][key]).password or ""
        return secrets.token_urlsafe(32) if kind == "word" else secrets.token_hex(int(kind.removeprefix("hex")) // 2)

    return _PLACE.sub(value, pattern)
