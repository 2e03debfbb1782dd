"""What the files of a city say is what its pods are told."""

from pathlib import Path

import pytest

from machi_tools.errors import StackError
from machi_tools.stack.city import Row, desk_of, read_folders, seed_folder

TENANT = "tenant: {tenant_id: kasuga, default_language: ja, time_zone: Asia/Tokyo, names: {ja: 春日市}}\n"


def test_a_desk_speaks_its_own_language_or_the_citys() -> None:
    row: Row = {"desk_id": "front", "phone": "092-000-0100", "titles": {"ja": "総合窓口"}}
    assert desk_of(row, "ja").language == "ja"
    assert desk_of({**row, "language": "ko"}, "ja").language == "ko"


def test_the_demo_citys_files_are_read(tmp_path: Path) -> None:
    found = read_folders(seed_folder("fukuoka"), tmp_path)
    assert (found.tenant_id, found.slack_team, found.catalogue) == ("fukuoka", "", "")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("tenant: [", "ParserError"),
        ("- a list", "TypeError"),
        (TENANT + "desks: []\n", "KeyError: 'staff'"),
        (TENANT.replace("names", "titles") + "desks: []\nstaff: []\n", "KeyError: 'names'"),
        (TENANT + "desks: [{desk_id: front}]\nstaff: []\n", "KeyError: 'titles'"),
        (TENANT + "desks: []\nstaff: [{staff_id: one}]\n", "KeyError: 'desks'"),
    ],
)
def test_a_file_that_is_none_is_told_with_the_model(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "city.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(StackError, match=wrong) as told:
        read_folders(tmp_path, tmp_path)
    assert "deploy/helm/machi/demo/" in told.value.cure


def test_a_folder_without_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="No such file or directory"):
        read_folders(tmp_path, tmp_path)
