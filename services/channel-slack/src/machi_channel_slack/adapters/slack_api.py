"""One workspace by the official SDK."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import NamedTuple, TypeVar

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from machi_channel_slack.adapters.calls import Calls
from machi_channel_slack.domain.cards import Mark, SlackMessage
from machi_channel_slack.domain.conversations import is_external
from machi_channel_slack.domain.moments import SKEW
from machi_channel_slack.domain.nodes import Json, part, parts, words
from machi_channel_slack.ports import SlackLimited, SlackRefused, SlackUncertain
from machi_sdk.conversation import DownloadFailed, NoPhoto
from machi_sdk.conversation.downloads import download
from machi_sdk.errors import Unavailable
from machi_sdk.settings import SlackSettings
from machi_sdk.telemetry import get_logger

_PAGES = 5
_PAGE = 200
_MOST_INVITED = 100
_UPLOAD_SECONDS = 10.0
_NO_BLOCKS = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"}
_NO_FILE = {"file_not_found", "file_deleted"}

T = TypeVar("T")
log = get_logger()


class ListedRoom(NamedTuple):
    """A channel's id, whether we are in it, and whether nobody else is."""

    channel: str
    is_member: bool
    is_alone: bool = False


class SlackApi:
    """`ports.Slack`, and what finding a desk's channel takes."""

    def __init__(self, settings: SlackSettings, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._team_id = settings.team_id  # asked for of apps that an organisation installed
        self._calls = Calls()
        self._client = AsyncWebClient(
            token=settings.bot_token.get_secret_value(),
            base_url=settings.api_url.rstrip("/") + "/",
            session=session,
            retry_handlers=[],
        )
        self._client.proxy = None  # all goes by the session; the SDK would read an address from the environment

    async def post(self, channel: str, message: SlackMessage, thread_ts: str = "") -> str:
        """Post; returns the message's ts. Of blocks that Slack refuses the text is posted."""

        async def posted(blocks: list[dict[str, object]]) -> str:
            request = self._client.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=blocks,
                thread_ts=thread_ts or None,
                metadata=_metadata(message.mark),
                unfurl_links=False,
                unfurl_media=False,
            )
            return str((await self._calls.ended("chat.postMessage", request))["ts"])

        return await _anyhow(message, posted)

    async def update(self, channel: str, ts: str, message: SlackMessage) -> None:
        """Give a message new content; of blocks that Slack refuses the text."""

        async def updated(blocks: list[dict[str, object]]) -> object:
            request = self._client.chat_update(
                channel=channel, ts=ts, text=message.text, blocks=blocks, metadata=_metadata(message.mark)
            )
            return await self._calls.ended("chat.update", request)

        await _anyhow(message, updated)

    async def delete(self, channel: str, ts: str) -> None:
        """Remove a message of ours; one that is gone already is fine."""
        try:
            await self._calls.ended("chat.delete", self._client.chat_delete(channel=channel, ts=ts))
        except SlackRefused as error:
            if error.error != "message_not_found":
                raise

    async def find(self, channel: str, mark: Mark, since: datetime, thread_ts: str = "") -> str:
        """The ts of our message with this mark, in the channel or a thread; empty when there is none since then."""
        async for message in self._messages(channel, thread_ts, since - SKEW):
            if _carries(message, mark):
                return words(message, "ts")
        return ""

    async def whisper(self, channel: str, user: str, message: SlackMessage, thread_ts: str = "") -> None:
        """Tell one person in a channel."""
        request = self._client.chat_postEphemeral(
            channel=channel,
            user=user,
            text=message.text,
            blocks=[dict(block) for block in message.blocks],
            thread_ts=thread_ts or None,
        )
        await self._calls.ended("chat.postEphemeral", request)

    async def answer(self, response_url: str, message: SlackMessage) -> None:
        """Tell the person who pressed, by the address their press came with."""
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": message.text,
            "blocks": [dict(block) for block in message.blocks],
        }
        await self._calls.taken("response_url", self._session.post(response_url, json=body))

    async def open_view(self, trigger_id: str, view: Mapping[str, object], seconds: float) -> None:
        """Open a modal for the person whose trigger it is."""
        await self._calls.ended("views.open", self._client.views_open(trigger_id=trigger_id, view=dict(view)), seconds)

    async def publish_home(self, user: str, view: Mapping[str, object]) -> None:
        """Give a person's home tab new content."""
        await self._calls.ended("views.publish", self._client.views_publish(user_id=user, view=dict(view)))

    async def permalink(self, channel: str, ts: str) -> str:
        """The address that opens a message."""
        request = self._client.chat_getPermalink(channel=channel, message_ts=ts)
        return words(await self._calls.ended("chat.getPermalink", request), "permalink")

    async def upload(self, name: str, alt: str, body: bytes) -> str:
        """Upload a file nobody sees yet; returns its id."""
        request = self._client.files_getUploadURLExternal(filename=name, length=len(body), alt_txt=alt or None)
        place = await self._calls.ended("files.getUploadURLExternal", request)
        try:
            await self._calls.taken(
                "upload", self._session.post(words(place, "upload_url"), data=body), _UPLOAD_SECONDS
            )
        except SlackRefused as error:  # the next try is given another address
            raise SlackUncertain("slack-upload-failed") from error
        return words(place, "file_id")

    async def share(self, file_id: str, title: str, channel: str, thread_ts: str) -> None:
        """Show an uploaded file in a thread."""
        request = self._client.files_completeUploadExternal(
            files=[{"id": file_id, "title": title}], channel_id=channel, thread_ts=thread_ts
        )
        await self._calls.ended("files.completeUploadExternal", request)

    async def is_shared(self, file_id: str, channel: str, thread_ts: str) -> bool:
        """Whether a thread shows the file."""
        async for message in self._messages(channel, thread_ts):
            if any(words(file, "id") == file_id for file in parts(message, "files")):
                return True
        return False

    async def direct(self, user: str) -> str:
        """The id of the direct conversation with a person."""
        body = await self._calls.ended("conversations.open", self._client.conversations_open(users=user))
        return words(part(body, "channel"), "id")

    async def photo(self, content_id: str) -> tuple[str, AsyncIterator[bytes]]:
        """Type and bytes of a file that a person sent, at most 10 MB.

        NoPhoto, DownloadFailed to try again, or Unavailable until an administrator lets us read files.
        """
        try:
            body = await self._calls.ended("files.info", self._client.files_info(file=content_id))
        except SlackRefused as error:
            raise (Unavailable(error.slug) if error.mendable else NoPhoto()) from error
        except Unavailable as error:
            raise DownloadFailed from error
        address = _address(part(body, "file"))
        if not address:
            raise NoPhoto
        return await download(self._session, address, {"Authorization": f"Bearer {self._client.token}"})

    async def delete_file(self, file_id: str) -> None:
        """Remove a file from wherever it is shown; one that is gone already is fine."""
        try:
            await self._calls.ended("files.delete", self._client.files_delete(file=file_id))
        except SlackRefused as error:
            if error.error not in _NO_FILE:
                raise

    async def channels(self) -> dict[str, ListedRoom]:
        """Channels by name: all public ones, and of the private ones those we are in.

        An app that was installed without the scope goes on without these: `machi doctor` says so. Slack is not even
        asked where that is known, for what it refuses raises an alarm.
        """
        found = await self._listed("public_channel")
        if not self._calls.may("groups:read"):
            return found
        try:
            return await self._listed("private_channel") | found
        except SlackRefused as error:
            if error.error != "missing_scope":
                raise
            return found

    async def _listed(self, kind: str) -> dict[str, ListedRoom]:
        found: dict[str, ListedRoom] = {}
        cursor = ""
        while True:
            request = self._client.conversations_list(
                types=kind, exclude_archived=True, limit=999, cursor=cursor or None, team_id=self._team_id
            )
            try:
                body = await self._calls.ended("conversations.list", request)
            except SlackLimited as error:  # a large workspace has more pages than Slack gives in a minute
                await asyncio.sleep(error.after)
                continue
            for room in parts(body, "channels"):
                is_member = room.get("is_member") is True
                is_alone = is_member and room.get("num_members") == 1
                found[words(room, "name")] = ListedRoom(words(room, "id"), is_member, is_alone)
            cursor = _cursor(body)
            if not cursor:
                return found

    async def create(self, name: str) -> str:
        """Make a channel; returns its id."""
        body = await self._calls.ended(
            "conversations.create", self._client.conversations_create(name=name, team_id=self._team_id)
        )
        return words(part(body, "channel"), "id")

    async def join(self, channel: str) -> None:
        """Enter a public channel; into a private one somebody has to invite us."""
        await self._calls.ended("conversations.join", self._client.conversations_join(channel=channel))

    async def invite(self, channel: str, users: list[str]) -> None:
        """Bring people into a channel; one who cannot be invited keeps no other out."""
        for start in range(0, len(users), _MOST_INVITED):
            some = users[start : start + _MOST_INVITED]
            request = self._client.conversations_invite(channel=channel, users=some, force=True)
            await self._calls.ended("conversations.invite", request)

    async def _messages(self, channel: str, thread_ts: str, since: datetime | None = None) -> AsyncIterator[Json]:
        """Messages of the channel or of a thread, as many as a few pages hold."""
        oldest, cursor = f"{since.timestamp():.6f}" if since else "0", ""
        for _ in range(_PAGES):
            body = await self._page(channel, oldest, thread_ts, cursor)
            for message in parts(body, "messages"):
                yield message
            cursor = _cursor(body)
            if not cursor:
                return

    async def _page(self, channel: str, oldest: str, thread_ts: str, cursor: str) -> Json:
        client, after = self._client, cursor or None
        if thread_ts:
            request = client.conversations_replies(
                channel=channel, ts=thread_ts, oldest=oldest, limit=_PAGE, cursor=after, include_all_metadata=True
            )
            return await self._calls.ended("conversations.replies", request)
        request = client.conversations_history(
            channel=channel, oldest=oldest, limit=_PAGE, cursor=after, include_all_metadata=True
        )
        return await self._calls.ended("conversations.history", request)


def _metadata(mark: Mark | None) -> dict[str, object] | None:
    return {"event_type": mark.kind, "event_payload": dict(mark.payload)} if mark else None


async def _anyhow(message: SlackMessage, said: Callable[[list[dict[str, object]]], Awaitable[T]]) -> T:
    try:
        return await said([dict(block) for block in message.blocks])
    except SlackRefused as error:
        if error.error not in _NO_BLOCKS or not message.blocks:
            raise
        log.error("Slack refused blocks", reason=error.slug)
    return await said([])


def _carries(message: Json, mark: Mark) -> bool:
    metadata = part(message, "metadata")
    if metadata.get("event_type"):
        return metadata.get("event_type") == mark.kind and metadata.get("event_payload") == dict(mark.payload)
    return bool(message.get("bot_id")) and bool(mark.needle) and mark.needle in words(message, "text")


def _address(file: Json) -> str:
    """Where Slack keeps a file; empty when it is kept elsewhere, for our token goes to Slack alone."""
    return "" if is_external(file) else words(file, "url_private_download") or words(file, "url_private")


def _cursor(body: Json) -> str:
    return words(part(body, "response_metadata"), "next_cursor")
