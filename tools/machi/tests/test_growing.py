"""A name is checked before anything is made, and a pod that others call is not taken away."""

from pathlib import Path

import pytest

from machi_sdk.manifest import load_manifest
from machi_sdk.names import fold
from machi_tools.errors import StackError
from machi_tools.growing import checked, generate, new_pod, remove_pod
from machi_tools.stack.layout import ROOT

EXAMPLE = "examples/idea-box"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "no name"),
        ("Lost", "no name"),
        ("lost_umbrellas", "no name"),
        ("lost--umbrellas", "no name"),
        ("-lost", "no name"),
        ("2lost", "no name"),
        ("../lost", "no name"),
        ("l" * 41, "no name"),
        ("import", "a word of Python"),
        ("match", "a word of Python"),
        ("reports", "is taken"),
        ("idea-box", "is taken"),
        ("sdk", "is taken"),
        ("simulator", "is taken"),
        ("operator", "is taken"),
        ("db-rw", "is taken"),
        ("reports-owner", "is taken"),
        ("report", "it opens reports/report"),
        ("cancel", "it means cancel"),
        ("yes", "it means yes"),
        ("nope", "it means no"),
        ("tests", "is taken"),
        ("stop-messages", "it opens identity/"),
    ],
)
def test_a_name_that_will_not_do_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(StackError, match=why):
        checked(ROOT, name)


def test_a_title_that_is_taken_is_cured_by_another_beginning() -> None:
    with pytest.raises(StackError, match="'Report a problem' is what people type already") as refused:
        checked(ROOT, "report-a-problem-desk")
    assert "begin with another word" in refused.value.cure


def test_a_pod_is_the_example_under_its_own_name(tmp_path: Path) -> None:
    for folder in (EXAMPLE, "deploy/helm/idea-box"):
        (tmp_path / folder).parent.mkdir(parents=True)
        (tmp_path / folder).symlink_to(ROOT / folder)
    made = new_pod(tmp_path, "zoo-2")
    assert [str(folder.relative_to(tmp_path)) for folder in made] == ["services/zoo-2", "deploy/helm/zoo-2"]
    files = [path for folder in made for path in folder.rglob("*") if path.is_file()]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    assert "class Zoo2Dialogue" in text
    assert "from machi_zoo_2.store import Zoo2Work" in text
    assert not [path for path in files if "idea" in path.name and "ideas" not in path.name]
    assert not [word for word in ("idea-box", "idea_box", "IdeaBox") if word in text]
    mine, example = (load_manifest(folder / "service.yaml").dialogues[0] for folder in (made[0], ROOT / EXAMPLE))
    assert set(mine.titles.values()) == {"Zoo 2"}
    assert mine.opening_words == {fold("Zoo 2"), fold("zoo-2")}
    assert not mine.opening_words & example.opening_words
    with pytest.raises(StackError, match="taken"):
        new_pod(tmp_path, "zoo-2")
    assert remove_pod(tmp_path, "zoo-2") == made
    assert not list((tmp_path / "services").iterdir())


def test_a_pod_that_is_called_or_is_not_there_stays_as_it_is(tmp_path: Path) -> None:
    for name, calls in (("asked", ""), ("asking", "calls: [{pod: asked, services: [toy.v1.Toy]}]\n")):
        folder = tmp_path / "services" / name
        folder.mkdir(parents=True)
        (folder / "service.yaml").write_text(f"name: {name}\nversion: 0.1.0\nowner: tests\n{calls}")
    with pytest.raises(StackError, match="asking could not go on without asked"):
        remove_pod(tmp_path, "asked")
    with pytest.raises(StackError, match="there is no pod"):
        remove_pod(tmp_path, "of-nobody")
    assert {path.parent.name for path in tmp_path.glob("services/*/service.yaml")} == {"asked", "asking"}


def test_what_cannot_be_generated_is_told_with_the_cure(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="not renewed") as told:
        generate(tmp_path)
    assert "`make gen`" in told.value.cure
