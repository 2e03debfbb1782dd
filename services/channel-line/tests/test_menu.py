from io import BytesIO
from pathlib import Path

import pytest
from noto_cjk_sans_otc import FONT_PATH
from PIL import Image

from machi_channel_line.menu.drawing import GAP, ICONS, SMALLEST_LABEL, draw_menu, fitting, font_of
from machi_channel_line.menu.layout import Menu, Tile, menu_name, menu_request
from machi_channel_line.menu.planning import plan_menus
from machi_channel_line.wiring import TEXTS
from machi_sdk.conversation import Opening
from machi_sdk.language import known
from machi_sdk.manifest import LONGEST_TITLE, DialogueEntry, load_manifest
from machi_sdk.texts import pick
from machi_simulator.line.rules_menus import check_image, check_menu

ROOT = Path(__file__).resolve().parents[3]
LANGUAGES = ["ja", "en", "zh-Hant"]


def entry(command: str, order: int = 10, role: str = "none", *, menu: bool = True) -> DialogueEntry:
    titles = {"ja": f"通報{command}", "en": f"Report {command}", "zh-Hant": f"回報{command}"}
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
    for menu in plan_menus(offered(count), TEXTS, LANGUAGES):
        request = menu_request(menu, menu_name(menu))
        check_menu(request)
        picture = draw_menu(menu)
        assert check_image(request, picture, "image/png") == "image/png"
        assert Image.open(BytesIO(picture)).size == menu.size


def test_tiles_follow_the_order_and_end_with_language_and_help() -> None:
    menus = {menu.language: menu for menu in plan_menus(offered(3), TEXTS, LANGUAGES)}
    assert sorted(menus) == sorted(LANGUAGES)
    assert [tile.command for tile in menus["en"].tiles] == ["c2", "c1", "c0", "language", "help"]
    assert menus["zh-Hant"].tiles[0].title == "回報c2"


def test_many_pods_never_push_language_and_help_out() -> None:
    tiles = plan_menus(offered(20), TEXTS, LANGUAGES)[0].tiles
    assert [tile.command for tile in tiles[-2:]] == ["language", "help"]
    assert len(tiles) == 8


def test_no_pods_no_menus() -> None:
    assert plan_menus([], TEXTS, LANGUAGES) == []


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
    blank = len(draw_menu(Menu("ja", "", (Tile("p", "c", "題", "none"),))))
    pictures = {name: draw_menu(Menu("ja", "", (Tile("p", "c", "題", name),))) for name in ICONS}
    assert len(set(pictures.values())) == len(ICONS)
    assert blank > 0


def test_letters_have_the_shapes_of_their_language() -> None:
    """The same signs are drawn in each language's own way: 直 differs from city to city, A does not."""
    menus = {tag: draw_menu(Menu(tag, "", (Tile("p", "c", "直角", ""),))) for tag in ("ja", "zh-Hant")}
    assert menus["ja"] != menus["zh-Hant"]
    plain = {tag: draw_menu(Menu(tag, "", (Tile("p", "c", "A", ""),))) for tag in ("ja", "zh-Hant")}
    assert plain["ja"] == plain["zh-Hant"]


def test_a_font_that_is_set_wins() -> None:
    menu = Menu("en", "", (Tile("p", "c", "Report", ""),))
    serif = str(FONT_PATH)
    assert font_of("zh-Hant")(20).getname() == ("Noto Sans CJK TC", "Regular")
    assert font_of("zh-Hant", serif)(20).getname() == ("Noto Sans CJK JP", "Regular")
    assert draw_menu(menu, serif) == draw_menu(menu)


@pytest.mark.parametrize(
    ("title", "drawn"),
    [
        ("Report", "Report"),
        ("Report a broken lamp", "Report a broken lamp"),
        ("REPORT A BROKEN LAMP", "REPORT A\nBROKEN LAMP"),
        ("道路の穴" * 5, "道路の穴道路の穴道路\nの穴道路の穴道路の穴"),
        ("W" * LONGEST_TITLE, "\n".join(["W" * (LONGEST_TITLE // 2)] * 2)),
        ("Two\nlines", "Two lines"),
        ("", ""),
    ],
)
def test_a_title_as_long_as_it_may_be_is_drawn_whole_and_within_its_tile(title: str, drawn: str) -> None:
    menu = Menu("ja", "", tuple(Tile("p", f"c{at}", title, "") for at in range(8)))
    width = menu.boxes[0].width - 6 * GAP
    label, font = fitting(title, width, font_of("ja"))
    assert label == drawn
    assert font.size >= SMALLEST_LABEL
    assert max(font.getlength(line) for line in label.split("\n")) <= width
    assert draw_menu(menu)


@pytest.mark.parametrize("title", ["道路" * 20, "a" * 60, "short " + "b" * 60])
def test_a_title_that_is_too_long_ends_with_an_ellipsis_before_the_edge(title: str) -> None:
    label, font = fitting(title, 252, font_of("ja"))
    assert label.endswith("…")
    assert max(font.getlength(line) for line in label.split("\n")) <= 252


# What the machine would draw as an empty box: a sign whose picture is that of a sign no font has.
NOBODYS = "\U0010fffd"


@pytest.mark.parametrize("language", known())
def test_every_letter_of_every_menu_has_a_glyph(language: str) -> None:
    font = font_of(language)(40)
    box = bytes(font.getmask(NOBODYS))
    assert bytes(font.getmask("\N{THAI CHARACTER KO KAI}")) == box  # what the font lacks is seen
    manifests = [load_manifest(path) for path in sorted(ROOT.glob("services/*/service.yaml"))]
    titles = [pick(entry.titles, language) for manifest in manifests for entry in manifest.dialogues]
    signs = {*"".join(titles), *TEXTS.say(language, "menu.bar"), *known()[language].name} - {" "}
    assert len(signs) > 10
    assert not [sign for sign in signs if bytes(font.getmask(sign)) == box]
