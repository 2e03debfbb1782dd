"""Documents: links lead somewhere, decisions have their parts, flows name functions that exist."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.house import ROOT, files, services
from tests.planted.bugs import BUGS

LINK = re.compile(r"!?\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HOP = re.compile(r"\[`(?P<name>[\w.]+)`\]\((?P<target>[^)#\s]+\.py)\)")
SECTIONS = ["Context", "Decision", "Consequences", "Rejected", "Enforced by", "Revisit when"]
DECISION_LINES = 50
MARKDOWN = [path for path in files() if path.suffix == ".md"]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
# A flow is a page of its own, or the section of that name in a pod's README.
OWN_FLOW = "\n## The way of a message\n"
READMES = [service.folder / "README.md" for service in services()]
FLOWS = sorted((ROOT / "docs" / "flows").glob("*.md")) + [path for path in READMES if OWN_FLOW in path.read_text()]


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """Headings as links name them."""
    found = set()
    for line in prose(path).splitlines():
        if line.startswith("#"):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(words.replace(" ", "-"))
    return found


def leads_nowhere(path: Path, target: str) -> bool:
    """Whether a relative link or its anchor is broken."""
    place, _, anchor = target.partition("#")
    aim = (path.parent / place).resolve() if place else path
    if not aim.exists():
        return True
    return bool(anchor) and aim.suffix == ".md" and anchor not in anchors(aim)


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    targets = [match["target"] for match in LINK.finditer(prose(path))]
    inner = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert not [target for target in inner if leads_nowhere(path, target)]


def test_decisions_are_numbered_without_gap() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    assert DECISIONS


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_has_its_parts(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= DECISION_LINES
    assert lines[0].startswith(f"# {path.name[:4]} ")
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == SECTIONS


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_is_enforced_by_something_that_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    section = text.partition("## Enforced by")[2].partition("## ")[0]
    claims = re.findall(r"`([\w./-]+/[\w./-]*|test_\w+\.py)(?:::(\w+))?`", section)
    assert claims, "name the test, contract, or constraint"
    folder = ROOT
    for place, function in claims:
        folder = (ROOT / place).parent if "/" in place else folder  # a bare name lies beside the one before it
        found = ROOT / place if "/" in place else folder / place
        assert found.exists(), place
        if function:
            assert f"def {function}(" in found.read_text(encoding="utf-8"), f"{place}::{function}"


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_planted_bugs_of_a_decision_are_planted(path: Path) -> None:
    section = path.read_text(encoding="utf-8").partition("## Enforced by")[2].partition("## ")[0]
    said = re.search(r"\bbugs?\s+([a-z-` ,\n]+?)(?: of| in) `tests/planted", section)
    named = set(re.findall(r"\w+(?:-\w+)+", said[1])) if said else set()
    assert bool(said) == ("planted bug" in section or "\nbugs `" in section)
    assert named <= {bug.name for bug in BUGS}


def defined(path: Path) -> set[str]:
    """Functions, methods as Class.method, and classes a file defines."""
    found = set[str]()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = (child for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))
            found.update(f"{node.name}.{child.name}" for child in inner)
    return found


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_each_hop_of_a_flow_names_one_function_that_exists(path: Path) -> None:
    hops = [line for line in prose(path).splitlines() if re.match(r"\d+\. ", line)]
    assert len(hops) >= 5
    for hop in hops:
        found = list(HOP.finditer(hop))
        assert len(found) == 1, f"one function, linked to its file: {hop}"
        assert found[0]["name"] in defined((path.parent / found[0]["target"]).resolve()), hop


def test_a_flow_passes_every_service() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FLOWS if path.parent.name == "flows")
    own = {path.parent for path in FLOWS}
    assert not [each.name for each in services() if f"services/{each.name}/" not in text and each.folder not in own]


def test_the_privacy_page_says_what_the_manifests_say() -> None:
    """Each row, below the pod's heading on the page of the house, or in the pod's own README; and no other row."""
    page = (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8")
    for service in services():
        found = re.search(rf"^## {service.name}$(.*?)^## ", page, re.MULTILINE | re.DOTALL)
        told = found.group(1) if found else (service.folder / "README.md").read_text(encoding="utf-8")
        table = told.partition("| What | Why | How long |\n|---|---|---|\n")[2].partition("\n\n")[0]
        kept = {f"| {each.what} | {each.why} | {each.kept} |" for each in service.manifest.personal_data}
        assert set(table.strip().splitlines()) == kept, service.name


def test_what_every_pod_of_a_kind_keeps_is_said() -> None:
    """Records that are set aside, answers of dialogues, and ended deliveries lie in the SDK's tables."""
    for service in services():
        manifest, kept = service.manifest, [each.kept for each in service.manifest.personal_data]
        reads = {entry.topic for entry in manifest.consumes}
        assert any("replays or drops" in each for each in kept) is bool(reads), service.name
        assert any("180 days" in each for each in kept) is ("machi.deliveries.requests.v1" in reads), service.name
        talks = manifest.answers("machi.dialogue.v1.DialogueService") is not None
        assert any(each.startswith("72 hours, also") for each in kept) is talks, service.name


def test_the_settings_page_names_every_setting() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    source = ROOT / "libs" / "common" / "src" / "machi_sdk" / "settings.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    environment = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings")
    fields = [
        node.target.id.upper()
        for node in environment.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    ]
    assert not [name for name in fields if f"`{name}`" not in page]


def test_the_changelog_says_each_thing_once() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line.startswith("- ")]
    assert len(entries) > 50
    assert not [line for line in set(entries) if entries.count(line) > 1]


def test_the_glossary_has_both_languages() -> None:
    rows = [line for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines() if "|" in line]
    assert len(rows) > 20
    assert all(len([cell for cell in row.split("|") if cell.strip()]) == 3 for row in rows)


def test_each_part_of_the_sdk_has_its_line_in_the_charter() -> None:
    sdk = ROOT / "libs" / "common" / "src" / "machi_sdk"
    there = {path.stem for path in sdk.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    rows = (ROOT / "libs" / "common" / "CHARTER.md").read_text(encoding="utf-8").splitlines()
    named = [name for row in rows if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(there - {"__init__"})
