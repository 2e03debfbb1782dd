"""A resident in the Slack stand-in's direct conversation with the app."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from machi_sdk.ids import new_id
from machi_simulator.slack.model import SlackMessage
from tests.city import PATIENCE, City, words_of


@dataclass(frozen=True)
class ResidentOnSlack:
    """One resident; every act waits for the app's answer and returns its words."""

    city: City
    user: str

    async def say(self, words: str) -> str:
        """Write to the app."""
        return await self.does(lambda: self.city.simulator.slack.direct(self.user, words))

    async def command(self, words: str) -> str:
        """Use /machi in a channel of the resident's own: two who made the same one would be in each other's way."""
        slack, name = self.city.simulator.slack, f"of-{self.user.lower()}"
        channel = await slack.channel(name) or await slack.create_channel(self.user, name)
        return await self.does(lambda: slack.command(self.user, channel.id, "/machi", words))

    async def upload(self, *photos: bytes, words: str = "") -> str:
        """Send photos, perhaps with words, in one message."""
        slack = self.city.simulator.slack
        files = [("photo.jpg", "image/jpeg", photo) for photo in photos]
        return await self.does(lambda: slack.direct(self.user, words, *files))

    async def press(self, label: str) -> str:
        """Press the newest button whose label contains `label`."""
        message, action = await self.button(label)
        return await self.does(lambda: self.city.simulator.slack.press(self.user, message, action))

    async def hears(self, before: int, seconds: float = PATIENCE) -> str:
        """The words the app wrote after the first `before` messages, once there are some."""

        async def look() -> list[SlackMessage]:
            return (await self.city.simulator.slack.heard(self.user))[before:]

        found = await self.city.until(look, seconds, "the app did not answer")
        return "\n".join(map(words_of, found))

    async def count(self) -> int:
        """How many messages the app has written."""
        return len(await self.city.simulator.slack.heard(self.user))

    async def does(self, act: Callable[[], Awaitable[object]]) -> str:
        """Do something and wait for the answer."""
        before = await self.count()
        await act()
        return await self.hears(before)

    async def button(self, label: str) -> tuple[SlackMessage, str]:
        """The newest button whose label contains `label`: its message and its action."""
        for message in reversed(await self.city.simulator.slack.heard(self.user)):
            for shown, action in _buttons(message):
                if label in shown:
                    return message, action
        raise AssertionError(f"no button {label!r}")


def _buttons(message: SlackMessage) -> list[tuple[str, str]]:
    rows = [block["elements"] for block in message.blocks if block.get("type") == "actions"]
    elements = [element for row in rows if isinstance(row, list) for element in row]
    return [(each["text"]["text"], each["action_id"]) for each in elements if each.get("type") == "button"]


async def resident_on_slack(city: City, user: str) -> ResidentOnSlack:
    """A member of the workspace who is nobody's staff."""
    await city.simulator.slack.add_user(user, user.lower())
    return ResidentOnSlack(city, user)


async def newcomer(city: City) -> ResidentOnSlack:
    """Somebody nobody has seen yet."""
    return await resident_on_slack(city, f"U0{new_id().replace('-', '')[-9:].upper()}")
