from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from machi_channel_line.menu.drawing import FONTS, ICONS, draw_menu, find_font
from machi_channel_line.menu.layout import Menu, Tile, menu_name, menu_request
from machi_channel_line.menu.planning import plan_menus
from machi_channel_line.wiring import TEXTS
from machi_sdk.conversation import Opening
from machi_sdk.manifest import DialogueEntry
from machi_simulator.line.rules_menus import check_image, check_menu

LANGUAGES = ["ja", "en", "ja-Hira", "zh-Hant"]
FONT = find_font()


def entry(command: str, order: int = 10, role: str = "none", *, menu: bool = True) -> DialogueEntry:
    titles = {
        "ja": f"通報{command}",
        "ja-Hira": f"つうほう{command}",
        "en": f"Report {command}",
        "zh-Hant": f"回報{command}",
    }
    return DialogueEntry.model_validate(
        {"command": command, "order": order, "role": role, "menu": menu, "titles": titles, "icon": "road"}
    )


def offered(count: int) -> list[tuple[Opening, DialogueEntry]]:
    pods = [(Opening("reports", f"c{at}"), entry(f"c{at}", order=50 - at)) for at in range(count)]
    language = (Opening("identity", "language"), entry("language", role="language"))
    helping = (Opening("identity", "help"), entry("help", role="fallback", menu=False))
    return [*pods, language, helping]


@pytest.mark.parametrize("count", range(9))
def test_every_menu_is_one_line_takes(count: int) -> None:
    for menu in plan_menus(offered(count), TEXTS):
        request = menu_request(menu, menu_name(menu))
        check_menu(request)
        for font in (FONT, None):
            picture = draw_menu(menu, font)
            assert check_image(request, picture, "image/png") == "image/png"
            assert Image.open(BytesIO(picture)).size == menu.size


def test_tiles_follow_the_order_and_end_with_language_and_help() -> None:
    menus = {menu.language: menu for menu in plan_menus(offered(3), TEXTS)}
    assert sorted(menus) == sorted(LANGUAGES)
    assert [tile.command for tile in menus["en"].tiles] == ["c2", "c1", "c0", "language", "help"]
    assert menus["zh-Hant"].tiles[0].title == "回報c2"


def test_many_pods_never_push_language_and_help_out() -> None:
    tiles = plan_menus(offered(20), TEXTS)[0].tiles
    assert [tile.command for tile in tiles[-2:]] == ["language", "help"]
    assert len(tiles) == 8


def test_no_pods_no_menus() -> None:
    assert plan_menus([], TEXTS) == []


def test_the_hash_changes_with_what_is_seen_and_only_then() -> None:
    tile = Tile("reports", "report", "通報", "road")
    menu = Menu("ja", "メニュー", (tile,))
    assert menu.hash() == Menu("ja", "メニュー", (tile,)).hash()
    assert menu.hash() != Menu("ja", "メニュー", (Tile("reports", "report", "通報する", "road"),)).hash()
    assert menu.hash("icons") != menu.hash("words")


def test_areas_cover_the_picture_without_overlap() -> None:
    for count in range(1, 9):
        menu = Menu("ja", "メニュー", tuple(Tile("p", f"c{at}", "題", "") for at in range(count)))
        assert sum(box.width * box.height for box in menu.boxes) == menu.size[0] * menu.size[1]


def test_every_icon_draws_something() -> None:
    blank = len(draw_menu(Menu("ja", "", (Tile("p", "c", "題", "none"),)), None))
    pictures = {name: draw_menu(Menu("ja", "", (Tile("p", "c", "題", name),)), None) for name in ICONS}
    assert len(set(pictures.values())) == len(ICONS)
    assert blank > 0


def test_a_font_that_is_set_wins(tmp_path: Path) -> None:
    font = tmp_path / "city.ttf"
    font.write_bytes(b"")
    assert find_font(str(font)) == font
    assert find_font(str(tmp_path / "none.ttf")) in (None, *map(Path, FONTS))
