"""Steps that many tests share: filing a report in Japanese, and working its card."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

import pillow_heif
from PIL import Image, ImageDraw

from machi_sdk.texts import Texts
from machi_simulator.slack.model import SlackMessage
from tests.city import City, ResidentAtPhone

_TEXTS = Texts(Path(__file__).resolve().parents[1] / "services" / "reports" / "src" / "machi_reports" / "texts")
_LABELS = "|".join(map(re.escape, _TEXTS.words("report.number").values()))
NUMBER = re.compile(rf"(?:{_LABELS})[\s:：]*([A-Z0-9]+(?:-[A-Z0-9]+)+)", re.IGNORECASE)
pillow_heif.register_heif_opener()
ROAD_HOLE = ("道路・歩道", "穴・ひび割れ")
HAKATA = (33.5903, 130.4207)
OFFICER_HAKATA = "U0ROADS01"
LEAD = "U0LEAD01"
STRANGER = "U0STRANGER"


@dataclass(frozen=True)
class Filing:
    """What a resident says in a report."""

    words: str = "歩道に穴があいています。自転車がころびました。"
    place: tuple[float, float] = HAKATA
    photos: tuple[bytes, ...] = ()
    may_message: bool = True
    kind: tuple[str, str] = ROAD_HOLE


def photo(size: tuple[int, int] = (640, 480), camera: str = "PLANTED-CAMERA", kind: str = "JPEG") -> bytes:
    """A small photo of a hole in grey asphalt, with a camera and a location in its metadata."""
    image = Image.new("RGB", size, (120, 130, 140))
    ImageDraw.Draw(image).ellipse([each // 3 for each in size] + [each * 3 // 4 for each in size], (50, 48, 46))
    exif = Image.Exif()
    exif[0x010F] = camera
    exif.get_ifd(0x8825)[1] = "N"
    content = io.BytesIO()
    image.save(content, kind, exif=exif.tobytes())
    return content.getvalue()


async def to_photos(
    resident: ResidentAtPhone, place: tuple[float, float] = HAKATA, kind: tuple[str, str] = ROAD_HOLE
) -> str:
    """Walk the dialogue up to the question for photos; returns it."""
    await resident.say("通報")
    for label in kind:
        await resident.press(label)
    return await resident.locate(*place)


async def to_confirm(resident: ResidentAtPhone, filing: Filing) -> str:
    """Walk the dialogue up to its last question; returns the summary."""
    answer = await to_photos(resident, filing.place, filing.kind)
    for each in filing.photos:
        answer = await resident.upload(each)
    if "文字で教えて" not in answer:
        answer = await resident.press("次へ" if filing.photos else "スキップ")
    assert "文字で教えて" in answer
    answer = await resident.say(filing.words)
    if "メッセージをお送りしてもよいですか" in answer:
        answer = await resident.press("はい、受け取る" if filing.may_message else "いいえ")
    assert "この内容で送りますか" in answer
    return answer


async def file_report(resident: ResidentAtPhone, filing: Filing | None = None) -> str:
    """File a report; returns its case number."""
    await to_confirm(resident, filing or Filing())
    return number_in(await resident.press("送る"))


def number_in(words: str) -> str:
    """The case number right after its label."""
    found = NUMBER.search(words)
    assert found is not None, f"no case number in {words!r}"
    return found.group(1)


async def press(city: City, officer: str, card: SlackMessage, action: str) -> None:
    """Press an action of a card, wherever the card has it: as a button, or in its menu."""
    rows = [block["elements"] for block in card.blocks if block.get("type") == "actions"]
    elements = [each for row in rows if isinstance(row, list) for each in row]
    if any(each.get("action_id") == action for each in elements):
        await city.simulator.slack.press(officer, card, action)
        return
    menus = {option["value"]: each["action_id"] for each in elements for option in each.get("options", ())}
    value = next(value for value in menus if f'"{action}"' in value)
    await city.simulator.slack.press(officer, card, menus[value], value)


async def submit(
    city: City, officer: str, card: SlackMessage, action: str, *, words: str = "", option: str = ""
) -> None:
    """Press an action that opens a form, fill it in, send it."""
    await press(city, officer, card, action)

    async def look() -> list[object]:
        return list(await city.simulator.slack.views(officer))

    await city.until(look, what="no form opened")
    view = (await city.simulator.slack.views(officer))[-1]
    values: dict[str, dict[str, object]] = {}
    blocks = view.content["blocks"]
    assert isinstance(blocks, list)
    for block in blocks:
        element = block.get("element")
        if block.get("type") != "input" or not isinstance(element, dict):
            continue
        kind = str(element["type"])
        value = option if "select" in kind or "radio" in kind else words
        if value:
            values[str(block["block_id"])] = {str(element["action_id"]): value}
    result = await city.simulator.slack.submit(officer, view, values)
    assert not result.errors, result.errors
