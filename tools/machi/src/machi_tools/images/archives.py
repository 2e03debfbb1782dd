"""Image archives as engines save them (docker-archive): their layers, their files, and several in one."""

import gzip
import io
import json
import posixpath
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

OWN_FIRST_STEP = "/app/venv/bin"
_PACKED: dict[str, int] = {}


@dataclass(frozen=True)
class Layer:
    """One layer: its name in the archive, its content's digest, its size unpacked, whether it is the base's."""

    member: str
    digest: str
    size: int
    of_base: bool


@dataclass(frozen=True)
class Archive:
    """One saved image."""

    path: Path

    def layers(self) -> list[Layer]:
        """The layers from the base upward."""
        with tarfile.open(self.path) as tar:
            entry = self._entry(tar)
            config = json.loads(_bytes(tar, entry["Config"]))
            below = _layers_below(config["history"])
            pairs = zip(entry["Layers"], config["rootfs"]["diff_ids"], strict=True)
            return [
                Layer(member, digest, _target(tar, member).size, place < below)
                for place, (member, digest) in enumerate(pairs)
            ]

    def packed(self, layer: Layer) -> int:
        """The bytes of a layer as a registry stores it."""
        if layer.digest not in _PACKED:
            with tarfile.open(self.path) as tar:
                _PACKED[layer.digest] = len(gzip.compress(_bytes(tar, layer.member), mtime=0))
        return _PACKED[layer.digest]

    def config(self) -> dict[str, object]:
        """What the image says about itself."""
        with tarfile.open(self.path) as tar:
            found: dict[str, object] = json.loads(_bytes(tar, self._entry(tar)["Config"]))["config"]
            return found

    def file(self, name: str) -> bytes:
        """One file of the image, from the topmost layer that holds it; KeyError when none does."""
        with tarfile.open(self.path) as tar:
            found = [_of_layer(_bytes(tar, member), name) for member in self._entry(tar)["Layers"]]
        held = [content for content in found if content is not None]
        if not held:
            raise KeyError(name)
        return held[-1]

    def _entry(self, tar: tarfile.TarFile) -> dict[str, list[str]]:
        entry: dict[str, list[str]] = json.loads(_bytes(tar, "manifest.json"))[0]
        return entry


def _layers_below(history: Sequence[dict[str, object]]) -> int:
    """How many layers there were before the Dockerfile's own first step."""
    words = [str(step.get("created_by", "")) for step in history]
    first = next((place for place, said in enumerate(words) if OWN_FIRST_STEP in said), 0)
    return sum(not step.get("empty_layer") for step in history[:first])


def bundle(archives: Iterable[Path], target: Path) -> None:
    """One archive of several images; a layer that they share lies in it once."""
    manifest: list[object] = []
    written: set[str] = set()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as out:
        for path in archives:
            manifest += _add(out, path, written)
        text = json.dumps(manifest).encode()
        out.addfile(_plain("manifest.json", len(text)), io.BytesIO(text))


def _add(out: tarfile.TarFile, path: Path, written: set[str]) -> list[dict[str, object]]:
    """Copy what `written` does not name yet; what the archive's manifest says."""
    with tarfile.open(path) as tar:
        entries: list[dict[str, object]] = json.loads(_bytes(tar, "manifest.json"))
        for member in _members(entries):
            if member not in written:
                found = _target(tar, member)
                out.addfile(_plain(member, found.size), tar.extractfile(found))
                written.add(member)
    return entries


def _of_layer(content: bytes, name: str) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(content)) as layer:
        return _bytes(layer, name) if name in layer.getnames() else None


def _members(entries: Sequence[dict[str, object]]) -> list[str]:
    found: list[str] = []
    for entry in entries:
        layers = entry["Layers"]
        assert isinstance(layers, list)
        found += [str(entry["Config"]), *map(str, layers)]
    return found


def _plain(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    return info


def _target(tar: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    found = tar.getmember(name)
    while found.issym() or found.islnk():  # a layer that comes twice is saved once
        beside = posixpath.join(posixpath.dirname(found.name), found.linkname)
        found = tar.getmember(posixpath.normpath(beside) if found.issym() else found.linkname)
    return found


def _bytes(tar: tarfile.TarFile, name: str | list[str]) -> bytes:
    stream = tar.extractfile(_target(tar, str(name)))
    assert stream is not None
    with stream:
        return stream.read()
