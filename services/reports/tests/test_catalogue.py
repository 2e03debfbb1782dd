"""The city's catalogue: checked whole, wrong places named; routing over the real wards."""

import asyncio
import copy
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from machi_reports.adapters.catalogue_documents import (
    CheckedDocuments,
    checked_document,
    read_document,
    ward_geometries,
)
from machi_reports.adapters.ward_map import WardShapes
from machi_reports.domain.catalogue import Catalogue
from machi_reports.domain.reminding import Target
from machi_sdk.clock import ManualClock
from machi_sdk.errors import Invalid
from machi_sdk.language import default_language

ROOT = Path(__file__).resolve().parents[3]
YEAR = 2026
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def catalogue(city_catalogue: Mapping[str, object]) -> Catalogue:
    return read_document(checked_document(json.dumps(city_catalogue), YEAR), 1)


@pytest.fixture(scope="module")
def wards(city_catalogue: Mapping[str, object]) -> WardShapes:
    return WardShapes(ward_geometries(city_catalogue))


def _add_route(document: dict[str, Any]) -> None:
    document["routes"].append({"category": "road", "desk": "nobody"})


def _lose_ward(document: dict[str, Any]) -> None:
    del document["ward_names"]["40131"]


def _bow_tie(document: dict[str, Any]) -> None:
    ring = [[130, 33], [131, 34], [131, 33], [130, 34], [130, 33]]
    document["wards"]["features"][0]["geometry"] = {"type": "Polygon", "coordinates": [ring]}


def _lose_phone(document: dict[str, Any]) -> None:
    del document["categories"][0]["urgent"]


def _double(document: dict[str, Any], *where: str | int) -> None:
    """The first entry of that list stands at its end, too."""
    entries: Any = document
    for step in where:
        entries = entries[step]
    entries.append(entries[0])


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda d: d.pop("default_desk"), "the file"),
        (lambda d: d.update(default_desk="nobody"), "default_desk"),
        (lambda d: d["categories"][1].update(labels={}), "categories.1.labels"),
        (lambda d: d["categories"][2]["labels"].update(en="much longer than a button"), "categories.2.labels.en"),
        (lambda d: _double(d, "categories"), "categories.8.code"),
        (lambda d: _double(d, "categories", 1, "questions"), "categories.1.questions.1.key"),
        (
            lambda d: _double(d, "categories", 1, "questions", 0, "options"),
            "categories.1.questions.0.options.3.id: 'broken' stands here twice",
        ),
        (lambda d: _double(d, "desks"), "desks.12.desk_id"),
        (lambda d: _double(d, "wards", "features"), "wards.features.7.N03_007: '40135' stands here twice"),
        (lambda d: d.update(time_zone="Asia/Tokio"), "time_zone: 'Asia/Tokio'"),
        (lambda d: d.update(time_zone="Asia"), "time_zone: 'Asia'"),
        (_add_route, "routes.18.desk"),
        (_lose_ward, "ward"),
        (_bow_tie, "wards.40135"),
        (_lose_phone, "categories.0.urgent"),
        (lambda d: d.update(surprise=1), "the file"),
        (lambda d: d.update(closed_days=["12-29", "2027-02-29"]), "closed_days.1"),
        (lambda d: d.update(closed_days=["02-30"]), "closed_days.0"),
        (lambda d: d.update(public_holidays="japan"), "public_holidays"),
        (lambda d: d.update(public_holidays="XX"), "public_holidays: none are known of XX"),
        (lambda d: d.update(public_holidays="JP-99"), "public_holidays: none are known of JP-99"),
    ],
)
def test_the_wrong_place_is_named(city_catalogue: Mapping[str, object], change: Change, place: str) -> None:
    document = copy.deepcopy(dict(city_catalogue))
    change(document)
    with pytest.raises(Invalid) as refused:
        checked_document(json.dumps(document), YEAR)
    assert refused.value.slug == "catalogue-invalid"
    assert place in refused.value.message


async def test_others_go_on_while_a_catalogue_is_checked(
    city_catalogue: Mapping[str, object], clock: ManualClock
) -> None:
    checking = asyncio.create_task(CheckedDocuments(clock).check(json.dumps(city_catalogue)))
    for _ in range(2):
        await asyncio.sleep(0)
    assert not checking.done(), "it held up everything else of the pod"
    assert (await checking)["case_prefix"] == "FK"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"categories": 1}'])
