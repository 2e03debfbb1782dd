"""What the templates need to know about blocks: names, fields of a form, what may be shown."""

from dataclasses import dataclass
from urllib.parse import urlsplit
from zlib import crc32

from markupsafe import Markup

from machi_simulator.jsontree import Json, child, children, text
from machi_simulator.slack import forms, mrkdwn
from machi_simulator.slack.model import SlackFile, SlackUser
from machi_simulator.slack.state import SlackState
from machi_simulator.workspace import rich

INPUT_TYPES = {
    "datepicker": "date",
    "timepicker": "time",
    "datetimepicker": "number",
    "number_input": "number",
    "email_text_input": "email",
    "url_text_input": "url",
}
LOCAL = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Field:
    """One thing to fill in: its place in the form, its block and element, and what stands in it."""

    name: str
    block: Json
    element: Json
    given: list[str]

    @property
    def action_id(self) -> str:
        """The element's action id."""
        return text(self.element, "action_id")

    @property
    def block_id(self) -> str:
        """The block's id."""
        return text(self.block, "block_id")

    @property
    def key(self) -> str:
        """The same for the same block and action, also in the view that comes next."""
        return f"in-{crc32(f'{self.block_id}|{self.action_id}'.encode()):x}"


def fields(blocks: list[Json], filled: forms.Filled | None = None) -> list[Field]:
    """Everything to fill in, in reading order, as the app put it there and as it was filled in since."""
    state = forms.values(blocks, filled or {})
    pairs = [(block, element) for block in blocks for element in forms.stateful(block)]
    return [Field(f"field-{at}", *pair, _standing(state, *pair)) for at, pair in enumerate(pairs)]


def _standing(state: Json, block: Json, element: Json) -> list[str]:
    return forms.given(child(child(state, text(block, "block_id")), text(element, "action_id")))


class Looks:
    """Functions for templates."""

    def __init__(self, state: SlackState) -> None:
        self._state = state

    def name(self, reference: str) -> str:
        """The name behind a user or channel id."""
        user, room = self._state.users.get(reference), self._state.channels.get(reference)
        return user.name if user else room.name if room else reference

    def hue(self, user: str) -> int:
        """One of six colours, always the same for a person."""
        return crc32(user.encode()) % 6

    def words(self, node: Json) -> Markup | str:
        """A text object as shown."""
        if text(node, "type") == "mrkdwn":
            return mrkdwn.render(text(node, "text"), self.name)
        return text(node, "text")

    def mrkdwn(self, words: str) -> Markup:
        """The text of a message as shown."""
        return mrkdwn.render(words, self.name)

    def rich(self, block: Json) -> Markup:
        """A rich_text block as shown."""
        return rich.render(block, self.name)

    def led(self, shown: Markup, reader: SlackUser) -> Markup:
        """Links into this workspace go there as their reader; the app's own name nobody."""
        home = f"{self._state.base_url}/workspace/?"
        return shown.replace(f'href="{home}', Markup('href="{}user={}&amp;').format(home, reader.id))

    def picture(self, node: Json) -> str:
        """The address to show a picture from; empty for one outside this machine, which is only linked."""
        given = child(node, "slack_file")
        file_id = text(given, "id") or text(given, "url").split("/slack/files/")[-1].split("/")[0]
        if given:
            return f"/workspace/file/{file_id}"
        return text(node, "image_url") if urlsplit(text(node, "image_url")).hostname in LOCAL else ""

    def files(self, ids: list[str]) -> list[SlackFile]:
        """Files of a message."""
        return [file for file in map(self._state.files.get, ids) if file is not None]

    def deleted(self, ids: list[str]) -> int:
        """How many files of a message are gone."""
        return len(ids) - len(self.files(ids))

    def field(self, found: list[Field], element: Json) -> Field | None:
        """The form field of an element."""
        return next((each for each in found if each.element is element), None)

    def kind(self, element: Json) -> str:
        """The HTML input type of a typed element."""
        return INPUT_TYPES.get(text(element, "type"), "text")

    def options(self, element: Json) -> list[Json]:
        """Options of a menu; menus of people and channels list what there is."""
        kind = text(element, "type")
        if "users_select" in kind:
            return [_option(user.id, user.name) for user in self._state.users.values() if not user.is_bot]
        if "channels_select" in kind or "conversations_select" in kind:
            return [_option(room.id, room.name) for room in self._state.channels.values() if not room.im]
        groups = [option for group in children(element, "option_groups") for option in children(group, "options")]
        return [*children(element, "options"), *groups]

    def given(self, element: Json) -> list[str]:
        """What the app put into an element of a message."""
        return forms.given(forms.initial(element))


def _option(value: str, label: str) -> Json:
    return {"value": value, "text": {"type": "plain_text", "text": label}}
