"""auth.test, users.*, files.*"""

from machi_simulator.ids import capitals
from machi_simulator.jsontree import Json, as_objects, text, whole
from machi_simulator.slack.call import Call, page
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.model import SlackFile
from machi_simulator.slack.posting import Posting
from machi_simulator.slack.state import BOT_ID, BOT_USER, SlackState, described_file, described_user


class PeopleMethods:
    """Who is who."""

    def __init__(self, state: SlackState) -> None:
        self._state = state

    def auth_test(self, _call: Call) -> Json:
        """auth.test"""
        team = self._state.config.slack_team_id
        return {
            "url": f"{self._state.base_url}/workspace/",
            "team": "Machi",
            "user": "machi",
            "team_id": team,
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def info(self, call: Call) -> Json:
        """users.info"""
        return {"user": described_user(self._state, self._state.user(text(call.args, "user")))}

    def list_all(self, call: Call) -> Json:
        """users.list"""
        rows, cursor = page([described_user(self._state, user) for user in self._state.users.values()], call.args)
        return {"members": rows, "response_metadata": {"next_cursor": cursor}}

    def by_email(self, call: Call) -> Json:
        """users.lookupByEmail"""
        wanted = text(call.args, "email")
        found = next((user for user in self._state.users.values() if wanted and user.email == wanted), None)
        if found is None:
            raise SlackError("users_not_found")
        return {"user": described_user(self._state, found)}


class FileMethods:
    """Uploading in three steps: ask for an address, post the bytes, complete."""

    def __init__(self, state: SlackState, posting: Posting) -> None:
        self._state = state
        self._posting = posting

    def upload_url(self, call: Call) -> Json:
        """files.getUploadURLExternal"""
        name, size = text(call.args, "filename"), whole(call.args, "length")
        if not name or size <= 0:
            raise SlackError("invalid_arguments", ["filename and length are required"])
        file = SlackFile(
            id=capitals("F"),
            name=name,
            size=size,
            alt=text(call.args, "alt_txt"),
            created=int(self._state.clock.now()),
        )
        self._state.files.put(file)
        return {"upload_url": f"{self._state.base_url}/slack/upload/{file.id}", "file_id": file.id}

    def complete(self, call: Call) -> Json:
        """files.completeUploadExternal"""
        wanted = as_objects(call.args.get("files"))
        if not wanted:
            raise SlackError("invalid_arguments", ["files is required"])
        done = [self._complete(text(each, "id"), text(each, "title")) for each in wanted]
        channel = text(call.args, "channel_id")
        if channel:
            self._share(channel, done, call.args)
        return {"files": [described_file(self._state, file) for file in done]}

    def info(self, call: Call) -> Json:
        """files.info"""
        file = self._state.files.get(text(call.args, "file"))
        if file is None or not file.completed:
            raise SlackError("file_not_found")
        return {"file": described_file(self._state, file)}

    def delete(self, call: Call) -> Json:
        """files.delete"""
        file = self._state.files.get(text(call.args, "file"))
        if file is None:
            raise SlackError("file_not_found")
        self._state.files.remove(file.id)
        self._state.journal.drop_blob(f"slack/{file.id}")
        return {}

    def _complete(self, file_id: str, title: str) -> SlackFile:
        file = self._state.files.get(file_id)
        if file is None or not file.uploaded:
            raise SlackError("file_not_found")
        file.title, file.completed = title, True
        return self._state.files.put(file)

    def _share(self, channel: str, done: list[SlackFile], args: Json) -> None:
        room = self._state.channel(channel)
        if BOT_USER not in room.members:
            raise SlackError("not_in_channel")
        for file in done:
            file.channels.append(room.id)
            self._state.files.put(file)
        comment, thread = text(args, "initial_comment"), text(args, "thread_ts")
        self._posting.with_files(room.id, [file.id for file in done], comment, thread)
