"""Tokens of a cluster (its signing algorithms, its subjects, its audiences), and how long one is believed."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from machi_sdk.errors import Denied
from machi_sdk.keys import Keys
from machi_sdk.testing import LocalIssuer

ISSUER = "https://kubernetes.default.svc.cluster.local"
PREFIX = "system:serviceaccount:city:machi-"
RSA = RSAKey.generate_key(2048, {"kid": "of-the-cluster"}, private=True)
EC = ECKey.generate_key("P-256", {"kid": "of-another-cluster"}, private=True)
PUBLIC = {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in (RSA, EC)]}


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    (tmp_path / "issuer").write_text(ISSUER + "\n", encoding="ascii")
    (tmp_path / "jwks.json").write_text(json.dumps(PUBLIC), encoding="ascii")
    return Keys(tmp_path, "machi", PREFIX)


def token(
    subject: str = PREFIX + "channel-line",
    audience: str = "machi/reports",
    algorithm: str = "RS256",
    key: RSAKey | ECKey | OctKey = RSA,
    life: int = 3600,
) -> str:
    """As a kubelet projects it: the audience is a list."""
    issued = int(time.time())
    claims = {"iss": ISSUER, "sub": subject, "aud": [audience], "iat": issued, "nbf": issued, "exp": issued + life}
    return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", RSA), ("ES256", EC)])
def test_a_service_account_is_its_pod(keys: Keys, algorithm: str, key: RSAKey | ECKey) -> None:
    assert keys.caller_of(token(algorithm=algorithm, key=key), "reports") == "channel-line"
    assert keys.caller_of(token(PREFIX + "operator", algorithm=algorithm, key=key), "reports") == "operator"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"audience": "machi/identity"}, "no token of machi/reports"),
        ({"audience": "other/reports"}, "no token of machi/reports"),
        ({"audience": "https://kubernetes.default.svc"}, "no token of machi/reports"),
        ({"subject": "system:serviceaccount:elsewhere:machi-channel-line"}, "no service account of this release"),
        ({"subject": "channel-line"}, "no service account of this release"),
        ({"life": -60}, "expired"),
        ({"algorithm": "RS512"}, "no token of machi/reports"),
    ],
)
def test_any_other_token_is_refused_and_the_reason_said(keys: Keys, given: dict[str, object], words: str) -> None:
    with pytest.raises(Denied, match=words) as refused:
        keys.caller_of(token(**given), "reports")  # type: ignore[arg-type]
    assert refused.value.slug == "token-refused"


def test_a_shared_secret_signs_nothing(keys: Keys) -> None:
    secret = OctKey.generate_key(256, {"kid": "of-the-cluster"})
    with pytest.raises(Denied):
        keys.caller_of(token(algorithm="HS256", key=secret), "reports")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> LocalIssuer:
    return LocalIssuer(tmp_path_factory.mktemp("issuer"))


def test_a_token_that_was_believed_is_refused_elsewhere_and_when_its_time_is_over(
    issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, token = issuer.keys_of("callee"), issuer.token("caller", "callee", life_seconds=30)
    assert [keys.caller_of(token, "callee") for _ in range(2)] == ["caller", "caller"]
    with pytest.raises(Denied):
        keys.caller_of(token, "another")
    ended = time.time() + 40
    monkeypatch.setattr(time, "time", lambda: ended)
    with pytest.raises(Denied):
        keys.caller_of(token, "callee")


def test_new_keys_count_within_a_minute_for_a_token_that_was_believed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    issuer = LocalIssuer(tmp_path / "one")
    keys, token = issuer.keys_of("callee"), issuer.token("caller", "callee")
    assert keys.caller_of(token, "callee") == "caller"
    other = LocalIssuer(tmp_path / "other").folder_of("callee") / "jwks.json"
    (issuer.folder_of("callee") / "jwks.json").write_text(other.read_text())
    wall, steady = time.time() + 61, time.monotonic() + 61
    monkeypatch.setattr(time, "time", lambda: wall)
    monkeypatch.setattr(time, "monotonic", lambda: steady)
    with pytest.raises(Denied):
        keys.caller_of(token, "callee")


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}\.[A-Za-z0-9_-]{0,20}"))
def test_no_token_however_strange_gets_in(issuer: LocalIssuer, strange: str) -> None:
    keys = issuer.keys_of("callee")
    with pytest.raises(Denied):
        keys.caller_of(strange, "callee")
