"""The Slack world: people, channels, messages, views, files."""

from machi_simulator.clock import Clock
from machi_simulator.config import Config
from machi_simulator.ids import capitals, letters
from machi_simulator.journal import Journal, Table
from machi_simulator.jsontree import Json
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.model import (
    Channel,
    ResponseUrl,
    SlackFile,
    SlackMessage,
    SlackUser,
    Trigger,
    View,
)

BOT_USER = "U0MACHIBOT"
BOT_ID = "B0MACHIBOT"
APP_ID = "A0MACHIAPP"
TRIGGER_LIFE = 3.0
RESPONSE_LIFE = 1800.0
RESPONSE_USES = 5
KEPT_SECRETS = 10_000


class SlackState:
    """Tables and the look-ups over them."""

    def __init__(self, config: Config, journal: Journal, clock: Clock) -> None:
        self.config = config
        self.journal = journal
        self.clock = clock
        self.users = Table(journal, "slack.user", SlackUser)
        self.channels = Table(journal, "slack.channel", Channel)
        self.messages = Table(journal, "slack.message", SlackMessage)
        self.views = Table(journal, "slack.view", View)
        self.triggers = Table(journal, "slack.trigger", Trigger)
        self.response_urls = Table(journal, "slack.response", ResponseUrl)
        self.files = Table(journal, "slack.file", SlackFile)
        self._by_channel: dict[str, dict[str, SlackMessage]] = {}
        self._by_thread: dict[tuple[str, str], dict[str, SlackMessage]] = {}
        for message in self.messages.values():
            self._sort_in(message)
        self._last_ts = max((int(m.ts.replace(".", "")) for m in self.messages.values()), default=0)
        if self.users.get(BOT_USER) is None:
            self.users.put(SlackUser(id=BOT_USER, name="machi", real_name="Machi", is_bot=True))

    @property
    def base_url(self) -> str:
        """Where this simulator is reached by its clients."""
        return f"http://{self.config.simulator_address}"

    def ts(self) -> str:
        """A message time, later than any before."""
        self._last_ts = max(self._last_ts + 1, int(self.clock.now() * 1e6))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def channel(self, channel: str) -> Channel:
        """The channel. Raises SlackError channel_not_found."""
        found = self.channels.get(channel)
        if found is None:
            raise SlackError("channel_not_found")
        return found

    def require(self, *scopes: str) -> None:
        """Refuse an app that was installed without one of them. Raises SlackError missing_scope."""
        if not set(scopes) <= set(self.config.simulator_slack_scopes):
            raise SlackError("missing_scope")

    def channel_named(self, name: str) -> Channel | None:
        """The channel of that name."""
        return next((each for each in self.channels.values() if each.name == name and not each.im), None)

    def direct(self, user: str) -> Channel:
        """The app's direct conversation with a person; made when first asked for."""
        found = next((each for each in self.channels.values() if each.im == user), None)
        if found is not None:
            return found
        created = int(self.clock.now())
        room = Channel(
            id=capitals("D"), name=user, creator=BOT_USER, created=created, members=[BOT_USER, user], im=user
        )
        return self.channels.put(room)

    def user(self, user: str) -> SlackUser:
        """The person. Raises SlackError user_not_found."""
        found = self.users.get(user)
        if found is None:
            raise SlackError("user_not_found")
        return found

    def post(self, message: SlackMessage) -> SlackMessage:
        """Remember a message, new or changed."""
        self._sort_in(message)
        return self.messages.put(message)

    def message(self, channel: str, ts: str) -> SlackMessage | None:
        """A message by channel and time."""
        return self._by_channel.get(channel, {}).get(ts)

    def drop(self, message: SlackMessage) -> None:
        """Forget a message."""
        self._by_channel.get(message.channel, {}).pop(message.ts, None)
        self._by_thread.get((message.channel, message.root), {}).pop(message.ts, None)
        self.messages.remove(message.id)

    def history(self, channel: str) -> list[SlackMessage]:
        """A channel's messages, oldest first, ephemeral ones too."""
        return list(self._by_channel.get(channel, {}).values())

    def thread(self, channel: str, root: str) -> list[SlackMessage]:
        """A thread: its first message and the replies."""
        return list(self._by_thread.get((channel, root), {}).values())

    def _sort_in(self, message: SlackMessage) -> None:
        self._by_channel.setdefault(message.channel, {})[message.ts] = message
        self._by_thread.setdefault((message.channel, message.root), {})[message.ts] = message

    def trigger(self, user: str, tab: str = "") -> str:
        """A fresh right to open a view."""
        self.triggers.trim(KEPT_SECRETS)
        secret = f"{int(self.clock.now() * 1000)}.{letters(10)}.{letters(32)}"
        expires = self.clock.now() + TRIGGER_LIFE
        return self.triggers.put(Trigger(id=secret, user=user, tab=tab, expires=expires)).id

    def start_trigger(self, secret: str) -> None:
        """What carries the trigger leaves now: its life begins."""
        trigger = self.triggers.get(secret)
        if trigger is not None:
            trigger.expires = self.clock.now() + TRIGGER_LIFE
            self.triggers.put(trigger)

    def response_url(self, user: str, channel: str, message_ts: str = "") -> str:
        """A fresh address to answer an interaction."""
        self.response_urls.trim(KEPT_SECRETS)
        entry = ResponseUrl(
            id=letters(24),
            user=user,
            channel=channel,
            message_ts=message_ts,
            expires=self.clock.now() + RESPONSE_LIFE,
        )
        return f"{self.base_url}/slack/response/{self.response_urls.put(entry).id}"

    def known_file(self, reference: str) -> bool:
        """True if an image block may show this file."""
        return any(file.completed and reference in (file.id, self.file_url(file)) for file in self.files.values())

    def file_url(self, file: SlackFile) -> str:
        """Where a file is fetched, with the bot token."""
        return f"{self.base_url}/slack/files/{file.id}/{file.name}"


