"""Settings: those given in part, and those a running pod really has."""

from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
from pydantic_settings import SettingsConfigDict

from machi_sdk.settings import Channel, Channels, Settings, WrongSetting
from machi_tools.diagnosis.findings import Look
from machi_tools.stack.state import State

_NEEDS = {
    "LINE_API_URL": ["LINE_DATA_API_URL", "LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "LINE_BOT_USER_ID"],
    "SLACK_API_URL": ["SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "SLACK_TEAM_ID"],
}


CHANNELS_CURE = "mend the file (docs/settings.md says what each field means), then start the channel's pod again"


class PodSettings(Settings):
    """Another process's settings, as they are handed over; this process's environment has no say."""

    model_config = SettingsConfigDict(env_prefix="OF_ANOTHER_PROCESS_")


def settings_of(state: State, pod: str) -> Settings | None:
    """The settings that a pod's process was started with; None when it is not there or not ours to look at."""
    known = state.processes.get(pod)
    process = known.identity().find() if known else None
    if process is None:
        return None
    try:
        given = {name.lower(): value for name, value in process.environ().items()}
        if given.get("machi_channels_dir"):
            given["machi_channels_dir"] = str(Path(process.cwd(), given["machi_channels_dir"]))
    except psutil.Error:
        return None
    return PodSettings.model_validate(given)


def settings_look(state: State) -> Look:
    """Channel settings given only in part or refused, and an address that Slack's SDK cannot use."""
    look = Look()
    for address, names in _NEEDS.items():
        for name in names if address in state.settings else ():
            if name not in state.settings:
                look.wrong(f"{address} is set but {name} is not", f"set {name}, then `make down`, `make up`")
    line, slack = settings_of(state, "channel-line"), settings_of(state, "channel-slack")
    if line is not None:
        look_at_files(look, "channel-line", channels_of(lambda: line.line_channels).refused)
    if slack is not None:
        look_at_files(look, "channel-slack", channels_of(lambda: slack.slack_channels).refused)
    if slack is not None and not slack.slack_api_url.endswith("/api/"):
        look.wrong("SLACK_API_URL does not end in /api/", "give the SDK's base address")
    return look


def channels_of(read: Callable[[], Channels[Channel]]) -> Channels[Channel]:
    """A pod's channels; none when it cannot start with its own settings, which it says itself."""
    try:
        return read()
    except WrongSetting:
        return Channels({}, {})


def look_at_files(look: Look, pod: str, refused: Mapping[str, str], off: float | None = None) -> None:
    """The files for which a pod leaves a tenant's channel off; `off` is how many it left off when it started."""
    does = "will leave" if off == 0 else "leaves"
    for file, wrong in sorted(refused.items()):
        look.wrong(f"{pod} {does} the channel of {file} off: {wrong}", CHANNELS_CURE)
    if off and not refused:
        look.wrong(f"{pod} leaves {off:.0f} channels off: it started with older files", "start it again")
