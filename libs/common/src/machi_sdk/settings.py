"""The settings contract: environment variables, the same names in chart, stack, and tests."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from machi_sdk.errors import Invalid

_Address: TypeAlias = Annotated[str, AfterValidator(lambda address: address.rstrip("/"))]


class LineSettings(BaseModel):
    """One tenant's LINE channel; a slash at the end of an address makes no difference."""

    api_url: _Address = "https://api.line.me"
    data_api_url: _Address = "https://api-data.line.me"
    channel_id: str = ""
    channel_secret: SecretStr
    channel_access_token: SecretStr
    bot_user_id: str


class SlackSettings(BaseModel):
    """One tenant's Slack workspace; `api_url` is the SDK's base address, ending in /api/.

    More than `flood_cards` new cards of a desk within a minute come as a digest; those nobody opens follow one by one,
    `calm_seconds` apart.
    """

    api_url: str = "https://slack.com/api/"
    signing_secret: SecretStr
    bot_token: SecretStr
    team_id: str
    flood_cards: int = 30
    calm_seconds: float = 30.0


class ChannelSettings(BaseModel):
    """The channels of one tenant; a missing one is switched off."""

    line: LineSettings | None = None
    slack: SlackSettings | None = None


class Settings(BaseSettings):
    """A pod's environment; secrets also as files in /run/secrets/machi."""

    model_config = SettingsConfigDict(extra="ignore", secrets_dir=None)

    database_url: str = ""
    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_security_protocol: str = "PLAINTEXT"
    kafka_security_sasl_mechanism: str = ""
    kafka_security_username: str = ""
    kafka_security_password: SecretStr = SecretStr("")
    kafka_security_ca_file: str = ""
    object_store_url: str = ""
    machi_http_address: str = "127.0.0.1:0"
    machi_rpc_address: str = "127.0.0.1:0"
    machi_peers: str = ""
    machi_keys_dir: Path = Path("keys")
    machi_release: str = "machi"
    machi_subject_prefix: str = ""
    machi_manifest: Path = Path("service.yaml")
    machi_default_tenant: str = "fukuoka"
    machi_tenants: str = ""
    machi_channels_dir: Path | None = None
    public_url: str = ""
    platform_proxy: str | None = None
    otel_exporter_otlp_endpoint: str = ""
    crash_at: str = ""
    line_api_url: str = "https://api.line.me"
    line_data_api_url: str = "https://api-data.line.me"
    line_channel_id: str = ""
    line_channel_secret: SecretStr = SecretStr("")
    line_channel_access_token: SecretStr = SecretStr("")
    line_bot_user_id: str = ""
    slack_api_url: str = "https://slack.com/api/"
    slack_signing_secret: SecretStr = SecretStr("")
    slack_bot_token: SecretStr = SecretStr("")
    slack_team_id: str = ""
    slack_flood_cards: int = 30
    slack_calm_seconds: float = 30.0

    @cached_property
    def peers(self) -> dict[str, str]:
        """Address per pod name, from `identity=host:port,reports=host:port`."""
        pairs = (item.partition("=") for item in self.machi_peers.split(",") if item.strip())
        return {name.strip(): address.strip() for name, _, address in pairs}

    @cached_property
    def tenants(self) -> frozenset[str]:
        """The tenants of this release; a record of any other is parked."""
        named = {name.strip() for name in self.machi_tenants.split(",") if name.strip()}
        return frozenset({self.machi_default_tenant, *named, *self.channels()})

    def channels(self) -> dict[str, ChannelSettings]:
        """Channel settings per tenant: the default tenant's from the environment, others from files."""
        found = {self.machi_default_tenant: self._own_channels()}
        if self.machi_channels_dir is None:
            return found
        # Kubernetes keeps hidden folders of its own beside those that were named.
        visible = (path for path in self.machi_channels_dir.iterdir() if not path.name.startswith("."))
        for folder in sorted(path for path in visible if path.is_dir()):
            found[folder.name] = ChannelSettings.model_validate(
                {kind: _read(folder / f"{kind}.yaml") for kind in ("line", "slack")}
            )
        return found

    def _own_channels(self) -> ChannelSettings:
        line = slack = None
        if self.line_bot_user_id:
            line = LineSettings(
                api_url=self.line_api_url,
                data_api_url=self.line_data_api_url,
                channel_id=self.line_channel_id,
                channel_secret=self.line_channel_secret,
                channel_access_token=self.line_channel_access_token,
                bot_user_id=self.line_bot_user_id,
            )
        if self.slack_team_id:
            slack = SlackSettings(
                api_url=self.slack_api_url,
                signing_secret=self.slack_signing_secret,
                bot_token=self.slack_bot_token,
                team_id=self.slack_team_id,
                flood_cards=self.slack_flood_cards,
                calm_seconds=self.slack_calm_seconds,
            )
        return ChannelSettings(line=line, slack=slack)


def _read(path: Path) -> object:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None


def host_and_port(address: str) -> tuple[str, int]:
    """Split `host:port`; Invalid when there is no port."""
    parts = urlsplit(f"//{address}")
    if parts.hostname is None or parts.port is None:
        raise Invalid("address-without-port", f"write {address!r} as host:port")
    return parts.hostname, parts.port


def read_settings() -> Settings:
    """The environment, and secrets from files where a folder with them is mounted."""
    secrets = Path("/run/secrets/machi")
    return Settings(_secrets_dir=secrets) if secrets.is_dir() else Settings()  # type: ignore[call-arg]
