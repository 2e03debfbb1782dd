"""Rules over everything that is rendered: who a pod is, what it may do, whom it reaches, all as its manifest says."""

from ipaddress import ip_network
from itertools import chain
from typing import Any

import pytest

from machi_sdk.manifest import Manifest
from machi_tools.cli_release import release
from tests.architecture.house import in_the_stack
from tests.charts.cases import CASES
from tests.charts.rendering import Rendered, case, render

every_case = pytest.mark.parametrize("name", CASES)
MANIFESTS = {service.name: service.manifest for service in in_the_stack()}
LONGEST_DRAIN = 35


def _callees(manifest: Manifest, own: list[str]) -> set[str]:
    """As the manifest says; `*` is each that serves what is called, and each of the city's own."""
    found = {entry.pod for entry in manifest.calls if entry.pod != "*"}
    for entry in manifest.calls:
        if entry.pod == "*":
            found |= {name for name, other in MANIFESTS.items() if any(other.answers(each) for each in entry.services)}
            found |= set(own)
    return found - {manifest.name}


def _pods(made: Rendered) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["labels"]["app.kubernetes.io/name"]: each for each in made.of("Deployment")}


def _own(name: str) -> list[str]:
    return list(CASES[name].get("global", {}).get("ownPods", []))


@every_case
def test_restricted(name: str) -> None:
    """Pod Security "restricted", and more: a number as user, nothing written but volumes, memory bounded."""
    for where, pod in case(name).pods():
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True, where
        assert security["runAsUser"] > 0, where
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}, where
        for container in pod["containers"]:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, where
            assert own["readOnlyRootFilesystem"] is True, where
            assert own["capabilities"] == {"drop": ["ALL"]}, where
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, where
            assert "memory" in container["resources"]["limits"], where
            assert not container["image"].endswith(":latest"), where
        assert all(
            volume.keys() & {"projected", "secret", "configMap", "emptyDir", "persistentVolumeClaim"}
            for volume in pod["volumes"]
        )


@every_case
def test_only_jobs_that_ask_kubernetes_have_its_token(name: str) -> None:
    with_token = {where for where, pod in case(name).pods() if pod["automountServiceAccountToken"]}
    assert with_token == {"Job machi-operator-prepare", "CronJob machi-trust"}


@every_case
def test_a_token_for_each_call_and_none_besides(name: str) -> None:
    for pod, deployment in _pods(case(name)).items():
        volumes = {volume["name"]: volume for volume in deployment["spec"]["template"]["spec"]["volumes"]}
        tokens = [
            each["serviceAccountToken"]
            for each in volumes["keys"]["projected"]["sources"]
            if "serviceAccountToken" in each
        ]
        wanted = _callees(MANIFESTS[pod], _own(name))
        assert {token["path"] for token in tokens} == {f"tokens/{callee}" for callee in wanted}
        assert {token["audience"] for token in tokens} == {f"machi/{callee}" for callee in wanted}
        assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == f"machi-{pod}"


@every_case
def test_the_networks_edges_are_the_manifests(name: str) -> None:
    made = case(name)
    policies = {each["metadata"]["name"]: each["spec"] for each in made.of("NetworkPolicy")}
    if not CASES[name].get("global", {}).get("networkPolicy", {}).get("enabled", True):
        assert policies == {}
        return
    closed = policies["machi-closed"]
    assert closed["policyTypes"] == ["Ingress", "Egress"]
    assert not closed.keys() & {"ingress", "egress"}
    for pod, deployment in _pods(made).items():
        wanted = _callees(MANIFESTS[pod], _own(name))
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert {label.removeprefix("machi.calls/") for label in labels if label.startswith("machi.calls/")} == wanted
        rpc = [rule for rule in policies[f"machi-{pod}"]["egress"] if {"port": 9090} in rule["ports"]]
        reached = {peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for rule in rpc for peer in rule["to"]}
        assert reached == wanted
        doors = [rule for rule in policies[f"machi-{pod}"]["ingress"] if {"port": 9090} in rule["ports"]]
        assert len(doors) == bool(MANIFESTS[pod].serves)
        for door in doors:
            assert door["from"][0]["podSelector"]["matchLabels"] == {
                "app.kubernetes.io/instance": "machi", f"machi.calls/{pod}": "true",
            }  # fmt: skip


def test_prometheus_reaches_what_cloudnativepg_tells() -> None:
    rules = case("operators").one("NetworkPolicy", "machi-db")["spec"]["ingress"]
    assert {"from": [{"namespaceSelector": {}}], "ports": [{"port": 9187}]} in rules


