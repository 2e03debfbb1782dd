"""`python -m machi_tools.evaluation kafka|postgres`: prepare the data volume, then become the server."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from machi_tools.embedded.kafka import KafkaServer
from machi_tools.embedded.postgres import PostgresServer
from machi_tools.errors import StackError

KAFKA_PORT = 9092
CONTROLLER_PORT = 9093
POSTGRES_PORT = 5432
EVERYWHERE = "0.0.0.0"  # noqa: S104 (a container's own network)


def kafka(environ: Mapping[str, str]) -> list[str]:
    """The broker's command; KAFKA_ADVERTISED_ADDRESS is where clients come back to."""
    folder = _volume(environ) / "kafka"
    address = environ.get("KAFKA_ADVERTISED_ADDRESS", "")
    if ":" not in address:
        raise StackError("KAFKA_ADVERTISED_ADDRESS is not set", "set it to host:port, as clients reach this broker")
    return KafkaServer(folder, KAFKA_PORT, CONTROLLER_PORT, listen=EVERYWHERE, advertised=address).prepare()


def postgres(environ: Mapping[str, str]) -> list[str]:
    """The server's command; POSTGRES_PASSWORD, or the file POSTGRES_PASSWORD_FILE names, is its administrator's."""
    folder = _volume(environ) / "postgres"
    named = environ.get("POSTGRES_PASSWORD_FILE")
    try:
        word = Path(named).read_text().strip() if named else environ.get("POSTGRES_PASSWORD", "")
    except OSError as error:
        raise StackError(f"POSTGRES_PASSWORD_FILE: {error.strerror}", "mount the secret there") from error
    if not word:
        raise StackError("no password for the administrator", "set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE")
    return PostgresServer(folder, POSTGRES_PORT, listen=EVERYWHERE, given_password=word).prepare()


SERVERS = {"kafka": kafka, "postgres": postgres}


def _volume(environ: Mapping[str, str]) -> Path:
    folder = Path(environ.get("MACHI_DATA_DIR") or "/data")
    if not os.access(folder, os.W_OK):
        raise StackError(f"{folder} cannot be written", f"mount a volume at {folder} for user {os.getuid()}")
    return folder


def main(arguments: Sequence[str]) -> None:
    """Become the server that is named; a failure is said with the last words of its log."""
    make = SERVERS.get(arguments[0]) if arguments else None
    if make is None:
        sys.exit(f"name one of {', '.join(SERVERS)}")
    try:
        command = make(os.environ)
    except StackError as error:
        words = error.log.read_text(errors="replace")[-2000:] if error.log and error.log.is_file() else ""
        sys.exit(f"{words}{error.what}\n  cure: {error.cure}")
    os.execv(command[0], command)  # noqa: S606 (the server is this process from here on, and gets its signals)


if __name__ == "__main__":
    main(sys.argv[1:])
