"""Slack lets channels be listed twenty times a minute, so that one list serves all desks."""

import asyncio
from typing import cast

import pytest

from machi_channel_slack.adapters import rooms as rooms_module
from machi_channel_slack.adapters.rooms import SlackRooms
from machi_channel_slack.adapters.slack_api import ListedRoom, SlackApi
from machi_channel_slack.domain.cards import Desk
from machi_channel_slack.ports import SlackRefused
from machi_sdk.errors import Unavailable


class Workspace:
    """Channels by name, whether we are in them, and what was asked; `hidden` names exist and are not listed."""

    def __init__(self, *names: str, hidden: tuple[str, ...] = ()) -> None:
        self.rooms = {name: ListedRoom(f"C-{name}", is_member=False) for name in names}
        self.hidden = set(hidden)
        self.asked: list[str] = []

    async def channels(self) -> dict[str, ListedRoom]:
        self.asked.append("list")
        await asyncio.sleep(0)
        return dict(self.rooms)

    async def create(self, name: str) -> str:
        self.asked.append(f"create {name}")
        await asyncio.sleep(0)
        if name in self.rooms or name in self.hidden:
            raise SlackRefused("name_taken")
        self.rooms[name] = ListedRoom(f"C-{name}", is_member=True)
        return f"C-{name}"

    async def join(self, channel: str) -> None:
        self.asked.append(f"join {channel}")
        if channel not in {room.channel for room in self.rooms.values()}:
            raise SlackRefused("channel_not_found")

    async def invite(self, channel: str, users: list[str]) -> None:
        self.asked.append(f"invite {channel} {','.join(users)}")


def rooms_of(workspace: Workspace) -> SlackRooms:
    async def members(desk_id: str) -> list[str]:
        return [f"U-{desk_id}"]

    return SlackRooms(cast("SlackApi", workspace), members)


def desk(name: str) -> Desk:
    return Desk(name, name, "ja")


async def test_a_channel_that_is_forgotten_while_its_officers_are_invited_is_still_the_one_asked_for() -> None:
    async def members(desk_id: str) -> list[str]:
        rooms.forget(desk(desk_id))  # as another lane does that finds the channel gone
        return []

    rooms = SlackRooms(cast("SlackApi", Workspace()), members)
    assert await rooms.of(desk("roads")) == "C-roads"


async def test_one_list_serves_all_desks() -> None:
    workspace = Workspace("lighting")
    rooms, names = rooms_of(workspace), ["lighting", *(f"desk-{number}" for number in range(60))]
    found = await asyncio.gather(*(rooms.of(desk(name)) for name in (*names, *names)))
    assert found == [f"C-{name}" for name in (*names, *names)]
    assert workspace.asked.count("list") == 1
    assert workspace.asked.count("join C-lighting") == 1
    assert [each for each in workspace.asked if each.startswith("create")] == [f"create {name}" for name in names[1:]]
    assert workspace.asked.count("invite C-desk-7 U-desk-7") == 1


@pytest.mark.parametrize("reason", [Unavailable("peer-down"), SlackRefused("missing_scope")])
async def test_officers_who_could_not_be_asked_for_are_invited_later(
    reason: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, troubles = Workspace(), [reason]

    async def members(_desk_id: str) -> list[str]:
        if troubles:
            raise troubles.pop()
        return ["U1", "U2"]

    rooms = SlackRooms(cast("SlackApi", workspace), members)
    await rooms.of(desk("parks"))
    await rooms.of(desk("parks"))
    assert workspace.asked == ["list", "create parks"]
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now + 61, raising=False)
    await asyncio.gather(*(rooms.of(desk("parks")) for _ in range(3)))
    assert workspace.asked == ["list", "create parks", "invite C-parks U1,U2"]


async def test_officers_are_invited_where_only_the_app_is() -> None:
    workspace = Workspace()
    workspace.rooms |= {
        name: ListedRoom(f"C-{name}", is_member=True, is_alone=name == "parks") for name in ("parks", "lighting")
    }
    rooms = rooms_of(workspace)
    for name in ("parks", "lighting"):
        await rooms.of(desk(name))
        await rooms.of(desk(name))
    assert workspace.asked == ["list", "invite C-parks U-parks"]


async def test_who_cannot_be_invited_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms_module, "_INVITE_AGAIN", 0.0)
    asked: list[str] = []

    async def members(desk_id: str) -> list[str]:
        asked.append(desk_id)
        raise SlackRefused("cant_invite")

    rooms = SlackRooms(cast("SlackApi", Workspace()), members)
    for _ in range(3):
        await rooms.of(desk("parks"))
    assert asked == ["parks"]


async def test_a_channel_that_came_since_the_list_is_found() -> None:
    workspace = Workspace()
    rooms = rooms_of(workspace)
    await rooms.of(desk("lighting"))
    workspace.rooms["parks"] = ListedRoom("C-made-by-hand", is_member=False)
    assert await rooms.of(desk("parks")) == "C-made-by-hand"
    assert "join C-made-by-hand" in workspace.asked


async def test_what_was_forgotten_is_looked_up_anew() -> None:
    workspace = Workspace("lighting", "parks")
    rooms = rooms_of(workspace)
    for name in ("lighting", "parks"):
        await rooms.of(desk(name))
    workspace.rooms["lighting"] = ListedRoom("C-another", is_member=True)
    rooms.forget(desk("lighting"))
    assert await rooms.of(desk("parks")) == "C-parks"
    assert workspace.asked.count("list") == 1, "another desk's channel is still known"
    assert await rooms.of(desk("lighting")) == "C-another"


async def test_a_channel_that_was_made_anew_since_the_list_is_found() -> None:
    workspace = Workspace("lighting", "parks")
    rooms = rooms_of(workspace)
    await rooms.of(desk("lighting"))
    workspace.rooms["parks"] = ListedRoom("C-anew", is_member=False)
    with pytest.raises(SlackRefused):
        await rooms.of(desk("parks"))
    assert await rooms.of(desk("parks")) == "C-anew"


async def test_a_name_that_a_private_channel_has_waits() -> None:
    rooms = rooms_of(Workspace(hidden=("lighting",)))
    with pytest.raises(Unavailable, match="lighting"):
        await rooms.of(desk("lighting"))
