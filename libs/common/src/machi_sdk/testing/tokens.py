"""A small issuer of pod tokens: a keys folder per pod, as the stack or a cluster would give."""

import json
import time
import uuid
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from machi_sdk.keys import Keys

ISSUER = "machi-stack"


class LocalIssuer:
    """Signs tokens and writes keys folders below `folder`."""

    def __init__(self, folder: Path, release: str = "machi") -> None:
        self._folder = folder
        self._release = release
        self._key = ECKey.generate_key("P-256", {"kid": uuid.uuid4().hex[:12]}, private=True)
        self._address_key = uuid.uuid4().hex * 2

    def token(self, caller: str, callee: str, life_seconds: int = 600) -> str:
        """A token with which `caller` may speak to `callee`."""
        issued = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": caller,
            "aud": f"{self._release}/{callee}",
            "iat": issued,
            "exp": issued + life_seconds,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims, self._key)

    def folder_of(self, pod: str) -> Path:
        """The pod's keys folder (MACHI_KEYS_DIR), made when first asked for."""
        folder = self._folder / pod
        if not folder.exists():
            (folder / "tokens").mkdir(parents=True)
            public = {**self._key.as_dict(private=False), "use": "sig", "alg": "ES256"}
            (folder / "jwks.json").write_text(json.dumps({"keys": [public]}), encoding="ascii")
            (folder / "issuer").write_text(ISSUER, encoding="ascii")
            (folder / "address.key").write_text(self._address_key, encoding="ascii")
        return folder

    def allow(self, caller: str, callee: str) -> None:
        """Put a token for `callee` into the caller's folder."""
        (self.folder_of(caller) / "tokens" / callee).write_text(self.token(caller, callee), encoding="ascii")

    def keys_of(self, pod: str) -> Keys:
        """The pod's keys, as it reads them."""
        return Keys(self.folder_of(pod), self._release)
