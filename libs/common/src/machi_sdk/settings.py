"""The settings contract: environment variables, the same names in chart, stack, and tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from machi_sdk.errors import Invalid
from machi_sdk.yaml_text import KeyTwice, read_yaml_as_written

Channel = TypeVar("Channel", bound="_ChannelSettings")
_MEANINGS = "docs/settings.md says what each means"
# Where a cluster mounts secrets: a file each, named like the setting in lower case.
SECRETS = Path("/run/secrets/machi")
# Hosts of an address that is every one of the machine's own.
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 (compared, not bound)


class WrongSetting(Invalid):
    """A setting that no pod can start with: its name, what is wrong, and the cure; never its value."""

    def __init__(self, words: str) -> None:
        super().__init__("setting-wrong", words)


def _given(value: str) -> str:
    """Without the line break that many tools put behind it; no header may hold one."""
    given = value.strip()
    if not given:
        raise ValueError("is empty")
    if not given.isprintable():
        raise ValueError("holds what no header may hold")
    return given


def _given_secret(secret: SecretStr) -> SecretStr:
    return SecretStr(_given(secret.get_secret_value()))


_Address: TypeAlias = Annotated[str, AfterValidator(lambda address: address.rstrip("/"))]
_Given: TypeAlias = Annotated[str, AfterValidator(_given)]
# An empty one would be a key that everybody knows.
_Secret: TypeAlias = Annotated[SecretStr, AfterValidator(_given_secret)]


class _ChannelSettings(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class LineSettings(_ChannelSettings):
    """One tenant's LINE channel; a slash at the end of an address makes no difference.

    Nobody asks for `channel_id`: people find the account by it in LINE's console.
    """

    api_url: _Address = "https://api.line.me"
    data_api_url: _Address = "https://api-data.line.me"
    channel_id: str = ""
    channel_secret: _Secret
    channel_access_token: _Secret
    bot_user_id: _Given


class SlackSettings(_ChannelSettings):
    """One tenant's Slack workspace; `api_url` is the SDK's base address, ending in /api/.

    More than `flood_cards` new cards of a desk within a minute come as a digest; those nobody opens follow one by one,
    `calm_seconds` apart.
    """

    api_url: str = "https://slack.com/api/"
    signing_secret: _Secret
    bot_token: _Secret
    team_id: _Given
    flood_cards: int = Field(default=30, ge=1)
    calm_seconds: float = Field(default=30.0, ge=0, le=86_400, allow_inf_nan=False)


@dataclass(frozen=True)
class Channels(Generic[Channel]):
    """The channels of one kind by tenant, and why a tenant's file is refused: that channel alone is off."""

    by_tenant: dict[str, Channel]
    refused: dict[str, str]

    @property
    def off(self) -> frozenset[str]:
        """The tenants whose file is refused: what comes for them waits until it is mended."""
        return frozenset(file.partition("/")[0] for file in self.refused)


