"""Each pod gets a token per pod it calls, good for nobody else, and always a fresh one."""

import os
import stat
import time
from pathlib import Path

import pytest

from machi_sdk.errors import Denied, Unavailable
from machi_sdk.keys import Keys
from machi_sdk.manifest import Calls, Manifest
from machi_tools.stack.keys import LIFE_SECONDS, REFRESH_SECONDS, Issuer
from machi_tools.stack.pods import Pod
from machi_tools.stack.secrets import SecretStore


def pod(name: str, *callees: str) -> Pod:
    calls = tuple(Calls(pod=callee, services=("toy.v1.ToyService",)) for callee in callees)
    return Pod(name, Path(name), Manifest(name=name, version="1", owner="tests", calls=calls))


PODS = [pod("identity"), pod("reports", "identity"), pod("channel-line", "*")]


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    made = Issuer(tmp_path / "keys")
    made.equip(PODS, SecretStore(tmp_path / "secrets.json"))
    return made


def keys(issuer: Issuer, pod: str) -> Keys:
    return Keys(issuer.folder / pod, "machi")


def test_a_token_names_its_caller_to_the_one_callee(issuer: Issuer) -> None:
    token = keys(issuer, "reports").token_for("identity")
    assert keys(issuer, "identity").caller_of(token, "identity") == "reports"
    with pytest.raises(Denied):
        keys(issuer, "channel-line").caller_of(token, "channel-line")


def test_there_is_no_token_for_a_pod_that_is_not_called(issuer: Issuer) -> None:
    with pytest.raises(Unavailable):
        keys(issuer, "identity").token_for("reports")
    assert keys(issuer, "channel-line").token_for("reports")


def test_an_old_token_is_refused(issuer: Issuer) -> None:
    old = issuer.token("reports", "identity", now=time.time() - LIFE_SECONDS - 30)
    with pytest.raises(Denied):
        keys(issuer, "identity").caller_of(old, "identity")


def test_another_stack_is_not_believed(issuer: Issuer, tmp_path: Path) -> None:
    stranger = Issuer(tmp_path / "strange").token("reports", "identity")
    with pytest.raises(Denied):
        keys(issuer, "identity").caller_of(stranger, "identity")


def test_a_trusted_key_is_not_enough_for_another_issuer(issuer: Issuer) -> None:
    stranger = Issuer(issuer.folder, name="somebody-else").token("reports", "identity")
    with pytest.raises(Denied):
        keys(issuer, "identity").caller_of(stranger, "identity")


def test_tokens_are_replaced_long_before_they_end(issuer: Issuer) -> None:
    path = issuer.folder / "reports" / "tokens" / "identity"
    first = path.read_text()
    issuer.refresh_old(PODS)
    assert path.read_text() == first
    aged = time.time() - REFRESH_SECONDS - 1
    os.utime(path, (aged, aged))
    issuer.refresh_old(PODS)
    assert path.read_text() != first
    second, strange = path.read_text(), issuer.folder / "operator" / "tokens" / "identity"
    strange.parent.mkdir(parents=True)
    strange.touch()
    os.utime(strange, (aged, aged))
    issuer.refresh_old(PODS)
    assert path.read_text() == second, "who asks anew for each token has no part in it"
    assert REFRESH_SECONDS < LIFE_SECONDS / 2


def test_pods_share_one_address_key_and_nobody_else_reads_it(issuer: Issuer) -> None:
    assert keys(issuer, "reports").hmac("U1") == keys(issuer, "channel-line").hmac("U1")
    for path in issuer.folder.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
