"""Servers in images for evaluation: prepared once, reached from outside, a wrong setting told in two lines."""

import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from machi_tools.embedded.kafka import KafkaServer
from machi_tools.embedded.postgres import FROM_ANYWHERE, PostgresServer
from machi_tools.errors import StackError
from machi_tools.evaluation.__main__ import kafka, postgres


def told(name: str, tmp_path: Path, **settings: str) -> str:
    environ = {**os.environ, "MACHI_DATA_DIR": str(tmp_path), **settings}
    command = [sys.executable, "-m", "machi_tools.evaluation", name]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    return done.stderr


def test_a_missing_setting_is_told_with_its_cure(tmp_path: Path) -> None:
    assert told("kafka", tmp_path).splitlines() == [
        "KAFKA_ADVERTISED_ADDRESS is not set",
        "  cure: set it to host:port, as clients reach this broker",
    ]
    assert "no password for the administrator" in told("postgres", tmp_path)
    assert "POSTGRES_PASSWORD_FILE: No such file" in told("postgres", tmp_path, POSTGRES_PASSWORD_FILE="/gone")


def test_a_missing_volume_is_told(tmp_path: Path) -> None:
    gone = {
        "MACHI_DATA_DIR": str(tmp_path / "gone"),
        "KAFKA_ADVERTISED_ADDRESS": "kafka:9092",
        "POSTGRES_PASSWORD": "x",
    }
    for make in (kafka, postgres):
        with pytest.raises(StackError, match="gone cannot be written"):
            make(gone)


@pytest.mark.integration
def test_the_broker_listens_everywhere_and_names_the_address_given(tmp_path: Path) -> None:
    command = kafka({"MACHI_DATA_DIR": str(tmp_path), "KAFKA_ADVERTISED_ADDRESS": "machi-kafka:9092"})
    assert command[-2] == "kafka.Kafka"
    settings = Path(command[-1]).read_text().splitlines()
    assert "listeners=PLAINTEXT://0.0.0.0:9092,CONTROLLER://127.0.0.1:9093" in settings
    assert "advertised.listeners=PLAINTEXT://machi-kafka:9092,CONTROLLER://127.0.0.1:9093" in settings
    made = KafkaServer(tmp_path / "kafka").cluster_id()
    assert made
    kafka({"MACHI_DATA_DIR": str(tmp_path), "KAFKA_ADVERTISED_ADDRESS": "elsewhere:9092"})
    assert KafkaServer(tmp_path / "kafka").cluster_id() == made


@pytest.mark.integration
async def test_the_administrators_password_is_the_one_given_last(tmp_path: Path) -> None:
    def server(word: str) -> PostgresServer:
        made = PostgresServer(tmp_path / "postgres", fsync=False, listen="0.0.0.0", given_password=word)
        made.prepare()
        return made

    data = server("it's first")._data
    assert (data / "pg_hba.conf").read_text().endswith(FROM_ANYWHERE)
    running = server("it's second").start()
    try:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=running.port, user="postgres", password="it's second", database="postgres"
        )
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
    finally:
        running.destroy()
