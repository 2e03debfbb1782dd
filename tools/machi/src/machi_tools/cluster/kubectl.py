"""kubectl on one namespace, with the context and the rights of whoever runs it; a refusal is a line with a cure."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple, cast

from machi_tools.errors import StackError

PATIENCE_SECONDS = 40.0
FORWARD_SECONDS = 20.0
RIGHTS = "docs/guides/operators.md"
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ")
# What kubectl says, and what helps; the first that fits counts.
_CURES = (
    ("forbidden", f"your account may not do this in the namespace: {RIGHTS} lists the rights"),
    ("unauthorized|logged in|expired|credential", "sign in to the cluster again, then try again"),
    (
        "connection refused|was refused|no such host|unable to connect|timeout|no end within",
        "which cluster does kubectl ask? `kubectl config current-context`",
    ),
    (
        "current-context|no configuration|does not exist|invalid configuration",
        "point kubectl at the cluster: KUBECONFIG, `kubectl config use-context`",
    ),
    ("executable file not found|no such file", "the image has no Python on its path: is this a pod of Machi?"),
)


class Done(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    words: str

    @property
    def last(self) -> str:
        """What it complained of, in a line; that a command in a pod ended badly is no reason."""
        lines = [line.strip() for line in self.words.splitlines() if line.strip()]
        said = [line for line in lines if not line.startswith(("command terminated", "Defaulted container"))]
        return (said or lines or ["it said nothing"])[-1][:300]


@dataclass(frozen=True)
class Kubectl:
    """One namespace of whatever cluster kubectl is pointed at."""

    namespace: str

    async def run(self, *words: str, seconds: float = PATIENCE_SECONDS) -> Done:
        """Run it to its end; StackError when there is no kubectl."""
        process = await self._started(*words)
        try:
            out, err = await asyncio.wait_for(process.communicate(), seconds)
        except TimeoutError:
            process.kill()
            await process.wait()
            return Done(-1, "", f"no end within {seconds:.0f} s")
        return Done(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))

    async def text(self, *words: str) -> str:
        """What it printed; StackError with its last words and the cure."""
        done = await self.run(*words)
        if done.code:
            raise self.refused(f"kubectl {' '.join(words[:2])}", done)
        return done.out

    async def object(self, *words: str) -> Mapping[str, object]:
        """An object or a list of them; empty when `--ignore-not-found` found none."""
        found = await self.text(*words, "--output", "json")
        return cast("Mapping[str, object]", json.loads(found)) if found.strip() else {}

    @asynccontextmanager
    async def forwarded(self, pod: str, port: int) -> AsyncIterator[str]:
        """A replica's port as an address on this machine."""
        process = await self._started("port-forward", "--address", "127.0.0.1", f"pod/{pod}", f":{port}")
        assert process.stdout is not None
        try:
            line = (await asyncio.wait_for(process.stdout.readline(), FORWARD_SECONDS)).decode(errors="replace")
            found = _FORWARDING.match(line)
            if found is None:
                _, words = await asyncio.wait_for(process.communicate(), FORWARD_SECONDS)
                raise self.refused(f"port-forward to {pod}", Done(1, line, words.decode(errors="replace")))
            yield f"127.0.0.1:{found[1]}"
        except TimeoutError as error:
            raise self.refused(f"port-forward to {pod}", Done(1, "", "no end within 20 s")) from error
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()

    def refused(self, what: str, done: Done) -> StackError:
        """What was refused, as a line for people, with the cure."""
        cure = next((cure for sign, cure in _CURES if re.search(sign, done.words, re.IGNORECASE)), None)
        return StackError(f"{what}: {done.last}", cure or f"`kubectl -n {self.namespace} get pods,events` says more")

    async def _started(self, *words: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        none = asyncio.subprocess.DEVNULL
        command = ("kubectl", "--namespace", self.namespace, *words)
        try:
            return await asyncio.create_subprocess_exec(*command, stdin=none, stdout=pipe, stderr=pipe)
        except FileNotFoundError as error:
            raise StackError("kubectl is not on the PATH", "install kubectl and point it at the cluster") from error