def test_a_migration_reaches_its_database_before_its_pod_has_a_policy() -> None:
    """A pod that joins a release, or comes from a chart of its own, migrates while all that it has is the city's."""
    for name, way in (("evaluation", "postgres"), ("operators", "machi-db"), ("outside", "0.0.0.0/0")):
        spec = case(name).one("NetworkPolicy", "machi-migration")["spec"]
        job = next(each for each in case(name).of("Job") if "-migration" in each["metadata"]["name"])
        labels = job["spec"]["template"]["metadata"]["labels"]
        assert spec["podSelector"]["matchLabels"].items() <= labels.items()
        assert "app.kubernetes.io/name" not in spec["podSelector"]["matchLabels"]
        database = next(rule for rule in spec["egress"] if {"port": 5432} in rule["ports"])
        assert way in str(database["to"])


@every_case
def test_only_channels_reach_the_internet(name: str) -> None:
    wide = {
        each["metadata"]["name"]
        for each in case(name).of("NetworkPolicy")
        for rule in each["spec"].get("egress", [])
        for peer in rule.get("to", [])
        if peer.get("ipBlock", {}).get("except")
    }
    assert wide <= {"machi-channel-line", "machi-channel-slack"}


def _ways_out(made: Rendered) -> dict[str, list[dict[str, Any]]]:
    """The address ranges that each policy lets pods out to."""
    found: dict[str, list[dict[str, Any]]] = {}
    for policy in made.of("NetworkPolicy"):
        peers = [peer for rule in policy["spec"].get("egress", []) for peer in rule.get("to", [])]
        found[policy["metadata"]["name"]] = [peer["ipBlock"] for peer in peers if "ipBlock" in peer]
    return found


@pytest.mark.parametrize("policy", ["reports", "channel-line", "operator"])
def test_servers_and_platforms_are_reached_by_ipv6_too(policy: str) -> None:
    """What is private of IPv6 stays closed to who reaches the world."""
    ways = _ways_out(case("outside"))[f"machi-{policy}"]
    assert sum(way["cidr"] == "::/0" for way in ways) == sum(way["cidr"] == "0.0.0.0/0" for way in ways) > 1
    closed = [way["except"] for way in ways if way["cidr"] == "::/0" and "except" in way]
    assert closed == ([["fc00::/7", "fe80::/10"]] if policy.startswith("channel-") else [])


@every_case
def test_exceptions_lie_within_their_range(name: str) -> None:
    """Kubernetes refuses others, which no schema says."""
    for block in chain.from_iterable(_ways_out(case(name)).values()):
        whole = ip_network(block["cidr"])
        for each in map(ip_network, block.get("except", [])):
            assert each.network_address in whole, block
            assert each.prefixlen > whole.prefixlen, block


@pytest.mark.parametrize(
    ("place", "policy"),
    [
        ("database", "identity"),
        ("kafka", "identity"),
        ("objectStore", "reports"),
        ("internet", "channel-line"),
        ("telemetry", "identity"),
        ("api", "operator"),
    ],
)
def test_what_stays_closed_is_left_out_of_the_whole_world_alone(place: str, policy: str) -> None:
    """A range of one's own beside it is open as it stands."""
    given = {"cidrs": ["0.0.0.0/0", "::/0", "10.1.2.0/24"], "except": ["10.0.0.0/8", "fd00::/8"]}
    values = CASES["outside"]
    made = render({**values, "global": {**values["global"], "networkPolicy": {place: given}}})
    expected: list[dict[str, Any]] = [
        {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]},
        {"cidr": "::/0", "except": ["fd00::/8"]},
        {"cidr": "10.1.2.0/24"},
    ]
    assert [block for block in _ways_out(made)[f"machi-{policy}"] if block in expected] == expected


@every_case
def test_names_are_answered_on_nodes_and_by_pods_that_listen_elsewhere(name: str) -> None:
    for policy in case(name).of("NetworkPolicy"):
        rules = policy["spec"].get("egress", [])
        ways = [rule for rule in rules if {"port": 53, "protocol": "UDP"} in rule["ports"]]
        assert len(ways) == bool(rules), policy["metadata"]["name"]
        for way in ways:
            assert {"namespaceSelector": {}} in way["to"]
            assert {"ipBlock": {"cidr": "169.254.20.10/32"}} in way["to"]
            assert {"port": 53} in way["ports"]
            assert {"port": 5353, "protocol": "UDP"} in way["ports"]


