"""One suite for every store: a local folder, and a server that speaks S3."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from machi_reports.adapters.photo_store import ObstorePhotos
from machi_sdk.errors import Missing, Unavailable

pytestmark = pytest.mark.integration
NAME, OTHER = "fukuoka/abc-whole.jpg", "sapporo/abc-whole.jpg"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """moto's server, alone in a process, with one bucket."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while not answers(f"{url}/moto-api/"):
            assert process.poll() is None, "moto did not start"
            assert time.monotonic() < deadline, "moto did not come up"
            time.sleep(0.05)
        with urllib.request.urlopen(urllib.request.Request(f"{url}/photos", method="PUT"), timeout=5):
            pass
        yield url
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment an operator sets."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "ap-northeast-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    return s3_server


@pytest.fixture
def secrets(s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that a cluster mounts, and nothing in the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "secrets"
    folder.mkdir()
    given = {"access_key_id": "key", "secret_access_key": "secret", "region": "ap-northeast-1"}
    for name, value in (given | {"endpoint_url": s3_server}).items():
        (folder / f"aws_{name}").write_text(f"{value}\n")
    (folder / "database_url").write_text("none of the store's")
    return folder


@pytest.fixture(params=["folder", "s3", "s3 by files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObstorePhotos:
    if request.param == "folder":
        return ObstorePhotos((tmp_path / "写真 of 2026").as_uri())
    if request.param == "s3 by files":
        return ObstorePhotos(f"s3://photos/{tmp_path.name}", request.getfixturevalue("secrets"))
    request.getfixturevalue("s3")
    return ObstorePhotos(f"s3://photos/{tmp_path.name}")


async def test_what_was_written_is_read(store: ObstorePhotos) -> None:
    content = os.urandom(1_500_000)
    await store.put(NAME, content)
    await store.put(OTHER, b"other")
    assert await store.get(NAME) == content
    assert await store.get(OTHER) == b"other"
    assert store.trouble() is None


async def test_what_is_written_again_is_the_last(store: ObstorePhotos) -> None:
    await store.put(NAME, b"first")
    await store.put(NAME, b"second")
    assert await store.get(NAME) == b"second"


async def test_what_is_not_there_is_missing(store: ObstorePhotos) -> None:
    await store.put(OTHER, b"other")
    with pytest.raises(Missing, match="photo-object-missing"):
        await store.get(NAME)
    store.check()


async def test_what_was_deleted_is_gone_however_often(store: ObstorePhotos) -> None:
    await store.put(NAME, b"photo")
    await store.put(OTHER, b"other")
    for _ in range(2):
        await store.delete([NAME, "fukuoka/never-there.jpg"])
    with pytest.raises(Missing):
        await store.get(NAME)
    assert await store.get(OTHER) == b"other"


@pytest.mark.usefixtures("s3")
async def test_a_bucket_that_is_not_there_says_nothing_about_its_objects() -> None:
    store = ObstorePhotos("s3://no-such-bucket/photos")
    with pytest.raises(Unavailable, match="photo-bucket-missing"):
        await store.get(NAME)
    with pytest.raises(Unavailable, match="photo-bucket-missing"):
        await store.delete([NAME])
    with pytest.raises(Unavailable):
        await store.put(NAME, b"photo")


@pytest.mark.parametrize("kind", ["folder", "s3"])
async def test_a_store_that_is_away_is_left_alone_for_a_moment(
    kind: str, tmp_path: Path, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3
    (tmp_path / "a-file").write_text("where the folder should be")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    store = ObstorePhotos((tmp_path / "a-file").as_uri() if kind == "folder" else "s3://photos")
    store.check()
    with pytest.raises(Unavailable):
        await store.put(NAME, b"photo")
    with pytest.raises(Unavailable, match="photo-store-rests"):
        store.check()


@pytest.mark.parametrize("url", ["", "/folder", "http://127.0.0.1/x"])
def test_an_address_that_is_none_is_said(url: str) -> None:
    assert "OBJECT_STORE_URL" in (ObstorePhotos(url).trouble() or "")