def described(state: SlackState, message: SlackMessage) -> Json:
    """A message as the API shows it."""
    found: Json = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts}
    found["team"] = state.config.slack_team_id
    if message.bot_id:
        found |= {"bot_id": message.bot_id, "app_id": APP_ID}
    if message.blocks:
        found["blocks"] = message.blocks
    if message.thread_ts:
        found["thread_ts"] = message.thread_ts
    if message.edited:
        found["edited"] = {"user": message.user, "ts": message.edited}
    if message.files:
        found["files"] = [_shown_file(state, file_id) for file_id in message.files]
    if message.metadata:
        found["metadata"] = message.metadata
    if message.reactions:
        found["reactions"] = [
            {"name": name, "users": users, "count": len(users)} for name, users in message.reactions.items()
        ]
    replies = [] if message.thread_ts else state.thread(message.channel, message.ts)[1:]
    if replies:
        found |= {"thread_ts": message.ts, "reply_count": len(replies), "latest_reply": replies[-1].ts}
    return found


def _shown_file(state: SlackState, file_id: str) -> Json:
    """A file as a message has it; of a deleted one a tombstone is left."""
    file = state.files.get(file_id)
    return described_file(state, file) if file else {"id": file_id, "mode": "tombstone"}


def described_file(state: SlackState, file: SlackFile) -> Json:
    """A file as the API shows it."""
    return {
        "id": file.id,
        "created": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.content_type,
        "size": file.size,
        "user": BOT_USER,
        "alt_txt": file.alt,
        "url_private": state.file_url(file),
        "url_private_download": state.file_url(file),
        "permalink": state.file_url(file),
        "channels": file.channels,
    }


def described_user(state: SlackState, user: SlackUser) -> Json:
    """A person as the API shows them."""
    return {
        "id": user.id,
        "team_id": state.config.slack_team_id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name or user.name,
        "tz": user.tz,
        "locale": user.locale,
        "is_bot": user.is_bot,
        "is_restricted": False,
        "profile": {
            "real_name": user.real_name or user.name,
            "display_name": user.name,
            "email": user.email,
            "team": state.config.slack_team_id,
        },
    }


def described_channel(channel: Channel) -> Json:
    """A conversation as the API shows it."""
    shared: Json = {
        "id": channel.id,
        "created": channel.created,
        "creator": channel.creator,
        "is_archived": channel.archived,
        "is_im": bool(channel.im),
        "is_member": BOT_USER in channel.members,
    }
    if channel.im:
        return shared | {"user": channel.im}
    return shared | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_private": channel.is_private,
        "num_members": len(channel.members),
        "topic": {"value": channel.topic},
        "purpose": {"value": ""},
    }
