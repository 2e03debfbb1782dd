"""The bill of materials of one image, CycloneDX 1.6: Debian's packages, Python's, ours, and Kafka's jars.

Runs inside the build, so what it lists is what lies in the image. Two builds of the same content write the same bytes.
"""

import argparse
import json
import platform
import sys
import uuid
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

NAMESPACE = uuid.UUID("5d3c3f0e-4b0c-5a53-9b0a-0c2d2f3f7a11")
LICENSES = LicenseFactory()


def interpreter() -> Component:
    """Python itself, which not every base has from Debian."""
    return _component(PackageURL("generic", name="python", version=platform.python_version()), "PSF-2.0")


def python_packages(folders: Iterable[Path]) -> Iterator[Component]:
    """Every distribution that is installed in these folders."""
    for found in metadata.distributions(path=[str(folder) for folder in folders]):
        name, version = canonicalize_name(found.metadata["Name"]), found.version
        words = next(iter(found.metadata.get_all("License-Expression") or found.metadata.get_all("License") or [""]))
        yield _component(PackageURL("pypi", name=name, version=version), words if len(words) < 80 else "")


def debian_packages(status: str, suite: str) -> Iterator[Component]:
    """Every installed package of dpkg's status file."""
    for block in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(" "))
        if fields.get("Status", "").endswith(" installed"):
            qualifiers = {"arch": fields["Architecture"], "distro": suite}
            yield _component(
                PackageURL("deb", "debian", fields["Package"], fields["Version"], qualifiers=qualifiers), ""
            )


def jars(sums: str, present: Iterable[str]) -> Iterator[Component]:
    """Jars that lie in the image, from the list of `sha256 group:artifact:version`."""
    names = set(present)
    for line in sums.splitlines():
        if not line or line.startswith("#"):
            continue
        sha256, coordinate = line.split()
        group, artifact, version = coordinate.split(":")
        if f"{artifact}-{version}.jar" in names:
            component = _component(PackageURL("maven", group, artifact, version), "")
            component.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=sha256))
            yield component


def bill(name: str, version: str, parts: Iterable[Component]) -> str:
    """The document as JSON, the same for the same parts."""
    root = Component(type=ComponentType.CONTAINER, name=name, version=version, bom_ref=f"image:{name}@{version}")
    bom = Bom(metadata=BomMetaData(component=root))
    for part in parts:
        bom.components.add(part)
    bom.register_dependency(root, bom.components)
    identity = "\n".join([name, version, *sorted(str(part.bom_ref) for part in bom.components)])
    bom.serial_number = uuid.uuid5(NAMESPACE, identity)
    return _without_date(JsonV1Dot6(bom).output_as_string())


def _component(purl: PackageURL, licence: str) -> Component:
    component = Component(
        type=ComponentType.LIBRARY,
        group=purl.namespace if purl.type == "maven" else None,
        name=purl.name,
        version=purl.version,
        purl=purl,
        bom_ref=str(purl),
    )
    if licence:
        component.licenses.add(LICENSES.make_from_string(licence))
    return component


def _without_date(text: str) -> str:
    document = json.loads(text)
    del document["metadata"]["timestamp"]
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write the document to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("version")
    parser.add_argument("--python", type=Path, nargs="+", default=[])
    parser.add_argument("--dpkg", type=Path, help="dpkg's status file of the base")
    parser.add_argument("--suite", default="debian")
    parser.add_argument("--jars", type=Path)
    parser.add_argument("--sums", type=Path)
    arguments = parser.parse_args()
    parts = [interpreter(), *python_packages(arguments.python)]
    if arguments.dpkg:
        parts += debian_packages(arguments.dpkg.read_text(encoding="utf-8"), arguments.suite)
    if arguments.jars:
        present = [path.name for path in arguments.jars.glob("*.jar")]
        parts += jars(arguments.sums.read_text(encoding="utf-8"), present)
    sys.stdout.write(bill(arguments.name, arguments.version, parts))


if __name__ == "__main__":
    main()
