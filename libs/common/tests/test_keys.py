"""Tokens of a cluster: its signing algorithms, its subjects, its audiences."""

import json
import time
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from machi_sdk.errors import Denied
from machi_sdk.keys import Keys

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
