"""What an operator asks of a pod where it runs."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from machi_sdk import operating
from machi_sdk.settings import Settings
from machi_sdk.testing import KafkaAddress, LocalRelease, PodDatabase, new_topic

_PARK = (
    'INSERT INTO parked (consumer, topic, partition, "offset", event_id, key, headers, payload, reason)'
    " VALUES ('toy.facts', 'a-topic', 0, 7, 'an-event', 'k', '{}', 'what somebody wrote', 'gave-up') RETURNING id"
)


@pytest.fixture
def settings(release: LocalRelease, pod_database: PodDatabase) -> Settings:
    return release.settings("toy", pod_database.url)


@pytest.mark.integration
async def test_parked_records_are_listed_shown_replayed_and_dropped_without_their_content(
    settings: Settings, pod_database: PodDatabase
) -> None:
    connection = await asyncpg.connect(pod_database.url)
    parked = await connection.fetchval(_PARK)
    listed, shown = await operating.ask(settings, "parked"), await operating.ask(settings, "show", [str(parked)])
    assert isinstance(shown[0], dict)
    assert listed == [{name: value for name, value in shown[0].items() if name != "headers"}]
    assert "somebody" not in f"{listed}{shown}"
    assert await operating.ask(settings, "replay") == [{"id": parked, "replay": "asked for"}]
    assert await connection.fetchval("SELECT replay_requested_at IS NOT NULL FROM parked")
    assert await operating.ask(settings, "drop", [str(parked)]) == [{"id": parked, "dropped": True}]
    assert await operating.ask(settings, "drop", [str(parked)]) == [{"id": parked, "missing": True}]
    await connection.execute("INSERT INTO outbox (topic, key, headers, payload) VALUES ('t', 'k', '{}', '')")
    [waiting] = await operating.ask(settings, "outbox")
    assert isinstance(waiting, dict)
    assert (waiting["topic"], waiting["events"], waiting["keys"]) == ("t", 1, 1)
    assert 0 <= waiting["oldest_seconds"] < 60
    await connection.close()


@pytest.mark.integration
async def test_what_a_doctor_asks_comes_at_once_and_what_is_away_is_said(
    settings: Settings, toy_folder: Path, tmp_path: Path
) -> None:
    away = settings.model_copy(
        update={"machi_http_address": "127.0.0.1:1", "machi_manifest": toy_folder / "service.yaml"}
    )
    peers = away.model_copy(update={"machi_peers": "other=127.0.0.1:1", "machi_keys_dir": tmp_path})
    [said] = await operating.ask(peers, "look")
    assert isinstance(said, dict)
    assert said["readyz"] == {"status": 0, "words": "URLError"}
    assert said["token_seconds"] == {"other": None}
    assert abs(said["database_ahead_seconds"]) < 5
    assert list(said["troubles"]) == ["Kafka"], "nobody listens there"
    [gone] = await operating.ask(peers.model_copy(update={"database_url": "postgresql://x@127.0.0.1:1/x"}), "look")
    assert isinstance(gone, dict)
    assert list(gone["troubles"]) == ["PostgreSQL", "Kafka"]


@pytest.mark.integration
async def test_topics_and_hops_are_those_of_this_pod(
    settings: Settings, pod_database: PodDatabase, kafka_server: KafkaAddress, tmp_path: Path
) -> None:
    topic = await new_topic(kafka_server.bootstrap, 2)
    consumes = f"consumes: [{{topic: {topic}, group: toy.readers}}]"
    (tmp_path / "service.yaml").write_text(f'name: toy\nversion: "1"\nowner: tests\n{consumes}\n')
    update = {"machi_manifest": tmp_path / "service.yaml", "kafka_bootstrap_servers": kafka_server.bootstrap}
    here = settings.model_copy(update=update)
    found = {each["topic"]: each for each in await operating.ask(here, "topics") if isinstance(each, dict)}
    assert found[topic]["partitions"] == 2
    assert found[topic]["lag"] == {"toy.readers": 0}
    connection = await asyncpg.connect(pod_database.url)
    await connection.execute(
        "INSERT INTO hops (trace_id, name, detail, at) VALUES ($1, 'seen', '{\"channel\": \"line\"}', now())", "a" * 32
    )
    await connection.close()
    [hop] = await operating.ask(here, "hops", ["a" * 32])
    assert isinstance(hop, dict)
    assert (hop["name"], hop["detail"]) == ("seen", {"channel": "line"})
    assert await operating.ask(here, "hops", ["b" * 32]) == []


@pytest.mark.integration
def test_the_command_prints_a_document_a_line(
    pod_database: PodDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def park() -> int:
        connection = await asyncpg.connect(pod_database.url)
        found: int = await connection.fetchval(_PARK)
        await connection.close()
        return found

    parked = asyncio.run(park())
    monkeypatch.setenv("DATABASE_URL", pod_database.url)
    assert operating.main(["parked"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == parked
    assert operating.main(["show", str(parked + 1)]) == 1
    assert operating.main(["drop"]) == 2
    assert operating.main(["parked", "all"]) == 2
    assert "Verbs" in capsys.readouterr().err


def test_a_verb_about_records_takes_so_many_at_once_and_replay_takes_none_for_all() -> None:
    many = [str(each) for each in range(operating.MOST_WORDS)]
    for verb in ("show", "replay", "drop"):
        assert operating.VERBS[verb].takes(many)
        assert not operating.VERBS[verb].takes([*many, "1000"])
        assert operating.VERBS[verb].takes([]) == (verb == "replay")


def test_a_pod_that_does_not_listen_is_not_ready() -> None:
    good, said = operating.ready(Settings(machi_http_address="127.0.0.1:1"))
    assert not good
    assert json.loads(said) == {"ready": False, "troubles": {"http": "URLError"}}
