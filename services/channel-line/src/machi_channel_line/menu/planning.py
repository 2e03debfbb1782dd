"""Which tiles a menu has: what the installed pods offer, and always language and help."""

from collections.abc import Iterable, Sequence

from machi_channel_line.menu.layout import Menu, Tile, first_tiles
from machi_sdk.conversation import Opening
from machi_sdk.manifest import DialogueEntry
from machi_sdk.texts import Texts, pick

Offered = Sequence[tuple[Opening, DialogueEntry]]
ALWAYS = ("language", "fallback")


def plan_menus(offered: Offered, texts: Texts, languages: Iterable[str]) -> list[Menu]:
    """One menu for each of these languages; none while no pod offers anything."""
    ordered = sorted(offered, key=lambda pair: (pair[1].order, pair[0].pod, pair[0].command))
    return [menu for language in languages if (menu := _menu(language, ordered, texts)).tiles]


def _menu(language: str, offered: Offered, texts: Texts) -> Menu:
    tiles = [_tile(opening, entry, language) for opening, entry in offered if entry.menu]
    always = [_tile(opening, entry, language) for role in ALWAYS for opening, entry in offered if entry.role == role]
    return Menu(language, texts.say(language, "menu.bar"), first_tiles(tiles, always))


def _tile(opening: Opening, entry: DialogueEntry, language: str) -> Tile:
    return Tile(opening.pod, opening.command, pick(entry.titles, language), entry.icon)
