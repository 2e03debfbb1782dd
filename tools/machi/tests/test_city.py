"""What the files of a city say is what its pods are told."""

import shutil
from pathlib import Path

import pytest

from machi_tools.errors import StackError
from machi_tools.stack.city import desk_of, read_folders, seed_folder
from machi_tools.stack.city_file import DeskEntry

TENANT = "tenant: {tenant_id: kasuga, default_language: ja, time_zone: Asia/Tokyo, names: {ja: 春日市}}\n"


def test_a_desk_speaks_its_own_language_or_the_citys() -> None:
    desk = DeskEntry(desk_id="front", phone="092-000-0100", titles={"ja": "総合窓口"})
    assert desk_of(desk, "ja").language == "ja"
    assert desk_of(desk.model_copy(update={"language": "ko"}), "ja").language == "ko"


def test_the_demo_citys_files_are_read(tmp_path: Path) -> None:
    found = read_folders(seed_folder("fukuoka"), tmp_path)
    assert (found.tenant_id, found.file.slack_team, found.catalogue) == ("fukuoka", "", "")


PERSON = "{staff_id: one, slack_user: U1, name: One, roles: [officer], desks: [front]}"
DESK = "{desk_id: front, phone: 092-000-0100, titles: {ja: 総合窓口}}"


def offering(languages: str) -> str:
    return TENANT.replace("names", f"languages: [{languages}], names")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "Input should be a valid dictionary"),
        ("tenant: [", "line 2, column 1: "),
        ("- a list", "Input should be a valid dictionary"),
        (TENANT + "desks: []\n", "staff: Field required"),
        (TENANT + "desks: []\nstaff: []\nstafff: []\n", "stafff: Extra inputs are not permitted"),
        (TENANT + "desks: []\nstaff: []\ndesks: []\n", "the key 'desks' stands here twice"),
        (TENANT.replace("names", "titles") + "desks: []\nstaff: []\n", "tenant.names: Field required"),
        (TENANT.replace("春日市", "''") + "desks: []\nstaff: []\n", "tenant.names: is empty in ja"),
        (TENANT.replace("Tokyo", "Kasuga") + "desks: []\nstaff: []\n", "tenant.time_zone: is no time zone"),
        (TENANT + "desks: [{desk_id: front}]\nstaff: []\n", "desks.0.titles: Field required"),
        (TENANT + f"desks: [{DESK}, {DESK}]\nstaff: []\n", "desks: the desk front is there twice"),
        (TENANT + f"desks: [{DESK}]\nstaff: [{PERSON}, {PERSON}]\n", "staff: the staff_id one is there twice"),
        (
            TENANT + f"desks: [{DESK}]\nstaff: [{PERSON}, {PERSON.replace('one', 'two')}]\n",
            "staff: the slack_user U1 is there twice",
        ),
        (
            TENANT.replace("_language: ja", "_language: tlh") + "desks: []\nstaff: []\n",
            "tenant.default_language: tlh is",
        ),
        (offering("ja, tlh") + "desks: []\nstaff: []\n", r"tenant\.languages\.1: tlh is none of "),
        (offering("ja, ja") + "desks: []\nstaff: []\n", "tenant: the language ja is there twice"),
        (offering("en") + "desks: []\nstaff: []\n", "tenant: the default_language ja is not among"),
        (
            TENANT + f"desks: [{DESK.replace('front', 'Front Desk')}]\nstaff: []\n",
            r"desks\.0\.desk_id: is not of lower",
        ),
        (
            TENANT + f"desks: [{DESK.replace('phone', 'language: tlh, phone')}]\nstaff: []\n",
            r"desks\.0\.language: tlh is none of ",
        ),
        (TENANT + f"desks: [{DESK}]\nstaff: [{PERSON.replace('officer', 'mayor')}]\n", r"staff\.0\.roles\.0: "),
        (
            TENANT + f"desks: [{DESK}]\nstaff: [{PERSON.replace('U1', 'T1/U1')}]\n",
            r"staff\.0\.slack_user: is an id without",
        ),
        (TENANT + "slack_team: T1/U1\ndesks: []\nstaff: []\n", "slack_team: is an id without a slash"),
        (TENANT + f"desks: []\nstaff: [{PERSON}]\n", "staff one works at 'front', which is no desk here"),
    ],
)
def test_a_file_that_is_none_is_told_with_the_place_and_the_model(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "city.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StackError, match=wrong) as told:
        read_folders(tmp_path, tmp_path)
    assert "city.yaml: " in told.value.what
    assert "deploy/helm/machi/demo/" in told.value.cure


@pytest.mark.parametrize(
    ("name", "text"), [("catalogue.yaml", "categories: ["), ("catalogue.yaml", "- road"), ("wards.geojson", "{")]
)
def test_the_file_that_is_wrong_is_named(tmp_path: Path, name: str, text: str) -> None:
    shutil.copytree(seed_folder("fukuoka"), tmp_path, dirs_exist_ok=True)
    (tmp_path / "catalogue.yaml").write_text("categories: []\n", encoding="utf-8")
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(StackError, match=name):
        read_folders(tmp_path, tmp_path)


def test_a_folder_without_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="No such file or directory"):
        read_folders(tmp_path, tmp_path)