def test_what_is_no_catalogue(text: str) -> None:
    with pytest.raises(Invalid):
        checked_document(text, YEAR)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 9, 22), False),  # a day between two holidays is one, too
        (date(2027, 3, 22), False),  # the equinox falls on a Sunday
        (date(2026, 12, 28), True),
        (date(2026, 12, 29), False),
        (date(2031, 1, 3), False),
        (date(2035, 11, 23), False),
        (date(2035, 11, 22), True),
        (date(2026, 11, 28), False),  # a Saturday
    ],
)
def test_its_city_hall_keeps_the_holidays_of_japan_and_its_own(catalogue: Catalogue, day: date, *, works: bool) -> None:
    assert catalogue.reminding.is_working(day) is works


def test_a_city_keeps_the_holidays_of_its_own_country(city_catalogue: Mapping[str, object]) -> None:
    own = {"public_holidays": "TW", "closed_days": ["02-29", "2026-07-10"]}
    taipei = read_document(checked_document(json.dumps({**city_catalogue, **own}), YEAR), 1).reminding
    assert not taipei.is_working(date(2026, 2, 17)), "the lunar New Year"
    assert taipei.is_working(date(2026, 11, 23)), "a holiday in Japan"
    assert not taipei.is_working(date(2028, 2, 29))
    assert not taipei.is_working(date(2026, 7, 10)), "a typhoon"


def test_its_desks_are_the_demo_citys(catalogue: Catalogue) -> None:
    city = ROOT / "tools" / "machi" / "src" / "machi_tools" / "seeds" / "fukuoka" / "city.yaml"
    desks = yaml.safe_load(city.read_text(encoding="utf-8"))["desks"]
    assert {desk["desk_id"]: desk["titles"] for desk in desks} == {d.desk_id: dict(d.titles) for d in catalogue.desks}


def test_an_emergency_number_is_explained_to_who_does_not_know_it(catalogue: Catalogue) -> None:
    advice = [category.urgent.advice for category in catalogue.categories if category.urgent]
    foreign = [text for texts in advice for tag, text in texts.items() if tag != default_language()]
    naming = [text for text in foreign if re.search("1[01][09]", text)]
    assert naming
    assert [text for text in naming if not re.search(r"1[01][09]\w* ?[(（]", text)] == []


@pytest.mark.parametrize(
    ("latitude", "longitude", "ward"),
    [
        (33.5903, 130.3989, "40133"),  # Tenjin
        (33.5897, 130.4207, "40132"),  # Hakata station
        (33.6640, 130.4270, "40131"),  # Wajiro
        (33.5620, 130.4270, "40134"),  # Ohashi
        (33.5830, 130.3330, "40135"),  # Meinohama
        (33.5560, 130.3700, "40136"),  # Nanakuma
        (33.5130, 130.3480, "40137"),  # Nishi-iriguchi
        (33.6200, 130.3000, "40135"),  # Nokonoshima
        (33.7000, 130.2000, ""),  # the sea
        (33.8834, 130.8752, ""),  # Kitakyushu
        (35.6812, 139.7671, ""),  # Tokyo
        (float("nan"), 130.0, ""),
        (0.0, 0.0, ""),
    ],
)
def test_wards(wards: WardShapes, latitude: float, longitude: float, ward: str) -> None:
    assert wards.ward_at(latitude, longitude) == ward


def test_the_coast_belongs_to_the_city(wards: WardShapes, city_catalogue: Mapping[str, object]) -> None:
    shape = ward_geometries(city_catalogue)["40133"]
    corners = [corner for ring in shape["coordinates"] for corner in ring]  # type: ignore[attr-defined]
    longitude, latitude = max(corners, key=lambda corner: corner[1])
    assert wards.ward_at(latitude + 0.0020, longitude) != ""  # 220 m out
    assert wards.ward_at(latitude + 0.0100, longitude) == ""  # 1.1 km out


