"""Decides, before anything starts, what runs where and with which settings."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from machi_sdk.language import known
from machi_tools.embedded import ports
from machi_tools.embedded.process import Command
from machi_tools.stack.layout import Layout
from machi_tools.stack.pods import Pod, chosen
from machi_tools.stack.secrets import SecretStore
from machi_tools.stack.state import PodAddresses

TENANT = "fukuoka"
SEEDS = Path(__file__).resolve().parents[1] / "seeds"
SIMULATOR_PORT, HTTP_PORT, RPC_PORT = 7100, 7101, 7201
TRACES_PORT = 7199
POSTGRES_PORT, KAFKA_PORT, CONTROLLER_PORT = 7132, 7192, 7193


@dataclass
class Plan:
    """Ports, addresses and settings of one stack."""

    layout: Layout
    pods: list[Pod]
    secrets: SecretStore
    environ: Mapping[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def release(self) -> str:
        """The trust domain of all pods."""
        return self.environ.get("MACHI_RELEASE", "machi")

    @property
    def tenant(self) -> str:
        """The municipality of the demo city."""
        return self.environ.get("MACHI_DEFAULT_TENANT") or TENANT

    @property
    def slack_team(self) -> str:
        """The workspace that the officers belong to."""
        return self.channel_settings().get("SLACK_TEAM_ID") or self.environ.get("SLACK_TEAM_ID", "")

    @property
    def database_url(self) -> str | None:
        """An administrator's address of a PostgreSQL that others run."""
        return self.environ.get("DATABASE_URL") or None

    @property
    def kafka_given(self) -> str | None:
        """The address of a Kafka that others run."""
        return self.environ.get("KAFKA_BOOTSTRAP_SERVERS") or None

    @property
    def has_simulator(self) -> bool:
        """The simulator stands in for each platform that has no address."""
        return not (self.environ.get("LINE_API_URL") and self.environ.get("SLACK_API_URL"))

    def http(self, pod: str) -> str:
        """Host and port of a pod's HTTP side."""
        return f"{ports.LOOPBACK}:{self.ports[f'{pod} http']}"

    def rpc(self, pod: str) -> str:
        """Host and port of a pod's rpc side."""
        return f"{ports.LOOPBACK}:{self.ports[f'{pod} rpc']}"

    @property
    def simulator(self) -> str:
        """Host and port of the simulator."""
        return f"{ports.LOOPBACK}:{self.ports['simulator']}"

    @property
    def traces(self) -> str:
        """Host and port where the simulator takes in the pods' spans."""
        return f"{ports.LOOPBACK}:{self.ports['simulator traces']}"

    def trace_settings(self) -> dict[str, str]:
        """Pods send spans to the simulator's timeline, unless told another place or `SIMULATOR_TRACES=off`."""
        elsewhere = self.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or self.environ.get("SIMULATOR_TRACES") == "off"
        if elsewhere or not self.has_simulator:
            return {}
        # Twice a second instead of every five: people watch.
        spans = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{self.traces}", "OTEL_BSP_SCHEDULE_DELAY": "500"}
        return spans | {"no_grpc_proxy": ports.LOOPBACK}

    def addresses(self) -> list[PodAddresses]:
        """Where each pod listens."""
        return [PodAddresses(name=pod.name, http=self.http(pod.name), rpc=self.rpc(pod.name)) for pod in self.pods]

    def channel_settings(self) -> dict[str, str]:
        """Settings of both channels: what was given, and what the simulator needs for the rest."""
        made: dict[str, str] = {}
        if not self.environ.get("LINE_API_URL"):
            made |= {
                "LINE_API_URL": f"http://{self.simulator}/line",
                "LINE_DATA_API_URL": f"http://{self.simulator}/line-data",
                "LINE_CHANNEL_ID": "1650000000",
                "LINE_CHANNEL_SECRET": self.secrets.hexadecimal("LINE_CHANNEL_SECRET"),
                "LINE_CHANNEL_ACCESS_TOKEN": self.secrets.word("LINE_CHANNEL_ACCESS_TOKEN"),
                "LINE_BOT_USER_ID": self.secrets.hexadecimal("LINE_BOT_USER_ID", "U"),
            }
        if not self.environ.get("SLACK_API_URL"):
            made |= {
                "SLACK_API_URL": f"http://{self.simulator}/slack/api/",
                "SLACK_SIGNING_SECRET": self.secrets.hexadecimal("SLACK_SIGNING_SECRET"),
                "SLACK_BOT_TOKEN": "xoxb-" + self.secrets.word("SLACK_BOT_TOKEN"),
                "SLACK_TEAM_ID": self.secrets.capitals("SLACK_TEAM_ID", "T", 9),
            }
        return {name: self.environ.get(name) or value for name, value in made.items()}

    def webhooks(self) -> dict[str, str]:
        """Addresses that the platforms call, by name."""
        found: dict[str, str] = {}
        names = {pod.name for pod in self.pods}
        if "channel-line" in names:
            found["line"] = f"http://{self.http('channel-line')}/line/webhook"
        if "channel-slack" in names:
            slack = f"http://{self.http('channel-slack')}/slack"
            found |= {f"slack_{what}": f"{slack}/{what}" for what in ("events", "interactivity", "commands")}
        return found

    def pod_command(self, pod: Pod, database_url: str, kafka: str) -> Command:
        """How to start one pod."""
        settings = {
            **self.channel_settings(),
            **self.trace_settings(),
            "DATABASE_URL": database_url,
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "OBJECT_STORE_URL": self.environ.get("OBJECT_STORE_URL") or self.layout.data("objects").as_uri(),
            "MACHI_HTTP_ADDRESS": self.http(pod.name),
            "MACHI_RPC_ADDRESS": self.rpc(pod.name),
            "MACHI_PEERS": ",".join(f"{other.name}={self.rpc(other.name)}" for other in self.pods),
            "MACHI_KEYS_DIR": str(self.layout.keys / pod.name),
            "MACHI_RELEASE": self.release,
            "MACHI_MANIFEST": str(pod.manifest_path),
            "MACHI_DEFAULT_TENANT": self.tenant,
            "PUBLIC_URL": self.environ.get("PUBLIC_URL") or f"http://{self.http(pod.name)}",
        }
        return Command([sys.executable, "-m", pod.module], self.layout.log(pod.name), settings, folder=pod.folder)

    def simulator_command(self) -> Command:
        """How to start the simulator."""
        hooks = {f"SIMULATOR_{name.upper()}": url for name, url in self.webhooks().items()}
        if "SIMULATOR_LINE" in hooks:
            hooks["SIMULATOR_LINE_WEBHOOK"] = hooks.pop("SIMULATOR_LINE")
        settings = {
            **self.channel_settings(),
            **hooks,
            "SIMULATOR_ADDRESS": self.simulator,
            "SIMULATOR_TRACES_ADDRESS": self.traces,
            "SIMULATOR_TRACES": "" if self.trace_settings() else "off",
            "SIMULATOR_ACCOUNT": account_name(self.tenant),
            "SIMULATOR_STATE": str(self.layout.data("simulator.json")),
            "SIMULATOR_STAFF": str(SEEDS / self.tenant / "city.yaml"),
            "SIMULATOR_LANGUAGES": json.dumps(offered_languages(self.tenant)),
        }
        wards = self.layout.root / "services" / "reports" / "seeds" / self.tenant / "wards.geojson"
        if wards.is_file():
            settings["SIMULATOR_MAP"] = str(wards)
        return Command([sys.executable, "-m", "machi_simulator"], self.layout.log("simulator"), settings)


