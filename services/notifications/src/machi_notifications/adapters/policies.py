"""policy.yaml: one policy for all, and another for tenants that want one."""

from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from machi_notifications.domain.policy import AtNight, Policy, Rule
from machi_notifications.domain.quiet_hours import QuietHours
from machi_sdk.errors import Invalid
from machi_sdk.yaml_text import read_yaml


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _QuietHours(_Part):
    start: time
    end: time
    time_zone: str

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name} is no IANA time zone") from error
        return name


class _Rule(_Part):
    at_night: AtNight
    send_within_hours: int = Field(ge=1, le=24 * 14)


class _Policy(_Part):
    quiet_hours: _QuietHours | None = None
    causes: dict[str, _Rule]

    def as_domain(self) -> Policy:
        hours = self.quiet_hours
        quiet = QuietHours(hours.start, hours.end, ZoneInfo(hours.time_zone)) if hours else None
        rules = {
            cause: Rule(rule.at_night, timedelta(hours=rule.send_within_hours)) for cause, rule in self.causes.items()
        }
        return Policy(quiet, rules)


class _File(_Part):
    default: _Policy
    tenants: dict[str, _Policy] = {}


class Policies:
    """The policy of each tenant."""

    def __init__(self, default: Policy, tenants: Mapping[str, Policy]) -> None:
        self._default = default
        self._tenants = tenants

    def of(self, tenant: str) -> Policy:
        """The tenant's own policy, or the one for all."""
        return self._tenants.get(tenant, self._default)


def load_policies(path: Path) -> Policies:
    """Read policy.yaml; Invalid names the wrong place."""
    try:
        found = _File.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Invalid("policy-invalid", f"{path.name}: {place}: {first['msg']}") from error
    return Policies(found.default.as_domain(), {tenant: policy.as_domain() for tenant, policy in found.tenants.items()})