@pytest.mark.parametrize(
    ("text", "ward"),
    [
        ("福岡市城南区別府1丁目", "40136"),
        ("南区塩原", "40134"),
        ("中央區天神", "40133"),
        ("ひがしく かしい", "40131"),
        ("1-2 Tenjin, CHUO-KU, Fukuoka", "40133"),
        ("Sawara Ward", "40137"),
        ("福岡市 西区", "40135"),
        ("北九州市小倉北区", ""),
        ("大阪市西区", ""),
        ("北九州市小倉南区", ""),
        ("東京都中央区銀座4丁目", ""),
        ("东京都 中央区", ""),
        ("東京都江東区豊洲", ""),
        ("大阪府大阪市中央区", ""),
        ("北海道札幌市中央区", ""),
        ("神奈川県横浜市港南区", ""),
        ("福岡県福岡市中央区天神", "40133"),
        ("福岡県中央区天神", "40133"),
        ("福岡市内の南区", "40134"),
        ("市役所の前、中央区", "40133"),
        ("別府 城南区", "40136"),
        ("博多 区祇園町", "40132"),
        ("Ｃｈｕｏ－ｋｕ", "40133"),
        ("Chu\u0304o\u0304-ku", "40133"),
        ("まわりに しくみがある", ""),
        ("1-1 Ginza, Chuo-ku, Tokyo", ""),
        ("Ginza, Chūō-ku, Tokyo 104-0061, Japan", ""),
        ("Chuo-ku, Osaka City", ""),
        ("Tenjin, Chuo-ku, Fukuoka", "40133"),
        ("Chuo-ku, Fukuoka-shi, Fukuoka-ken, Japan", "40133"),
        ("Chuo-ku, Fukuoka 810-0001", "40133"),
        ("Chuo-ku, 810-0001", "40133"),
        ("Fukuoka, Chuo-ku, Tenjin", "40133"),
        ("Chuo-ku, Tenjin 1-1", "40133"),
        ("In Chuo-ku, near the station", "40133"),
        ("大橋駅前のコンビニ", ""),
        ("", ""),
    ],
)
def test_wards_in_typed_addresses(catalogue: Catalogue, text: str, ward: str) -> None:
    assert catalogue.ward_named_in(text) == ward


@pytest.mark.parametrize(
    ("category", "ward", "desk"),
    [
        ("road", "40133", "roads-chuo"),
        ("road", "40131", "roads-higashi"),
        ("road", "", "front"),
        ("light", "40131", "lighting"),
        ("light", "", "lighting"),
        ("water", "40136", "water"),
        ("danger", "40136", "front"),
        ("other", "", "front"),
        ("unheard-of", "99999", "front"),
    ],
)
def test_routes(catalogue: Catalogue, category: str, ward: str, desk: str) -> None:
    assert catalogue.route(category, ward) == desk


@pytest.mark.parametrize(
    ("typed", "answers"),
    [
        ("道に穴", {"category": "road", "detail-what": "pothole"}),
        ("歩道の段差が危ない", {"category": "road", "detail-what": "step"}),
        ("みちに あながあります", {"category": "road", "detail-what": "pothole"}),
        ("There is a pothole in the road", {"category": "road", "detail-what": "pothole"}),
        ("There is a hole in the street", {"category": "road", "detail-what": "pothole"}),
        ("A manhole has no cover", {"category": "water"}),
        ("The light on my street is out", {}),
        ("The street is flooded", {"category": "water"}),
        ("Two trees fell", {"category": "park", "detail-what": "tree"}),
        ("ﾏﾝﾎｰﾙが壊れている", {"category": "water"}),
        ("Ｐｏｔｈｏｌｅ", {"category": "road", "detail-what": "pothole"}),
        ("ｶﾞｽのにおい", {"category": "danger"}),
        ("マン ホール", {"category": "water"}),
        ("hi", {}),
        ("路燈不亮", {"category": "light", "detail-what": "dark"}),
        ("公園", {"category": "park"}),
        ("通報", {}),
        ("report", {}),
        ("公園の街灯", {}),
        ("", {}),
    ],
)
def test_free_words_answer_what_they_mean(catalogue: Catalogue, typed: str, answers: dict[str, str]) -> None:
    assert dict(catalogue.answers_in(typed)) == answers


