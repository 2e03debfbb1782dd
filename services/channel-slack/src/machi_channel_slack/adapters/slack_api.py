"""One workspace by the official SDK."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from machi_channel_slack.adapters.calls import SECONDS, Calls, Json
from machi_channel_slack.domain.cards import Mark, SlackMessage
from machi_channel_slack.domain.conversations import is_external
from machi_channel_slack.ports import SlackLimited, SlackRefused, SlackUncertain
from machi_sdk.conversation import DownloadFailed, NoPhoto
from machi_sdk.conversation.downloads import download
from machi_sdk.errors import Unavailable
from machi_sdk.settings import SlackSettings

_PAGES = 5
_PAGE = 200
_MOST_INVITED = 100
_NO_FILE = {"file_not_found", "file_deleted"}


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
        """Post; returns the message's ts."""
        request = self._client.chat_postMessage(
            channel=channel,
            text=message.text,
            blocks=[dict(block) for block in message.blocks],
            thread_ts=thread_ts or None,
            metadata=_metadata(message.mark),
            unfurl_links=False,
            unfurl_media=False,
        )
        return str((await self._calls.ended("chat.postMessage", request))["ts"])

    async def update(self, channel: str, ts: str, message: SlackMessage) -> None:
        """Give a message new content."""
        request = self._client.chat_update(
            channel=channel,
            ts=ts,
            text=message.text,
            blocks=[dict(block) for block in message.blocks],
            metadata=_metadata(message.mark),
        )
        await self._calls.ended("chat.update", request)

    async def delete(self, channel: str, ts: str) -> None:
        """Remove a message of ours; one that is gone already is fine."""
        try:
            await self._calls.ended("chat.delete", self._client.chat_delete(channel=channel, ts=ts))
        except SlackRefused as error:
            if error.error != "message_not_found":
                raise

    async def find(self, channel: str, mark: Mark, since: datetime, thread_ts: str = "") -> str:
        """The ts of our message with this mark, in the channel or a thread; empty when there is none."""
        cursor = ""
        for _ in range(_PAGES):
            body = await self._page(channel, f"{since.timestamp():.6f}", thread_ts, cursor)
            for message in _rows(body, "messages"):
                if _carries(message, mark):
                    return str(message["ts"])
            cursor = _cursor(body)
            if not cursor:
                break
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
        try:
            async with self._session.post(response_url, json=body) as response:
                status = response.status
        except (TimeoutError, aiohttp.ClientError) as error:
            raise SlackUncertain("slack-uncertain") from error
        if status >= 500:
            raise SlackUncertain("slack-uncertain")
        if status >= 400:
            raise SlackRefused("response_url")

    async def open_view(self, trigger_id: str, view: Mapping[str, object], seconds: float) -> None:
        """Open a modal for the person whose trigger it is."""
        await self._calls.ended("views.open", self._client.views_open(trigger_id=trigger_id, view=dict(view)), seconds)

    async def publish_home(self, user: str, view: Mapping[str, object]) -> None:
        """Give a person's home tab new content."""
        await self._calls.ended("views.publish", self._client.views_publish(user_id=user, view=dict(view)))

    async def permalink(self, channel: str, ts: str) -> str:
        """The address that opens a message."""
        request = self._client.chat_getPermalink(channel=channel, message_ts=ts)
        return str((await self._calls.ended("chat.getPermalink", request)).get("permalink") or "")

    async def upload(self, name: str, alt: str, body: bytes) -> str:
        """Upload a file nobody sees yet; returns its id."""
        request = self._client.files_getUploadURLExternal(filename=name, length=len(body), alt_txt=alt or None)
        place = await self._calls.ended("files.getUploadURLExternal", request)
        try:
            async with self._session.post(str(place["upload_url"]), data=body) as response:
                status = response.status
        except (TimeoutError, aiohttp.ClientError) as error:
            raise SlackUncertain("slack-uncertain") from error
        if status != 200:
            raise SlackUncertain("slack-upload-failed")
        return str(place["file_id"])

    async def share(self, file_id: str, title: str, channel: str, thread_ts: str) -> None:
        """Show an uploaded file in a thread."""
        request = self._client.files_completeUploadExternal(
            files=[{"id": file_id, "title": title}], channel_id=channel, thread_ts=thread_ts
        )
        await self._calls.ended("files.completeUploadExternal", request)

    async def is_shared(self, file_id: str, channel: str, thread_ts: str) -> bool:
        """Whether a thread shows the file."""
        cursor = ""
        for _ in range(_PAGES):
            body = await self._page(channel, "0", thread_ts, cursor)
            if any(
                file.get("id") == file_id for message in _rows(body, "messages") for file in _rows(message, "files")
            ):
                return True
            cursor = _cursor(body)
            if not cursor:
                break
        return False

    async def direct(self, user: str) -> str:
        """The id of the direct conversation with a person."""
        body = await self._calls.ended("conversations.open", self._client.conversations_open(users=user))
        room = body.get("channel")
        return str(room["id"]) if isinstance(room, dict) else ""

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
        address = _address(body.get("file"))
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

    async def channels(self) -> dict[str, tuple[str, bool]]:
        """Public channels by name: (id, whether we are in it)."""
        found: dict[str, tuple[str, bool]] = {}
        cursor = ""
        while True:
            request = self._client.conversations_list(
                types="public_channel",
                exclude_archived=True,
                limit=999,
                cursor=cursor or None,
                team_id=self._team_id,
            )
            try:
                body = await self._calls.ended("conversations.list", request)
            except SlackLimited as error:  # a large workspace has more pages than Slack gives in a minute
                await asyncio.sleep(error.after)
                continue
            for room in _rows(body, "channels"):
                found[str(room.get("name", ""))] = (str(room["id"]), room.get("is_member") is True)
            cursor = _cursor(body)
            if not cursor:
                return found

    async def create(self, name: str) -> str:
        """Make a channel; returns its id."""
        body = await self._calls.ended(
            "conversations.create", self._client.conversations_create(name=name, team_id=self._team_id)
        )
        room = body.get("channel")
        return str(room["id"]) if isinstance(room, dict) else ""

    async def join(self, channel: str) -> None:
        """Enter a public channel."""
        await self._calls.ended("conversations.join", self._client.conversations_join(channel=channel))

    async def invite(self, channel: str, users: list[str]) -> None:
        """Bring people into a channel; one who cannot be invited keeps no other out."""
        for start in range(0, len(users), _MOST_INVITED):
            some = users[start : start + _MOST_INVITED]
            request = self._client.conversations_invite(channel=channel, users=some, force=True)
            await self._calls.ended("conversations.invite", request)

    async def _page(self, channel: str, oldest: str, thread_ts: str, cursor: str) -> Json:
        if thread_ts:
            request = self._client.conversations_replies(
                channel=channel, ts=thread_ts, limit=_PAGE, cursor=cursor or None, include_all_metadata=True
            )
            return await self._calls.ended("conversations.replies", request, SECONDS)
        request = self._client.conversations_history(
            channel=channel, oldest=oldest, limit=_PAGE, cursor=cursor or None, include_all_metadata=True
        )
        return await self._calls.ended("conversations.history", request, SECONDS)


def _metadata(mark: Mark | None) -> dict[str, object] | None:
    return {"event_type": mark.kind, "event_payload": dict(mark.payload)} if mark else None


def _carries(message: Json, mark: Mark) -> bool:
    metadata = message.get("metadata")
    if isinstance(metadata, dict) and metadata.get("event_type"):
        return metadata.get("event_type") == mark.kind and metadata.get("event_payload") == dict(mark.payload)
    return bool(message.get("bot_id")) and bool(mark.needle) and mark.needle in str(message.get("text", ""))


def _address(file: object) -> str:
    """Where Slack keeps a file; empty when it is kept elsewhere, for our token goes to Slack alone."""
    if not isinstance(file, dict) or is_external(file):
        return ""
    return str(file.get("url_private_download") or file.get("url_private") or "")


def _rows(body: Json, key: str) -> list[Json]:
    found = body.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _cursor(body: Json) -> str:
    metadata = body.get("response_metadata")
    return str(metadata.get("next_cursor") or "") if isinstance(metadata, dict) else ""
