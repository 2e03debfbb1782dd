"""One resident's phone as the templates show it."""

from dataclasses import dataclass

from starlette.requests import Request

from machi_simulator.jsontree import Json
from machi_simulator.line import buttons
from machi_simulator.line.buttons import Button
from machi_simulator.line.model import ChatMessage, Resident, RichMenu
from machi_simulator.phone.city_map import CityMap, Picked, Window
from machi_simulator.phone.menu import Area, areas
from machi_simulator.web import day
from machi_simulator.words import Say
from machi_simulator.world import World

SHOWN = 120


@dataclass(frozen=True)
class Bubble:
    """A message with the buttons found in it, whether the account has it, and the day it begins."""

    message: ChatMessage
    found: list[Button]
    read: bool
    day: str

    def button(self, action: Json) -> Button | None:
        """The button for an action of this message."""
        return next((button for button in self.found if button.action is action), None)


@dataclass(frozen=True)
class Phone:
    """What one phone shows; `at` is its number on the page, which keeps ids apart."""

    at: int
    person: Resident
    bubbles: list[Bubble]
    quick: list[Button]
    menu: RichMenu | None
    areas: list[Area]
    typing: bool
    open: str
    notice: str
    picked: Picked
    window: Window | None


class Phones:
    """Makes phones of what a page is asked for."""

    def __init__(self, world: World, city: CityMap | None) -> None:
        self._state = world.line.state
        self._deliveries = world.courier.deliveries
        self._clock = world.clock
        self._city = city

    def show(self, request: Request, at: int, person: Resident, say: Say) -> Phone:
        """A phone; what the query opens or says is meant for the only one, or the one it names."""
        query = request.query_params
        own = query.get("notice_for", person.id) == person.id
        chat = self._state.chat(person.id)
        menu = self._state.menu_of(person)
        sign = self._state.loading.get(person.id)
        picked = Picked.of(query if own else {}, self._city)
        return Phone(
            at=at,
            person=person,
            bubbles=self._bubbles(chat[-SHOWN:], say),
            quick=buttons.quick_replies(chat),
            menu=menu,
            areas=areas(menu, buttons.of_menu(self._state, person)) if menu else [],
            typing=sign is not None and sign.until > self._clock.now(),
            open=query.get("open", "") if own else "",
            notice=query.get("notice", "") if own else "",
            picked=picked,
            window=self._city.window(picked) if self._city else None,
        )

    def _bubbles(self, chat: list[ChatMessage], say: Say) -> list[Bubble]:
        found: list[Bubble] = []
        before = ""
        for message in chat:
            begun = day(message.at, say)
            delivery = self._deliveries.get(message.event) if message.event else None
            read = delivery is not None and delivery.state == "delivered"
            found.append(Bubble(message, buttons.of_message(message), read, begun if begun != before else ""))
            before = begun
        return found