class Settings(BaseSettings):
    """A pod's environment; secrets also as files in /run/secrets/machi."""

    model_config = SettingsConfigDict(extra="ignore", secrets_dir=None, hide_input_in_errors=True)

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
    machi_database_patience: float = 20.0
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
    line_menu_font: str = ""
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
        return frozenset(
            {self.machi_default_tenant, *self._named, *(folder.name for folder in self._channel_folders())}
        )

    @cached_property
    def line_channels(self) -> Channels[LineSettings]:
        """LINE per tenant; WrongSetting when the default tenant's own settings are wrong."""
        return self._channels("line", LineSettings, "line_bot_user_id")

    @cached_property
    def slack_channels(self) -> Channels[SlackSettings]:
        """Slack per tenant; WrongSetting when the default tenant's own settings are wrong."""
        return self._channels("slack", SlackSettings, "slack_team_id")

    def refused_channels(self) -> dict[str, str]:
        """The files of channels that are refused, and why."""
        return {**self.line_channels.refused, **self.slack_channels.refused}

    def without_channel(self) -> list[str]:
        """The tenants that are named and have no channel here, not even one whose file is refused."""
        line, slack = self.line_channels, self.slack_channels
        return sorted(self._named - {*line.by_tenant, *line.off, *slack.by_tenant, *slack.off})

    @property
    def _named(self) -> frozenset[str]:
        return frozenset(name.strip() for name in self.machi_tenants.split(",") if name.strip())

    def _channels(self, kind: str, shape: type[Channel], switch: str) -> Channels[Channel]:
        """The default tenant's from the environment, where `switch` is set; others from files."""
        channels: Channels[Channel] = Channels({}, {})
        if getattr(self, switch):
            channels.by_tenant[self.machi_default_tenant] = self._own_channel(kind, shape, switch)
        for folder in self._channel_folders():
            path = folder / f"{kind}.yaml"
            try:
                if path.is_file():
                    channel = shape.model_validate(_as_written(path))
                    _check_account(channel, switch.removeprefix(f"{kind}_"), folder.name, channels.by_tenant)
                    channels.by_tenant[folder.name] = channel
            except ValidationError as error:
                channels.refused[f"{folder.name}/{path.name}"] = _wrong(error)
            except _Refused as error:
                channels.refused[f"{folder.name}/{path.name}"] = str(error)
        return channels

    def _own_channel(self, kind: str, shape: type[Channel], switch: str) -> Channel:
        given = {name: getattr(self, f"{kind}_{name}") for name in shape.model_fields}
        try:
            return shape.model_validate(given)
        except ValidationError as error:
            cure = f"give it as a variable or a secret file, or take {switch.upper()} away"
            raise WrongSetting(f"{_wrong(error, f'{kind}_')}: {cure}; {_MEANINGS}") from None

    def _channel_folders(self) -> Sequence[Path]:
        """A folder per tenant; Kubernetes keeps hidden ones of its own beside them."""
        if self.machi_channels_dir is None:
            return ()
        try:
            found = sorted(self.machi_channels_dir.iterdir())
        except OSError as error:
            words = f"MACHI_CHANNELS_DIR: {self.machi_channels_dir}: {error.strerror}"
            raise WrongSetting(f"{words}: name a folder, or take the setting away") from None
        return [path for path in found if path.is_dir() and not path.name.startswith(".")]


class _Refused(Exception):
    """Why a file is not taken, in words that show nothing of it."""


def _check_account(channel: Channel, field: str, tenant: str, others: Mapping[str, Channel]) -> None:
    """An account is one tenant's: what people write to it would else be the last one's that names it."""
    owners = [other for other, known in others.items() if getattr(known, field) == getattr(channel, field)]
    if set(owners) - {tenant}:
        raise _Refused(f"{field}: this account is {owners[0]}'s")


def _as_written(path: Path) -> object:
    try:
        return read_yaml_as_written(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise _Refused(f"cannot be read: {type(error).__name__}") from None
    except KeyTwice as error:
        raise _Refused(str(error.problem)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise _Refused(f"line {mark.line + 1} is not YAML" if mark else "is not YAML") from None


def _wrong(error: ValidationError, prefix: str | None = None) -> str:
    """What is wrong with each field of a file, by its name; with a prefix, of each setting."""
    found = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in each["loc"])
        name = field if prefix is None else f"{prefix}{field}".upper()
        words = each["msg"].removeprefix("Value error, ")
        found.append(f"{name}: {words}" if name else words)
    return "; ".join(found)


def host_and_port(address: str) -> tuple[str, int]:
    """Split `host:port`; Invalid when there is no port."""
    parts = urlsplit(f"//{address}")
    if parts.hostname is None or parts.port is None:
        raise Invalid("address-without-port", f"write {address!r} as host:port")
    return parts.hostname, parts.port


def read_settings() -> Settings:
    """The environment, and secrets from files where a folder with them is mounted; WrongSetting names a wrong one."""
    given: dict[str, Any] = {"_secrets_dir": SECRETS} if SECRETS.is_dir() else {}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongSetting(f"{_wrong(error, '')}: {_MEANINGS}") from None
