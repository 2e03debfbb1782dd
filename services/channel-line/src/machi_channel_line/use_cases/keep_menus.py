"""Rich menus follow the installed pods; people follow their language. Conversations never wait for either."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from machi_channel_line.domain.budget import HourlyBudget
from machi_channel_line.menu.layout import PREFIX, Menu, menu_name, menu_request
from machi_channel_line.ports import DueLink, Menus, MenuSide
from machi_channel_line.telemetry import count_menu
from machi_sdk.clock import Clock
from machi_sdk.conversation import People
from machi_sdk.deliveries import Accepted, Refused
from machi_sdk.errors import MachiError, Unavailable
from machi_sdk.telemetry import get_logger

Plan = Callable[[Sequence[str]], Sequence[Menu]]
Draw = Callable[[Menu], Awaitable[bytes]]
_NOT_FOUND = Refused("platform-404")

log = get_logger()


@dataclass(frozen=True)
class KeepMenus:
    """Makes what is missing, shows it, removes what nobody sees any more."""

    lines: Mapping[str, MenuSide]
    menus: Menus
    people: People
    clock: Clock
    draw: Draw
    look: str
    budgets: Mapping[str, HourlyBudget]

    async def compare(self, tenant: str) -> None:
        """Forget menus that somebody took away at LINE, so that they are made again, and show ours by default."""
        there = await self.lines[tenant].menus()
        for menu_id in await self.menus.known(tenant):
            if menu_id not in there:
                await self.menus.remove(tenant, menu_id)
        city = await self.people.city(tenant)
        shown = (await self.menus.live(tenant)).get(city.default_language)
        if shown is not None:
            await self.lines[tenant].default_menu(shown[0])

    async def refresh(self, tenant: str, plan: Plan) -> None:
        """Bring a tenant's menus to the plan; Unavailable when it is to be tried again.

        In the languages it offers, and in those it offered: who chose one of them has its menu still.
        """
        await self.menus.settle(tenant)  # also what a round that was killed had left
        city = await self.people.city(tenant)
        live = await self.menus.live(tenant)
        languages = list(dict.fromkeys((*city.languages, *live)))
        wanted = [(menu, menu.language == city.default_language) for menu in plan(languages)]
        changed = [
            (menu, to_all)
            for menu, to_all in wanted
            if live.get(menu.language, ("", ""))[1] != menu.hash(self._look(to_all=to_all))
        ]
        if changed:
            # Left by rounds that ended between its making and its showing; and LINE has room for so many only.
            await self._drop_unused(tenant, ("made", "old"))
            await self._drop_strangers(tenant)
        for menu, to_all in changed:
            await self._replace(tenant, menu, to_all=to_all)
        await self._drop_unused(tenant, ("made", "old"))

    async def link(self, tenant: str) -> None:
        """Show people the menu of their language; one who cannot be reached is left until they write again."""
        found = await self.menus.claim(tenant, self.clock.now())
        for due in found:
            try:
                await self._link(tenant, due)
            except MachiError as error:
                count_menu("link-put-off")
                wait = timedelta(seconds=min(2.0 * 2 ** min(due.tries, 8), 300.0))
                await self.menus.put_off(tenant, due, self.clock.now() + wait)
                log.warning("menu not linked yet", reason=error.slug)
        if found:
            # One just made may be on its way to being shown; only those that were shown before are surely over.
            await self._drop_unused(tenant, ("old",))

    async def _link(self, tenant: str, due: DueLink) -> None:
        address = await self.people.in_answer(tenant, due.citizen_id, due.event_id)
        if not address:
            count_menu("link-waits")
            await self.menus.wait(tenant, due)
            return
        outcome = await self.lines[tenant].link_menu(address, due.menu_id)
        if not isinstance(outcome, Accepted | Refused):
            raise Unavailable("menu-link-unclear")
        if outcome == _NOT_FOUND and await self._is_gone(tenant, due.menu_id):
            raise Unavailable("menu-gone")
        count_menu("linked" if isinstance(outcome, Accepted) else "link-refused")
        await self.menus.linked(tenant, due)

    async def _is_gone(self, tenant: str, menu_id: str) -> bool:
        """Whether LINE has that menu no more; then it is made again."""
        if menu_id in await self.menus.known(tenant):
            await self.compare(tenant)
        return menu_id not in await self.menus.known(tenant)

    async def _replace(self, tenant: str, menu: Menu, *, to_all: bool) -> None:
        if not self.budgets[tenant].take(2, self.clock.now()):
            raise Unavailable("menu-budget-spent")
        line = self.lines[tenant]
        picture = await self.draw(menu)
        look = self._look(to_all=to_all)
        menu_id = await line.create_menu(menu_request(menu, menu_name(menu, look)))
        await self.menus.add(tenant, menu_id, menu.language, menu.hash(look))
        await line.draw_menu(menu_id, picture)
        if to_all:
            await line.default_menu(menu_id)
        await self.menus.promote(tenant, menu.language, menu_id)
        count_menu("made")
        await self.menus.settle(tenant)

    def _look(self, *, to_all: bool) -> str:
        """Part of a menu's hash: another default language makes the menu of that language anew, and shows it to all."""
        return f"{self.look} to all" if to_all else self.look

    async def _drop_unused(self, tenant: str, states: Sequence[str]) -> None:
        for menu_id in await self.menus.unused(tenant, states):
            await self.lines[tenant].delete_menu(menu_id)
            await self.menus.remove(tenant, menu_id)
            count_menu("removed")

    async def _drop_strangers(self, tenant: str) -> None:
        """Menus of ours that were made right before a crash, and so are in no table."""
        known = set(await self.menus.known(tenant))
        for menu_id, name in (await self.lines[tenant].menus()).items():
            if name.startswith(PREFIX) and menu_id not in known:
                await self.lines[tenant].delete_menu(menu_id)
