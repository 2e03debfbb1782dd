"""The steps of `make verify-cluster`, in order; each says how long it took and what it saw."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from machi_simulator.canary import fly
from machi_simulator.testing import connect
from tests.architecture.house import ROOT
from tests.charts.binaries import program
from tests.charts.rendering import CHARTS
from tests.cluster import next_version
from tests.cluster.edges import wrong_edges, wrong_tokens
from tests.cluster.kube import RELEASE, FailedError, Kube, load_image, run
from tests.cluster.load import Load, city_at
from tests.cluster.operator import wrong_answers

IMAGES = ROOT / ".machi" / "images"
PEOPLE = 3
UNDER_LOAD_SECONDS = 15.0
VICTIMS = ("reports", "channel-line", "identity", "channel-slack", "notifications")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
# Many cards at once are a list by design; here each is to be counted.
CITY = ("--set-string", "channel-slack.settings.SLACK_FLOOD_CARDS=100000")
OWN_POD = (*CITY, "--set", "global.ownPods={idea-box}")
WAIT = ("--wait", "--timeout", "8m")


@dataclass
class Verification:
    """One run: what was done and seen."""

    kube: Kube
    folder: Path
    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Everything, and away with it at the end."""
        try:
            await self._step("what `make images` built is on the nodes", self._images)
            await self._step("a namespace under Pod Security restricted", self._namespace)
            await self._step(
                "helm install --wait", partial(self._helm, "install", RELEASE, str(CHARTS / "machi"), *WAIT, *CITY)
            )
            await self._step(
                "helm test: a report goes in, its card comes out", partial(self._helm, "test", RELEASE, "--logs")
            )
            await self._step("edges as the manifests say", partial(self._right, wrong_edges))
            await self._step("tokens count for one callee", partial(self._right, wrong_tokens))
            await self._step(
                "`machi -n` asks the release: doctor, trace, outbox, dlq list", partial(self._right, wrong_answers)
            )
            await self._step("a pod of the city's own, by a chart of its own", self._own_pod)
            await self._under_load()
            await self._step("uninstall and install again: what was filed is there", self._again)
        finally:
            await self._step("uninstall, and the namespace away", self._away)

    async def _under_load(self) -> None:
        with self.kube.forwarded(f"{RELEASE}-simulator", 8080) as url:
            async with connect(url) as simulator:
                load = Load(city_at(simulator))
                async with load.going_on(PEOPLE):
                    await asyncio.sleep(UNDER_LOAD_SECONDS)
                    await self._step("under load: upgrade to a version with a new column and manifest", self._upgrade)
                    await self._step("under load: each pod killed", self._kill)
                    await self._step("under load: a node drained", self._drain)
                    await self._step(
                        "under load: rollback to the version before",
                        partial(self._helm, "rollback", RELEASE, "2", *WAIT),
                    )
                    await asyncio.sleep(UNDER_LOAD_SECONDS)
                found = await load.judged()
                self.wrong += [f"{what}: {', '.join(cases)}" for what, cases in found.items()]
                self._say(f"{load.count} reports by {PEOPLE} people: {found or '0 lost, 0 double'}")

    async def _step(self, name: str, act: Callable[[], Awaitable[str]]) -> None:
        began = time.monotonic()
        try:
            seen = await act()
        except FailedError as error:
            self.wrong.append(f"{name}: {error}")
            self._say(f"✗ {name} ({time.monotonic() - began:.0f} s): {error}")
            raise
        mark = "·" if seen.startswith("skipped") else "✓"
        self._say(f"{mark} {name} ({time.monotonic() - began:.0f} s){': ' + seen if seen else ''}")

    def _say(self, words: str) -> None:
        self.lines.append(words)
        print(words, flush=True)  # noqa: T201 (a command's output)

    async def _images(self) -> str:
        loaded = [each for each in sorted(IMAGES.glob("*.tar")) if await asyncio.to_thread(load_image, each)]
        return f"{len(loaded)} images" if loaded else "skipped: none built here, or MACHI_CLUSTER_LOAD is not set"

    async def _namespace(self) -> str:
        await asyncio.to_thread(self.kube.kubectl, "create", "namespace", self.kube.namespace)
        await asyncio.to_thread(self.kube.kubectl, "label", "namespace", self.kube.namespace, RESTRICTED)
        return self.kube.namespace

    async def _helm(self, *words: str) -> str:
        said = await asyncio.to_thread(self.kube.helm, *words)
        return next((line for line in said.splitlines() if "its card was in" in line), "")

    async def _right(self, look: Callable[[Kube], list[str]]) -> str:
        wrong = await asyncio.to_thread(look, self.kube)
        if wrong:
            raise FailedError("; ".join(wrong))
        return ""

    async def _own_pod(self) -> str:
        chart = self.folder / "own"
        shutil.copytree(CHARTS, chart, symlinks=True)
        await self._helm("upgrade", RELEASE, str(CHARTS / "machi"), *WAIT, *OWN_POD)
        await asyncio.to_thread(run, [program("helm"), "dependency", "build", str(chart / "idea-box")], 60)
        await self._helm("install", "idea-box", str(chart / "idea-box"), "--set", f"global.release={RELEASE}", *WAIT)
        return "ready: its tables, its manifest, its tile in the menus"

    async def _upgrade(self) -> str:
        archive, chart = IMAGES / f"{next_version.POD}.tar", self.folder / "helm"
        changed = self.folder / "next.tar"
        shutil.copytree(CHARTS, chart, symlinks=True)
        values = ["--set", "notifications.annotations.verified=again", *OWN_POD]
        seen = "skipped the new version: no image to change, or MACHI_CLUSTER_LOAD is not set; pods were replaced"
        if archive.is_file():
            await asyncio.to_thread(next_version.make_image, archive, changed)
            if await asyncio.to_thread(load_image, changed):
                (chart / next_version.POD / "service.yaml").write_text(next_version.manifest(), encoding="utf-8")
                values += ["--set", f"{next_version.POD}.image.tag={next_version.TAG}"]
                seen = ""
        await self._helm("upgrade", RELEASE, str(chart / "machi"), *WAIT, *values)
        return seen

    async def _kill(self) -> str:
        for pod in VICTIMS:
            labels = f"app.kubernetes.io/name={pod},app.kubernetes.io/component=pod"
            await asyncio.to_thread(
                self.kube.kubectl, "delete", "pod", "--selector", labels, "--grace-period=0", "--force"
            )
            ready = ("rollout", "status", f"deployment/{RELEASE}-{pod}", "--timeout=180s")
            await asyncio.to_thread(self.kube.kubectl, *ready, seconds=200)
        return ", ".join(VICTIMS)

    async def _drain(self) -> str:
        nodes = [each["metadata"]["name"] for each in await asyncio.to_thread(self.kube.objects, "nodes")]
        if len(nodes) < 2:
            return f"skipped: {len(nodes)} node"
        drain = ("drain", nodes[-1], "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=240s")
        try:
            await asyncio.to_thread(self.kube.kubectl, *drain, seconds=260)
        finally:
            await asyncio.to_thread(self.kube.kubectl, "uncordon", nodes[-1])
        return str(nodes[-1])

    async def _again(self) -> str:
        await self._helm("uninstall", "idea-box", "--wait")
        await self._helm("uninstall", RELEASE, "--wait")
        await self._helm("install", RELEASE, str(CHARTS / "machi"), *WAIT, *CITY)
        with self.kube.forwarded(f"{RELEASE}-simulator", 8080) as url:
            return str(await fly(url, "Report a problem"))

    async def _away(self) -> str:
        try:
            for release in ("idea-box", RELEASE):
                await self._helm("uninstall", release, "--ignore-not-found")
        finally:
            await asyncio.to_thread(self.kube.kubectl, "delete", "namespace", self.kube.namespace, "--wait=false")
        return ""
