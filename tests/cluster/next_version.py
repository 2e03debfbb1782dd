"""A changed version of reports: a new column and another manifest; its image is the present one and a layer."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from tests.architecture.house import ROOT

TAG = "0.1.1-next"
POD = "reports"
_MIGRATION = '''"""A column that the version before does not know."""

import sqlalchemy as sa
from alembic import op

revision = "{number:04d}"
down_revision = "{before:04d}"


def upgrade() -> None:
    op.add_column("reports", sa.Column("seen_by_next", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("reports", "seen_by_next")
'''


def manifest() -> str:
    """The manifest of the changed version."""
    text = (ROOT / "services" / POD / "service.yaml").read_text(encoding="utf-8")
    return text.replace("version: 0.1.0", "version: 0.1.1", 1)


def make_image(present: Path, target: Path) -> None:
    """Write the changed image beside the present one's archive."""
    layer = _layer()
    digest = hashlib.sha256(layer).hexdigest()
    with tarfile.open(present) as source:
        content = json.loads(_read(source, "manifest.json"))[0]
        config = json.loads(_read(source, content["Config"]))
        config["rootfs"]["diff_ids"].append(f"sha256:{digest}")
        config.setdefault("history", []).append({"created_by": "the next version"})
        raw = json.dumps(config).encode()
        name = f"{hashlib.sha256(raw).hexdigest()}.json"
        repository = content["RepoTags"][0].rpartition(":")[0]
        made = {"Config": name, "RepoTags": [f"{repository}:{TAG}"], "Layers": [*content["Layers"], f"{digest}.tar"]}
        new = {name: raw, f"{digest}.tar": layer, "manifest.json": json.dumps([made]).encode()}
        _write(target, source, {"manifest.json", "repositories", content["Config"]}, new)


def _write(target: Path, source: tarfile.TarFile, without: set[str], new: dict[str, bytes]) -> None:
    with tarfile.open(target, "w") as out:
        for member in source.getmembers():
            if member.name not in without:
                out.addfile(member, source.extractfile(member) if member.isfile() else None)
        for path, data in new.items():
            _add(out, path, data)


def _layer() -> bytes:
    versions = ROOT / "services" / POD / "migrations" / "versions"
    before = max(int(path.name.partition("_")[0]) for path in versions.glob("[0-9]*_*.py"))
    migration = _MIGRATION.format(number=before + 1, before=before)
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        _add(tar, f"app/migrations/versions/{before + 1:04d}_next.py", migration.encode())
        _add(tar, "app/service.yaml", manifest().encode())
    return content.getvalue()


def _read(source: tarfile.TarFile, name: str) -> bytes:
    found = source.extractfile(name)
    assert found is not None, f"{name} is missing: is this an archive as `docker save` writes it?"
    return found.read()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o644
    tar.addfile(member, io.BytesIO(data))
