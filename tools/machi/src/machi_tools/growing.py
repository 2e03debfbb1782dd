"""Makes a pod from the living example, and takes one away again: its own folders, and what is generated from all."""

import keyword
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from machi_sdk.dialogue.controls import TEXTS
from machi_sdk.manifest import LONGEST_TITLE, load_manifest
from machi_tools.errors import StackError
from machi_tools.stack.pods import Pod, discover

EXAMPLE = "idea-box"
CHARTS = Path("deploy") / "helm"
LONGEST = 40
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_STEERING = ("back", "cancel", "skip", "help")
_ANSWERS = ("yes", "no")
# Names that the stack, the charts, and the house's own packages have already.
_TAKEN = frozenset(
    {
        *(
            "kafka",
            "machi",
            "machi-service",
            "operator",
            "postgres",
            "protos",
            "sdk",
            "simulator",
            "supervisor",
            "tests",
            "tools",
        ),
        *(
            "canary",
            "closed",
            "database",
            "db",
            "demo",
            "entrance",
            "evaluation",
            "files",
            "global",
            "keys",
            "migration",
        ),
        *("channels", "prepare", "registry", "trust"),
        *("none", "public", "template0", "template1"),  # PostgreSQL's own roles and databases
    }
)
# What operators name after a release's servers, and roles after pods: `machi-db-rw`, `machi-kafka-bootstrap`.
_TAKEN_BEGINNINGS, _TAKEN_END = ("db-", "kafka-"), "-owner"
_LEFT_OUT = ("__pycache__", "*.pyc", "*.egg-info", ".*_cache")


@dataclass(frozen=True)
class PodName:
    """A name as folders, packages, and classes write it."""

    kebab: str

    @property
    def snake(self) -> str:
        """As in an import."""
        return self.kebab.replace("-", "_")

    @property
    def camel(self) -> str:
        """As in the name of a class."""
        return "".join(part.capitalize() for part in self.kebab.split("-"))

    @property
    def title(self) -> str:
        """As on a tile, in as many whole words as fit there."""
        words = self.kebab.replace("-", " ").capitalize()
        return shorten(words, LONGEST_TITLE, placeholder="") or words[:LONGEST_TITLE]


def new_pod(root: Path, name: str) -> list[Path]:
    """Make the pod's folders; StackError says why a name will not do."""
    made = checked(root, name)
    words, targets = _own_words(root, made), _folders(root, name)
    for source, target in zip((root / "examples" / EXAMPLE, root / CHARTS / EXAMPLE), targets, strict=True):
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        _rewrite(target, words)
    _lay_out(targets[0])
    return targets


def remove_pod(root: Path, name: str) -> list[Path]:
    """Delete the pod's folders; StackError when there is none of this name or another pod calls it."""
    pods = {pod.name: pod for pod in discover(root)}
    if name not in pods:
        raise StackError(f"there is no pod {name!r} in services/", f"there are {', '.join(sorted(pods))}")
    callers = [pod.name for pod in pods.values() if any(entry.pod == name for entry in pod.manifest.calls)]
    if callers:
        raise StackError(f"{', '.join(callers)} could not go on without {name}", "take it out of their `calls` first")
    folders = [folder for folder in _folders(root, name) if folder.is_dir()]
    for folder in folders:
        shutil.rmtree(folder)
    return folders


def generate(root: Path) -> None:
    """What `make gen` does: the city's chart, skaffold.yaml, and the reference say which pods there are now."""
    command = [sys.executable, str(root / "protos" / "generate.py")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise StackError(f"what is generated is not renewed: {said}", "mend it, then `make gen`")


def checked(root: Path, name: str) -> PodName:
    """The name, when a pod can have it; StackError says what is wrong with it."""
    if not _KEBAB.fullmatch(name) or len(name) > LONGEST:
        cure = f"small letters and digits, words joined by a hyphen, at most {LONGEST} characters: lost-umbrellas"
        raise StackError(f"{name!r} is no name for a pod", cure)
    made = PodName(name)
    if keyword.iskeyword(made.snake) or keyword.issoftkeyword(made.snake):
        raise StackError(f"{name!r} is a word of Python", f"say more: {name}-desk")
    if _is_taken(root, made):
        raise StackError(f"{name!r} is taken", "choose another name")
    pods = discover(root)
    for word, cure in ((name, f"say more: {name}-desk"), (made.title, "begin with another word: a tile holds no more")):
        owner = _opens(pods, word.casefold())
        if owner:
            raise StackError(f"{word!r} is what people type already: {owner}", cure)
    return made


def _folders(root: Path, name: str) -> list[Path]:
    return [root / "services" / name, root / CHARTS / name]


def _is_taken(root: Path, name: PodName) -> bool:
    """Whether something is called so: a word of the house or the servers, a folder, or a package."""
    words = name.kebab in _TAKEN or name.kebab.startswith(_TAKEN_BEGINNINGS) or name.kebab.endswith(_TAKEN_END)
    folders = any(folder.exists() for folder in _folders(root, name.kebab))
    return words or folders or any(root.glob(f"*/*/src/machi_{name.snake}"))


def _opens(pods: list[Pod], word: str) -> str:
    """What the word means to a person's channel now; empty when nothing."""
    for pod in pods:
        for entry in pod.manifest.dialogues:
            if word in {typed.casefold() for words in entry.keywords.values() for typed in words}:
                return f"it opens {pod.name}/{entry.command}"
    keys = {each: f"controls.{each}.words" for each in _STEERING} | {each: each for each in _ANSWERS}
    for meaning, key in keys.items():
        if word in {typed.casefold() for words in TEXTS.words(key).values() for typed in words.split("|")}:
            return f"it means {meaning}"
    return ""


def _own_words(root: Path, name: PodName) -> dict[str, str]:
    """What stands in the pod for the example's names and for its titles, which open the example alone."""
    example = PodName(EXAMPLE)
    entries = load_manifest(root / "examples" / EXAMPLE / "service.yaml").dialogues
    titles = {title: name.title for entry in entries for title in entry.titles.values()}
    return titles | {example.kebab: name.kebab, example.snake: name.snake, example.camel: name.camel}


def _rewrite(folder: Path, words: Mapping[str, str]) -> None:
    """Give every file and folder the pod's own words, the innermost first."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.write_text(_with(words, path.read_text(encoding="utf-8")), encoding="utf-8")
        path.rename(path.with_name(_with(words, path.name)))


def _with(words: Mapping[str, str], text: str) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def _lay_out(folder: Path) -> None:
    """Another name sorts elsewhere among the imports and makes lines longer or shorter."""
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (["check", "--select", "I", "--fix"], ["format"]):
        subprocess.run([ruff, *command, "--quiet", "--no-cache", str(folder)], cwd=folder, check=True, timeout=60)
