"""Makes a pod from the living example, and takes one away again: its own folders, and what is generated from all."""

import keyword
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from machi_sdk.dialogue.controls import TEXTS
from machi_tools.errors import StackError
from machi_tools.stack.pods import Pod, discover

EXAMPLE = "idea-box"
CHARTS = Path("deploy") / "helm"
LONGEST = 40
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_STEERING = ("back", "cancel", "skip", "help")
# Names that the stack, the charts, and the house's own packages have already.
_TAKEN = frozenset(
    {"kafka", "machi", "machi-service", "operator", "postgres", "protos", "sdk", "simulator", "supervisor", "tools"}
)
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

    def put_into(self, text: str) -> str:
        """A text of the example, as this pod has it."""
        example = PodName(EXAMPLE)
        for old, new in ((example.kebab, self.kebab), (example.snake, self.snake), (example.camel, self.camel)):
            text = text.replace(old, new)
        return text


def new_pod(root: Path, name: str) -> list[Path]:
    """Make the pod's folders; StackError says why a name will not do."""
    made = checked(root, name)
    targets = _folders(root, name)
    for source, target in zip((root / "examples" / EXAMPLE, root / CHARTS / EXAMPLE), targets, strict=True):
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        _rewrite(target, made)
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
    if name in _TAKEN or _provided(root, made) or any(folder.exists() for folder in _folders(root, name)):
        raise StackError(f"{name!r} is taken", "choose another name")
    owner = _opens(discover(root), name)
    if owner:
        raise StackError(f"{name!r} is a word that people type already: {owner}", f"say more: {name}-desk")
    return made


def _folders(root: Path, name: str) -> list[Path]:
    return [root / "services" / name, root / CHARTS / name]


def _provided(root: Path, name: PodName) -> bool:
    """Whether some folder of the house has the package already."""
    return any(root.glob(f"*/*/src/machi_{name.snake}"))


def _opens(pods: list[Pod], word: str) -> str:
    """What the word means to a person's channel now; empty when nothing."""
    for pod in pods:
        for entry in pod.manifest.dialogues:
            if word in {typed.casefold() for words in entry.keywords.values() for typed in words}:
                return f"it opens {pod.name}/{entry.command}"
    for control in _STEERING:
        steering = TEXTS.words(f"controls.{control}.words").values()
        if word in {typed.casefold() for words in steering for typed in words.split("|")}:
            return f"it means {control}"
    return ""


def _rewrite(folder: Path, name: PodName) -> None:
    """Give every file and folder the pod's name, the innermost first."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.write_text(name.put_into(path.read_text(encoding="utf-8")), encoding="utf-8")
        path.rename(path.with_name(name.put_into(path.name)))


def _lay_out(folder: Path) -> None:
    """Another name sorts elsewhere among the imports and makes lines longer or shorter."""
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (["check", "--select", "I", "--fix"], ["format"]):
        subprocess.run([ruff, *command, "--quiet", "--no-cache", str(folder)], cwd=folder, check=True, timeout=60)
