"""The pod's keys, read from MACHI_KEYS_DIR: tokens per callee, the issuer's name and public keys, the address key."""

import base64
import hashlib
import hmac
import json
import time
from datetime import datetime
from functools import cached_property
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from machi_sdk.errors import Denied, Unavailable

_REREAD_AFTER = 60.0
# What a stack's issuer and clusters sign with; never what the token itself asks for.
_ALGORITHMS = ["ES256", "RS256"]
_MOST_BELIEVED = 1_000


class Keys:
    """Reads files again each minute, so that rotation needs no restart.

    In a cluster a caller is a service account: `subject_prefix` is what stands before the pod's name in its subject.
    """

    def __init__(self, folder: Path, release: str, subject_prefix: str = "") -> None:
        self._folder = folder
        self._release = release
        self._subject_prefix = subject_prefix
        self._files: dict[str, tuple[float, str]] = {}
        self._sets: dict[str, KeySet] = {}
        self._believed: dict[tuple[str, str], tuple[str, float]] = {}

    def token_for(self, callee: str) -> str:
        """The current token for a callee; Unavailable when none was issued."""
        try:
            return self._read(f"tokens/{callee}")
        except OSError as error:
            raise Unavailable(
                "no-token", f"no token for {callee}: declare it in `calls` and install the pod"
            ) from error

    def caller_of(self, token: str, callee: str) -> str:
        """The authenticated caller; Denied when the token is not for this callee, not our issuer's, or too old.

        A good token is believed for a minute, though not beyond its end, before its signature is checked anew: a new
        set of keys counts within that minute in any case.
        """
        caller, until = self._believed.get((token, callee), ("", 0.0))
        if time.time() < until:
            return caller
        claims = self._verified(token, callee)
        if len(self._believed) >= _MOST_BELIEVED:
            self._believed.clear()
        caller, until = self._pod_of(str(claims["sub"])), min(float(claims["exp"]), time.time() + _REREAD_AFTER)
        self._believed[token, callee] = (caller, until)
        return caller

    def _pod_of(self, subject: str) -> str:
        if not subject.startswith(self._subject_prefix):
            raise Denied("token-refused", f"{subject} is no service account of this release")
        return subject.removeprefix(self._subject_prefix)

    def _verified(self, token: str, callee: str) -> dict[str, str | float]:
        try:
            decoded = jwt.decode(token, self._key_set(), algorithms=_ALGORITHMS)
            claims = jwt.JWTClaimsRegistry(
                leeway=5,
                iss={"essential": True, "value": self._read("issuer")},
                aud={"essential": True, "value": f"{self._release}/{callee}"},
                sub={"essential": True},
                exp={"essential": True},
            )
            claims.validate(decoded.claims)
        except (JoseError, ValueError, OSError) as error:
            raise Denied("token-refused", f"no token of {self._release}/{callee}: {error}") from error
        return decoded.claims

    def hmac(self, address: str) -> str:
        """A stable pseudonym of a platform address, the same in every pod of the release."""
        return hmac.new(self._address_key, address.encode(), hashlib.sha256).hexdigest()[:32]

    def seal(self, purpose: str, text: str) -> str:
        """An HMAC of the text that no other purpose shares; whoever has the release's keys can make it and compare."""
        key = hmac.digest(self._address_key, purpose.encode(), "sha256")
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    @cached_property
    def _address_key(self) -> bytes:
        return bytes.fromhex((self._folder / "address.key").read_text(encoding="ascii").strip())

    def _key_set(self) -> KeySet:
        text = self._read("jwks.json")
        if text not in self._sets:
            self._sets = {text: KeySet.import_key_set(json.loads(text))}
        return self._sets[text]

    def _read(self, name: str) -> str:
        read_at, text = self._files.get(name, (0.0, ""))
        if not text or time.monotonic() - read_at > _REREAD_AFTER:
            text = (self._folder / name).read_text(encoding="utf-8").strip()
            self._files[name] = (time.monotonic(), text)
        return text


def seconds_left(token: Path, now: datetime) -> float | None:
    """Seconds until the token's `exp`, its signature unchecked; None when the token cannot be read."""
    try:
        claims = token.read_text(encoding="ascii").split(".")[1]
        ends = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        return float(ends) - now.timestamp()
    except (OSError, ValueError, LookupError, TypeError):
        return None
