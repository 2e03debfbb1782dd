"""What one member sees of the workspace: channels with what is unread, messages, a thread, the open modal."""

from dataclasses import dataclass

from machi_simulator.jsontree import children
from machi_simulator.slack.methods_views import top_view
from machi_simulator.slack.model import Channel, SlackMessage, SlackUser, View
from machi_simulator.switches import Switches
from machi_simulator.web import day
from machi_simulator.words import Say
from machi_simulator.workspace.blocks import Looks, fields
from machi_simulator.world import World

SHOWN = 120
Row = tuple[SlackMessage, int, str]


@dataclass(frozen=True)
class Sight:
    """Who looks where: a channel, the thread that begins with the message `root`, and the tab of the browser."""

    person: SlackUser | None
    room: Channel | None
    root: str
    say: Say
    tab: str


class Office:
    """Reads the workspace for the views, and remembers until when each member has read each channel."""

    def __init__(self, world: World) -> None:
        self._state = world.slack.state
        self._account = world.config.simulator_account
        self._language = next(iter(world.config.simulator_languages), "")
        self._switches = Switches(world.faults)
        self._looks = Looks(self._state)
        self._read: dict[tuple[str, str], str] = {}

    def shared(self) -> dict[str, object]:
        """What every page with messages needs."""
        states = self._switches.states()
        return {
            "account": self._account,
            "office_language": self._language,
            "looks": self._looks,
            "switches": states,
            "faults_on": self._switches.on(),
        }

    def people(self) -> list[SlackUser]:
        """Members, the app not among them."""
        return [user for user in self._state.users.values() if not user.is_bot]

    def rooms(self, *people: SlackUser) -> list[Channel]:
        """Channels that one of them has, by name, then their direct conversations."""
        found = [room for room in self._state.channels.values() if any(room.open_to(each.id) for each in people)]
        return sorted(found, key=lambda room: (bool(room.im), room.name))

    def newest(self, rooms: list[Channel]) -> Channel | None:
        """The channel where something was said last."""
        return max(rooms, key=lambda room: self._last(room.id), default=None)

    def seen(self, sight: Sight) -> dict[str, object]:
        """Messages, thread, and modal; looking is reading."""
        person, room = sight.person, sight.room
        about: dict[str, object] = {"person": person, "room": room, "root": sight.root, "tab": sight.tab}
        if room is None or person is None:
            return about | {"messages": [], "thread": [], "view": None, "form": []}
        self._read[person.id, room.id] = self._last(room.id)
        shown = [each for each in self._state.history(room.id) if each.seen_by in ("", person.id)]
        view = self._open(person, sight.tab)
        return about | {
            "messages": self._rows(shown, sight.say),
            "thread": [each for each in shown if sight.root and each.root == sight.root],
            "view": view,
            "form": fields(children(view.content, "blocks"), view.filled) if view else [],
        }

    def _open(self, person: SlackUser, tab: str) -> View | None:
        """The modal above a page: that of the tab it was asked for in, or of no tab at all."""
        view = top_view(self._state, person.id)
        return view if view and view.tab in ("", tab) else None

    def said(self, person: SlackUser) -> list[SlackMessage]:
        """The person's direct conversation with the app."""
        return self._state.history(self._state.direct(person.id).id)[-SHOWN:]

    def unread(self, person: SlackUser | None, rooms: list[Channel]) -> dict[str, int]:
        """How many messages of others each channel has since it was last looked at."""
        found = {}
        for room in rooms if person else []:
            since = self._read.get((person.id, room.id), "") if person else ""
            found[room.id] = sum(self._is_new(each, since, person) for each in self._state.history(room.id))
        return found

    def _is_new(self, message: SlackMessage, since: str, person: SlackUser | None) -> bool:
        own = person is not None and message.user == person.id
        mine = person is not None and message.seen_by in ("", person.id)
        return message.ts > since and mine and not own and not message.thread_ts

    def _last(self, channel: str) -> str:
        return max((each.ts for each in self._state.history(channel)), default="")

    def _rows(self, shown: list[SlackMessage], say: Say) -> list[Row]:
        replies: dict[str, int] = {}
        for each in shown:
            if each.thread_ts:
                replies[each.thread_ts] = replies.get(each.thread_ts, 0) + 1
        rows: list[Row] = []
        before = ""
        for each in [message for message in shown if not message.thread_ts][-SHOWN:]:
            begun = day(float(each.ts), say)
            rows.append((each, replies.get(each.ts, 0), begun if begun != before else ""))
            before = begun
        return rows
