"""Servers that others run, where the city keeps what it has: remembered at each start, emptied by `machi reset`."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from machi_sdk.settings import Settings
from machi_tools.errors import StackError
from machi_tools.stack.databases import Databases, given_server
from machi_tools.stack.layout import Layout
from machi_tools.stack.secrets import SecretStore, write_private
from machi_tools.stack.topics import delete_topics, read_topics

FILE = "given.json"


class Given(BaseModel):
    """The servers that a stack was given when it last started, without passwords; empty for its own."""

    postgres: str = ""
    kafka: str = ""
    photos: str = ""


def given(environ: Mapping[str, str]) -> Given:
    """What an environment gives."""
    url, kafka = environ.get("DATABASE_URL", ""), environ.get("KAFKA_BOOTSTRAP_SERVERS", "")
    host = urlsplit(url).netloc.rpartition("@")[2] or ("a socket" if url else "")
    return Given(postgres=host, kafka=kafka, photos=environ.get("OBJECT_STORE_URL", ""))


def remember(layout: Layout, environ: Mapping[str, str]) -> None:
    """Keep which servers a stack that starts was given, for a reset after it ended."""
    write_private(layout.state / FILE, given(environ).model_dump_json())


def remembered(layout: Layout) -> Given:
    """The servers that the stack was given; none when it never started."""
    try:
        return Given.model_validate_json((layout.state / FILE).read_text())
    except (OSError, ValidationError):
        return Given()


def check(layout: Layout, environ: Mapping[str, str]) -> Given:
    """The servers to empty; StackError when their addresses are not given now: nothing is deleted by half."""
    kept, now = remembered(layout), given(environ)
    for name, there, here in (
        ("DATABASE_URL", kept.postgres, now.postgres),
        ("KAFKA_BOOTSTRAP_SERVERS", kept.kafka, now.kafka),
    ):
        if there and there != here:
            what = f"the city's data lies at {there}, which {name} does not name now: nothing was deleted"
            left = f"delete {layout.state / FILE} to leave that server as it is"
            raise StackError(what, f"set {name} as `machi up` had it, or {left}; then `machi reset` again")
    return kept


async def empty(layout: Layout, environ: Mapping[str, str], kept: Given) -> None:
    """Drop the pods' databases and roles, and the city's topics, where others run the servers."""
    if kept.postgres:
        secrets = SecretStore(layout.state / "secrets.json")
        await Databases(given_server(environ["DATABASE_URL"]), secrets).drop(secrets.pods())
    if kept.kafka:
        names = [topic.name for topic in read_topics(layout.root / "protos" / "topics")]
        await delete_topics(Settings(kafka_bootstrap_servers=kept.kafka), names)