def offered_languages(tenant: str) -> dict[str, str]:
    """What a tenant's languages call themselves, by tag, in the order of its file; without a file, every known one."""
    tags = _city(tenant).get("languages") or known()
    return {tag: known()[tag].name for tag in tags}


def account_name(tenant: str) -> str:
    """What the tenant calls itself in its own language: the name of its LINE account."""
    city = _city(tenant)
    return str(city.get("names", {}).get(city.get("default_language")) or "Machi")


def _city(tenant: str) -> dict[str, Any]:
    path = SEEDS / tenant / "city.yaml"
    city = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return dict(city.get("tenant") or {})


def make_plan(layout: Layout, environ: Mapping[str, str] | None = None) -> Plan:
    """Find the pods (MACHI_PODS names some of them) and give every listener a port: its own, or the next free one."""
    given = dict(os.environ if environ is None else environ)
    plan = Plan(layout, chosen(layout.root, given), SecretStore(layout.state / "secrets.json"), given)
    wanted = {"simulator": SIMULATOR_PORT, "simulator traces": TRACES_PORT} if plan.has_simulator else {}
    if plan.database_url is None:
        wanted["postgres"] = POSTGRES_PORT
    if plan.kafka_given is None:
        wanted |= {"kafka": KAFKA_PORT, "kafka controller": CONTROLLER_PORT}
    for place, pod in enumerate(plan.pods):
        wanted |= {f"{pod.name} http": HTTP_PORT + place, f"{pod.name} rpc": RPC_PORT + place}
    for name, preferred in wanted.items():
        others = {port for other, port in wanted.items() if other != name} | set(plan.ports.values())
        plan.ports[name] = ports.next_free(preferred, others)
        if plan.ports[name] != preferred:
            plan.notes.append(f"port {preferred} was busy: {name} listens on {plan.ports[name]}")
    return plan