@pytest.mark.parametrize(("name", "cluster"), [("operators", "machi-kafka"), ("strimzi-of-others", "city-kafka")])
def test_brokers_of_strimzi_are_reached_as_pods(name: str, cluster: str) -> None:
    """A network that knows pods by their labels, such as Cilium, matches none by a range of addresses."""
    for policy in ("machi-reports", "machi-operator"):
        rules = case(name).one("NetworkPolicy", policy)["spec"]["egress"]
        (way,) = [rule for rule in rules if {"port": 9093} in rule["ports"]]
        assert way["to"] == [{"podSelector": {"matchLabels": {"strimzi.io/cluster": cluster}}}]


def test_a_place_inside_the_cluster_is_named_by_its_pods() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"name": "minio"}}}]
    place = {"cidrs": [], "peers": peers, "ports": [9000]}
    values = CASES["outside"]
    made = render({**values, "global": {**values["global"], "networkPolicy": {"objectStore": place}}})
    (way,) = [
        rule for rule in made.one("NetworkPolicy", "machi-reports")["spec"]["egress"] if {"port": 9000} in rule["ports"]
    ]
    assert way["to"] == peers
    nowhere = {**place, "peers": []}
    closed = render({**values, "global": {**values["global"], "networkPolicy": {"objectStore": nowhere}}})
    rules = closed.one("NetworkPolicy", "machi-reports")["spec"]["egress"]
    assert not [rule for rule in rules if {"port": 9000} in rule["ports"]]


def test_a_relay_within_private_ranges_is_all_that_channels_reach() -> None:
    rules = case("relay").one("NetworkPolicy", "machi-channel-line")["spec"]["egress"]
    [way] = [rule for rule in rules if {"port": 8443} in rule["ports"]]
    assert way["to"] == [{"ipBlock": {"cidr": "10.1.2.0/24"}}]
    assert not [rule for rule in rules if {"port": 443} in rule["ports"]]


def test_keda_may_ask_the_releases_own_kafka_how_far_a_group_is() -> None:
    def outside(values: dict[str, Any]) -> list[dict[str, Any]]:
        [listener] = render(values).one("Kafka", "machi-kafka")["spec"]["kafka"]["listeners"]
        return [peer for peer in listener["networkPolicyPeers"] if "namespaceSelector" in peer]

    keda = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "keda-operator"}}}
    values = CASES["operators"]
    by_hand = {**values, "channel-line": {**values["channel-line"], "autoscaling": {"kind": "none"}}}
    assert outside(values) == [keda]
    assert outside(by_hand) == []
    assert outside({**by_hand, "global": {**values["global"], "ownPods": ["idea-box"]}}) == [keda]
    mine = {"scaling": [{"namespaceSelector": {"matchLabels": {"name": "scaling"}}}]}
    assert outside({**values, "global": {**values["global"], "networkPolicy": mine}}) == mine["scaling"]


def test_a_channel_gets_its_own_files_of_more_tenants_and_no_other_pod_any() -> None:
    found: dict[str, list[str]] = {}
    for pod, deployment in _pods(case("outside")).items():
        spec = deployment["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume.get("projected", {}) for volume in spec["volumes"]}
        sources = volumes.get("channels", {}).get("sources", [])
        found[pod] = [item["path"] for source in sources for item in source["secret"]["items"]]
        settings = {each["name"] for each in spec["containers"][0]["env"]}
        assert ("MACHI_CHANNELS_DIR" in settings) == bool(found[pod])
    channels = {"channel-line": "line.yaml", "channel-slack": "slack.yaml"}
    expected = {pod: [f"{tenant}/{file}" for tenant in ("kasuga", "onojo")] for pod, file in channels.items()}
    assert {pod: paths for pod, paths in found.items() if paths} == expected


@every_case
def test_kafka_users_may_what_manifests_say(name: str) -> None:
    for user in case(name).of("KafkaUser"):
        manifest = MANIFESTS[user["metadata"]["labels"]["app.kubernetes.io/name"]]
        granted = {
            (acl["resource"]["type"], acl["resource"]["name"], operation)
            for acl in user["spec"]["authorization"]["acls"]
            for operation in acl["operations"]
        }
        assert {topic for kind, topic, may in granted if (kind, may) == ("topic", "Write")} == set(manifest.publishes)
        read = {topic for kind, topic, may in granted if (kind, may) == ("topic", "Read")}
        assert read == {entry.topic for entry in manifest.consumes} | {"machi.pods.v1"}
        seen = {topic for kind, topic, may in granted if (kind, may) == ("topic", "DescribeConfigs")}
        assert seen == read | set(manifest.publishes), "what `machi topics` compares"
        assert {group for kind, group, _ in granted if kind == "group"} == {entry.group for entry in manifest.consumes}


def test_a_replica_is_added_when_they_work_and_not_when_they_wait() -> None:
    """The default request is what an idle pod needs: a share of that would be used up by a few requests a second."""
    (found,) = case("outside").of("HorizontalPodAutoscaler")
    (metric,) = found["spec"]["metrics"]
    assert metric["resource"] == {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "500m"}}


