"""Servers that somebody else runs, named by the environment."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from machi_tools.errors import StackError


class PostgresAddress(Protocol):
    """A PostgreSQL server one may administer."""

    def url(self, database: str = "postgres", role: str = "postgres", password: str | None = None) -> str:
        """An address for one database and role; the administrator's own without a password."""
        ...


class KafkaAddress(Protocol):
    """A Kafka cluster one may use."""

    @property
    def bootstrap(self) -> str:
        """The address for KAFKA_BOOTSTRAP_SERVERS."""
        ...


def check_address(url: str) -> None:
    """Refuse a DATABASE_URL that is none of PostgreSQL's; empty is none at all."""
    if url and urlsplit(url).scheme not in ("postgresql", "postgres"):
        cure = "write postgresql://user:word@host:port/postgres"
        raise StackError("DATABASE_URL is not a postgresql:// address", cure)


@dataclass(frozen=True)
class GivenPostgres:
    """A server behind an administrator's address."""

    admin_url: str

    def url(self, database: str = "postgres", role: str = "postgres", password: str | None = None) -> str:
        """An address for one database and role; the administrator's own without a password."""
        parts = urlsplit(self.admin_url)
        host = parts.netloc.rpartition("@")[2]
        who = (
            parts.netloc.rpartition("@")[0]
            if password is None
            else f"{quote(role, safe='')}:{quote(password, safe='')}"
        )
        return urlunsplit(parts._replace(netloc=f"{who}@{host}", path=f"/{database}"))


@dataclass(frozen=True)
class GivenKafka:
    """A cluster behind a bootstrap address."""

    bootstrap: str
