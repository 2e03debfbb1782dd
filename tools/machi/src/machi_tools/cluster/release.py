"""A release as its operator asks it: each pod answers where it runs, with its own settings and rights."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from machi_sdk.keys import Keys
from machi_sdk.manifest import OPERATOR
from machi_sdk.topics_seen import TopicSeen
from machi_tools.cluster.kubectl import Kubectl
from machi_tools.cluster.objects import PodObject, Replica, replica_of
from machi_tools.errors import StackError
from machi_tools.operator import Operator
from machi_tools.stack.topics import Topic, read_topics
from machi_tools.topic_view import TopicView, together, views

MARK = "machi"  # the ConfigMap by which a namespace has one city
RPC = 9090
TENANT = "MACHI_DEFAULT_TENANT"
# How `python -m machi_sdk.operating` ends.
_NOT_THERE, _NO_SUCH_VERB, _SERVER_AWAY = 1, 2, 3
LIFE = "10m"
_SEEN = TypeAdapter(list[TopicSeen])


@dataclass(frozen=True)
class City:
    """What the cluster says of the release: its name, what it should have, and what there is."""

    release: str
    topics: tuple[Topic, ...]
    wanted: frozenset[str]
    replicas: tuple[Replica, ...]

    def pods(self) -> list[str]:
        """Every pod that has a replica, by name."""
        return sorted({replica.pod for replica in self.replicas})

    def best(self, pod: str) -> Replica:
        """The replica to ask: a ready one where there is one; StackError when none runs."""
        mine = [replica for replica in self.replicas if replica.pod == pod]
        if not mine:
            raise StackError(f"release {self.release} has no pod {pod}", f"one of: {', '.join(self.pods())}")
        running = sorted((each for each in mine if each.running), key=lambda each: not each.ready)
        if not running:
            raise mine[0].absent()
        return running[0]


@dataclass(frozen=True)
class Release:
    """The city of one namespace; it is looked up once."""

    kubectl: Kubectl
    _known: list[City] = field(default_factory=list)

    async def city(self) -> City:
        """The release as it was when first asked; StackError when the namespace has none."""
        if not self._known:
            self._known.append(await self._look())
        return self._known[0]

    async def pods(self) -> list[str]:
        """Every pod by name."""
        return (await self.city()).pods()

    async def ask(self, pod: str, verb: str, *words: str) -> Sequence[object]:
        """A pod's answer to a verb of `machi_sdk.operating`, by one of its replicas."""
        return await self.ask_replica((await self.city()).best(pod), verb, *words)

    async def ask_replica(self, replica: Replica, verb: str, *words: str) -> Sequence[object]:
        """One replica's own answer; StackError when it does not run, may not be asked, or does not know the verb."""
        if not replica.running:
            raise replica.absent()
        command = ("python", "-m", "machi_sdk.operating", verb, *words)
        done = await self.kubectl.run("exec", replica.name, "--container", "pod", "--", *command)
        if done.code == _NO_SUCH_VERB:
            cure = "use the `machi` of the release's version, or upgrade the release"
            raise StackError(f"{replica.name} does not know `{verb}`: it is of another version than this command", cure)
        if done.code == _SERVER_AWAY:
            raise StackError(f"{replica.name} cannot answer `{verb}`: {done.last}", server_cure(replica))
        if done.code and not (done.code == _NOT_THERE and done.out.startswith("{")):
            raise self.kubectl.refused(f"{replica.name} does not answer `{verb}`", done)
        return [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]

    @asynccontextmanager
    async def operator(self, *pods: str) -> AsyncIterator[Operator]:
        """Who may ask these pods by rpc: with a token of the operator's account that lives ten minutes."""
        city = await self.city()
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            (folder / "tokens").mkdir()
            addresses = {}
            for pod in pods:
                addresses[pod] = await stack.enter_async_context(self.kubectl.forwarded(city.best(pod).name, RPC))
                (folder / "tokens" / pod).write_text(await self._token(city.release, pod), encoding="ascii")
            keys = Keys(folder, city.release)
            tenant = next((each.settings[TENANT] for each in city.replicas if TENANT in each.settings), "")
            yield Operator(lambda _pods: keys, addresses, tenant)

    async def topics(self) -> list[TopicView]:
        """The topics beside what is wanted, as the pods see them with their own rights; StackError when one cannot."""
        city = await self.city()
        answers = await asyncio.gather(*(self.ask(pod, "topics") for pod in city.pods()))
        return self.views(
            city, {pod: _SEEN.validate_python(answer) for pod, answer in zip(city.pods(), answers, strict=True)}
        )

    def views(self, city: City, answers: Mapping[str, Sequence[TopicSeen]]) -> list[TopicView]:
        """The topics as those saw them who answered."""
        return views(city.topics, city.pods(), *together(answers))

    async def _token(self, release: str, pod: str) -> str:
        account, audience = f"{release}-{OPERATOR}", f"{release}/{pod}"
        return (await self.kubectl.text("create", "token", account, "--audience", audience, "--duration", LIFE)).strip()

    async def _look(self) -> City:
        mark = await self.kubectl.object("get", "configmap", MARK, "--ignore-not-found")
        release = _data(mark).get("release")
        if not release:
            cure = "`kubectl get configmap -A --field-selector metadata.name=machi` names the namespaces that have one"
            raise StackError(f"there is no city in namespace {self.kubectl.namespace}", cure)
        labels = f"app.kubernetes.io/instance={release},app.kubernetes.io/component=pod"
        files = _data(await self.kubectl.object("get", "configmap", f"{release}-files", "--ignore-not-found"))
        listed = await self.kubectl.object("get", "pods", "--selector", labels)
        objects = TypeAdapter(list[PodObject]).validate_python(listed.get("items", []))
        replicas = tuple(replica_of(each, self.kubectl.namespace) for each in objects if not each.leaving)
        manifests = (name for name in files if name.startswith("manifest."))
        wanted = frozenset(name.removeprefix("manifest.").removesuffix(".yaml") for name in manifests)
        return City(release, _topics(files), wanted, replicas)


def _data(found: Mapping[str, object]) -> dict[str, str]:
    return TypeAdapter(dict[str, str]).validate_python(found.get("data") or {})


def _topics(files: Mapping[str, str]) -> tuple[Topic, ...]:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            if name.startswith("topic."):
                Path(folder, name).write_text(text, encoding="utf-8")
        return tuple(read_topics(Path(folder)))


def server_cure(replica: Replica) -> str:
    """What helps a pod that does not reach PostgreSQL or Kafka."""
    return f"is that server up, and do the pod's Secret and network policy fit? {replica.see}"
