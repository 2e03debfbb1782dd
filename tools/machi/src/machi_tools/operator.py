"""What an operator asks of the running pods, with an operator's credential."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from machi_sdk.errors import Conflict, Denied, Invalid, MachiError, Missing, Unavailable
from machi_sdk.keys import Keys
from machi_sdk.manifest import OPERATOR
from machi_sdk.rpc import Peers, for_tenant
from machi_sdk.settings import Settings, read_settings
from machi_tools.errors import StackError
from machi_tools.stack.keys import Issuer
from machi_tools.stack.layout import Layout
from machi_tools.stack.state import State, read_state

Answer = TypeVar("Answer")
Ask = Callable[[Peers, tuple[tuple[str, str], ...]], Awaitable[Answer]]
DEADLINE = 15.0
CURES: dict[type[MachiError], str] = {
    Unavailable: "`machi doctor` says which pod is down",
    Denied: "here: use the folder of the running stack, `make down up` renews its keys; in a cluster: "
    "docs/guides/secrets.md, tokens between pods",
    Invalid: "mend what the message names, then try again",
    Missing: "check the spelling",
    Conflict: "something else has it already: change that, or what you put",
}
# What a pod refuses of an operator is told a pod as Unavailable, so that nothing is given up for it.
_OF_A_SLUG = {
    "token-refused": CURES[Denied],
    "slack-address-taken": "`machi staff list` says whose it is; `machi staff remove` takes out who left",
    "tenant-unknown": "`machi tenants` lists the municipalities of this release",
}


@dataclass(frozen=True)
class Operator:
    """Speaks to the pods of one release about one tenant; `credential` gives tokens for the pods named."""

    credential: Callable[[Iterable[str]], Keys]
    addresses: Mapping[str, str]
    tenant: str

    def of(self, tenant: str) -> "Operator":
        """The same about another tenant of the release; empty: about the same."""
        return replace(self, tenant=tenant or self.tenant)

    async def ask(self, question: Ask[Answer]) -> Answer:
        """Ask once; MachiError kinds as the pod answered."""
        peers = Peers(dict(self.addresses), self.credential(self.addresses))
        try:
            return await question(peers, for_tenant(self.tenant))
        finally:
            await peers.close()


def asked(question: Coroutine[object, object, Answer]) -> Answer:
    """Ask from a command; a refusal becomes a line for people."""
    try:
        return asyncio.run(question)
    except MachiError as error:
        raise told(error) from error


def told(error: MachiError) -> StackError:
    """The refusal as a line for people, with the cure of its kind."""
    words = error.slug if error.message == error.slug else f"{error.slug}: {error.message}"
    cure = next(cure for kind, cure in CURES.items() if isinstance(error, kind))
    return StackError(words, _OF_A_SLUG.get(error.slug, cure))


def running(layout: Layout) -> State:
    """The running stack's state; StackError when there is none."""
    state = read_state(layout.state_file)
    if state is None or not state.is_running():
        raise StackError("nothing runs here", "make up")
    return state


def operator_of(layout: Layout) -> Operator:
    """The operator of the running stack, or of the cluster this runs in: there tokens come as files."""
    if in_a_cluster():
        return operator_in_cluster(read_settings())
    state = running(layout)
    addresses = {pod.name: pod.rpc for pod in state.pods}
    return Operator(lambda pods: Issuer(layout.keys, state.release).keys_of(OPERATOR, pods), addresses, state.tenant)


def in_a_cluster() -> bool:
    """Whether addresses and tokens were given from outside, as a release's Jobs have them."""
    return bool(os.environ.get("MACHI_PEERS") and os.environ.get("MACHI_KEYS_DIR"))


def operator_in_cluster(settings: Settings) -> Operator:
    """The operator by the service account's tokens in MACHI_KEYS_DIR."""
    keys = Keys(settings.machi_keys_dir, settings.machi_release)
    return Operator(lambda _pods: keys, settings.peers, settings.machi_default_tenant)