@pytest.mark.parametrize(
    "typed",
    [
        "gas leak",
        "smell of gas and a leak",
        "Wire is down on the pavement",
        "Exposed wire at street light",
        "There is a hole in the ground by the park and it smells strongly of gas",
        "A branch of a tree has come down in the storm and pulled down a power line",
        "街路灯の電線が垂れ下がっている",
        "マンホールからガスのにおいがする",
        "カーブミラーに電線が引っかかっている",
        "こうえんの でんせんが きれて います",
        "人行道上有電線掉落",
        "下水道冒出煤气味",
        "가로등 전선이 끊어졌어요",
    ],
)
def test_no_other_word_overrules_a_danger(catalogue: Catalogue, typed: str) -> None:
    assert dict(catalogue.answers_in(typed)) == {"category": "danger"}


@pytest.mark.parametrize(
    "typed",
    [
        "街路灯の下の道路が陥没しています",
        "マンホールのまわりの道路が陥没しています",
        "公園の前の道路が陥没しています",
        "道路が陥没して段差ができています",
        "A sinkhole opened next to the playground",
        "The road by the street light collapsed, there is a hole",
        "路燈旁邊的道路塌陷",
        "가로등 옆 도로가 꺼졌어요",
        "公园前面的道路塌陷了",
    ],
)
def test_no_other_word_overrules_an_urgent_detail(catalogue: Catalogue, typed: str) -> None:
    assert dict(catalogue.answers_in(typed)) == {"category": "road", "detail-what": "collapse"}
    office = catalogue.urgent_office_in(typed)
    assert office is not None
    assert office.phone == "092-000-0199"


@pytest.mark.parametrize("typed", ["가로등이 꺼졌어요. 도로가 어두워요", "도로 옆 가로등 불이 꺼져 있어요"])
def test_a_light_that_is_out_is_no_collapse(catalogue: Catalogue, typed: str) -> None:
    assert dict(catalogue.answers_in(typed))["category"] == "light"


@pytest.mark.parametrize(
    ("typed", "category"),
    [
        ("A pothole in front of the gas station", "road"),
        ("ガストの前の道路に穴があります", "road"),
        ("電柱の横の側溝のふたが割れています", "road"),
        ("でんちゅうの よこの みぞ", "road"),
        ("トイレを ながす みずが とまりません", ""),
        ("電線桿旁邊的側溝", "road"),
        ("도로 안전선이 지워졌어요", "road"),
        ("电线杆旁边有垃圾", "waste"),
    ],
)
def test_what_only_sounds_like_a_danger_is_none(catalogue: Catalogue, typed: str, category: str) -> None:
    assert dict(catalogue.answers_in(typed)).get("category", "") == category
    assert catalogue.urgent_office_in(typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        "gas",
        "ガス臭い",
        "The gas station smells of gas",
        "ガストの前でガスのにおいがします",
        "ガス工事のところでガスが漏れています",
        "電柱が傾いています",
        "倒れた電柱",
        "電柱の横の電線が切れています",
        "でんちゅうが かたむいて います",
        "ガスの においが します",
        "電線桿倒了",
        "안전선 옆에 전선이 떨어져 있어요",
        "电线杆上的电线掉下来了",
    ],
)
def test_a_danger_beside_what_sounds_like_one_is_one(catalogue: Catalogue, typed: str) -> None:
    assert dict(catalogue.answers_in(typed)).get("category") == "danger"


def test_every_label_means_its_own_category(catalogue: Catalogue) -> None:
    for category in catalogue.categories:
        for label in category.labels.values():
            found = dict(catalogue.answers_in(label))
            assert found.get("category", category.code) == category.code, label


def test_a_case_is_late_by_the_citys_targets_and_working_days(catalogue: Catalogue) -> None:
    monday = datetime(2026, 11, 16, 3, 0, tzinfo=UTC)
    assert catalogue.due_before(Target.CLOSE, monday, urgent=False) == monday - timedelta(days=7)
    assert catalogue.due_before(Target.CLOSE, monday, urgent=True) == monday - timedelta(days=4)
    assert catalogue.due_before(Target.ACKNOWLEDGE, monday, urgent=True) == monday - timedelta(hours=4)
