"""The stack's token issuer: short-lived tokens per caller and callee, as a cluster's service accounts would give."""

import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from machi_sdk.keys import Keys
from machi_tools.stack.pods import Pod, callees
from machi_tools.stack.secrets import SecretStore, write_private

ISSUER = "machi-stack"
LIFE_SECONDS = 600
REFRESH_SECONDS = 240


@dataclass(frozen=True)
class Issuer:
    """Signs tokens with one key that never leaves the folder."""

    folder: Path
    release: str = "machi"
    name: str = ISSUER

    def token(self, caller: str, callee: str, now: float | None = None) -> str:
        """A token with which one caller may speak to one callee for ten minutes."""
        key = self._key()
        issued = int(time.time() if now is None else now)
        claims = {
            "iss": self.name,
            "sub": caller,
            "aud": f"{self.release}/{callee}",
            "iat": issued,
            "exp": issued + LIFE_SECONDS,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)

    def keys_of(self, caller: str, callees: Iterable[str]) -> Keys:
        """The folder of a caller that is no pod, with a fresh token for each of those it calls."""
        for callee in callees:
            write_private(self.folder / caller / "tokens" / callee, self.token(caller, callee))
        return Keys(self.folder / caller, self.release)

    def equip(self, pods: list[Pod], secrets: SecretStore) -> None:
        """Write every pod's keys folder: whom to trust, its address key, a fresh token per callee."""
        public = json.dumps({"keys": [{**self._key().as_dict(private=False), "use": "sig", "alg": "ES256"}]})
        for pod in pods:
            folder = self.folder / pod.name
            write_private(folder / "jwks.json", public)
            write_private(folder / "issuer", self.name)
            write_private(folder / "address.key", secrets.hexadecimal("address.key", count=64))
        self.refresh(pods)

    def refresh(self, pods: list[Pod]) -> None:
        """Replace every token by a fresh one."""
        for pod in pods:
            for callee in callees(pod, pods):
                write_private(self.folder / pod.name / "tokens" / callee, self.token(pod.name, callee))

    def refresh_old(self, pods: list[Pod]) -> None:
        """Replace the pods' tokens when they are older than the refresh time, by the clock of the disk."""
        tokens = [path for pod in pods for path in (self.folder / pod.name / "tokens").glob("*")]
        if tokens and time.time() - min(path.stat().st_mtime for path in tokens) > REFRESH_SECONDS:
            self.refresh(pods)

    def _key(self) -> ECKey:
        path = self.folder / "issuer.json"
        if not path.exists():
            made = ECKey.generate_key("P-256", {"kid": uuid.uuid4().hex[:12]}, private=True)
            write_private(path, json.dumps(made.as_dict(private=True)))
        return ECKey.import_key(json.loads(path.read_text()))