@every_case
def test_one_hand_decides_how_many(name: str) -> None:
    made = case(name)
    scaled = [each["spec"]["scaleTargetRef"]["name"] for each in made.of("HorizontalPodAutoscaler", "ScaledObject")]
    assert len(set(scaled)) == len(scaled)
    for each in made.of("Deployment"):
        assert ("replicas" in each["spec"]) != (each["metadata"]["name"] in scaled)
    for each in made.of("ScaledObject"):
        manifest = MANIFESTS[each["metadata"]["labels"]["app.kubernetes.io/name"]]
        groups = {
            (trigger["metadata"]["topic"], trigger["metadata"]["consumerGroup"]) for trigger in each["spec"]["triggers"]
        }
        assert groups == {(entry.topic, entry.group) for entry in manifest.consumes}


@every_case
def test_pods_go_one_by_one_and_in_order(name: str) -> None:
    made = case(name)
    budgets = {each["metadata"]["name"]: each["spec"] for each in made.of("PodDisruptionBudget")}
    for pod, deployment in _pods(made).items():
        spec = deployment["spec"]["template"]["spec"]
        assert budgets[f"machi-{pod}"]["selector"]["matchLabels"] == deployment["spec"]["selector"]["matchLabels"]
        assert budgets[f"machi-{pod}"]["maxUnavailable"] == 1
        assert spec["terminationGracePeriodSeconds"] > LONGEST_DRAIN
        alone = any("persistentVolumeClaim" in volume for volume in spec["volumes"])
        rolled = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
        assert deployment["spec"]["strategy"] == ({"type": "Recreate"} if alone else rolled), "nobody else has its disk"
        assert {each["topologyKey"] for each in spec["topologySpreadConstraints"]} >= {"kubernetes.io/hostname"}
        probes = spec["containers"][0]
        assert probes["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert probes["livenessProbe"]["httpGet"]["path"] == probes["startupProbe"]["httpGet"]["path"] == "/livez"


@every_case
def test_selectors_never_change_with_a_version(name: str) -> None:
    for each in case(name).of("Deployment", "StatefulSet"):
        assert set(each["spec"]["selector"]["matchLabels"]) == {
            "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component",
        }  # fmt: skip


@every_case
def test_the_world_reaches_webhooks_and_photos_alone(name: str) -> None:
    made = case(name)
    paths = {
        match["path"]["value"]
        for each in made.of("HTTPRoute")
        for rule in each["spec"]["rules"]
        for match in rule["matches"]
    }
    paths |= {
        path["path"] for each in made.of("Ingress") for rule in each["spec"]["rules"] for path in rule["http"]["paths"]
    }
    webhooks = {"/line/webhook", "/slack/events", "/slack/interactivity", "/slack/commands"}
    assert paths in (set(), webhooks | {"/photos/"})
    assert not made.of("GRPCRoute")
    assert all(each["spec"].get("type", "ClusterIP") == "ClusterIP" for each in made.of("Service"))


@every_case
def test_secrets_are_named_and_never_rendered(name: str) -> None:
    assert case(name).of("Secret") == []
    for where, pod in case(name).pods():
        plain = {each["name"] for each in pod["containers"][0].get("env", []) if "value" in each}
        assert not {
            each for each in plain if each.endswith(("PASSWORD", "SECRET", "TOKEN")) or each == "DATABASE_URL"
        }, where


@every_case
def test_jobs_say_verbs_that_there_are(name: str) -> None:
    verbs = {command.callback.__name__ for command in release.registered_commands if command.callback}
    commands = [pod["containers"][0].get("command", []) for _, pod in case(name).pods()]
    said = {command[2] for command in commands if command[:2] == ["machi", "release"]}
    assert said
    assert said <= verbs
