"""Makers of bad tokens. They know more than a forger would: the secrets, and good claims."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import HMACAlgorithm

from runs_app.domain.ids import UAT_PREFIX
from runs_app.services.installation_secrets import user_actor_signing_key
from runs_app.services.signing_secrets import signing_secret_of
from tests.conftest import Workspace
from tests.people import Person, actor_token_of, token_of_person

Claims = dict[str, Any]

# As the value of a claim: without that claim.
MISSING: Final = object()
HEADER: Final = {"typ": "JWT", "alg": "HS256"}
HASHES: Final = {
    "HS256": HMACAlgorithm.SHA256,
    "HS384": HMACAlgorithm.SHA384,
    "HS512": HMACAlgorithm.SHA512,
}


@dataclass(frozen=True)
class Forge:
    """`person` may do everything in `workspace`; `elsewhere` and `stranger` have nothing to do
    with either."""

    workspace: Workspace
    person: Person
    elsewhere: Workspace
    stranger: Person

    @property
    def secret(self) -> str:
        return signing_secret_of(str(self.workspace.environment.id))

    @property
    def good(self) -> str:
        return token_of_person(self.workspace, self.person, "read:errors")

    @property
    def good_actor(self) -> str:
        return actor_token_of(self.person)

    def token(self, key: str | None = None, /, **changes: Any) -> str:
        """A good environment token but for the changes of its claims, or for its key."""
        return signed(written(claims_of(self.good), changes), key or self.secret)

    def actor(self, key: str | None = None, /, **changes: Any) -> str:
        """A good user actor token but for the changes of its claims, or for its key."""
        claims = claims_of(self.good_actor.removeprefix(UAT_PREFIX))
        return UAT_PREFIX + signed(written(claims, changes), key or user_actor_signing_key())

    def raw(self, payload: bytes) -> str:
        """Anything at all under the environment's secret."""
        return signed(payload, self.secret)

    def headed(self, header: Any, key: str | None = None, alg: str = "HS256") -> str:
        """The good claims under another header, with a signature that fits it."""
        return signed(written(claims_of(self.good), {}), key or self.secret, header, alg)

    def unsigned(self, header: Any, signature: str = "") -> str:
        """The good claims under another header, with a signature that does not fit it."""
        return f"{segment(header)}.{self.good.split('.')[1]}.{signature}"

    def repeated(self, name: str, first: Any, last: Any, key: str | None = None) -> str:
        """A claim that is there twice."""
        claims = written(claims_of(self.good), {name: MISSING})[1:-1]
        twice = f'{{"{name}":{json.dumps(first)},{claims.decode()},"{name}":{json.dumps(last)}}}'
        return signed(twice.encode(), key or self.secret)

    def asymmetric(self, alg: str) -> str:
        """Signed with a key pair of the forger's own."""
        private: Any
        if alg == "RS256":
            private = rsa.generate_private_key(65537, 2048)
        else:
            private = ec.generate_private_key(ec.SECP256R1())
        return jwt.encode(claims_of(self.good), private, alg)


def signed(payload: bytes, key: str, header: Any = HEADER, alg: str = "HS256") -> str:
    """`header` need not be true to `alg`, which is how it is signed."""
    content = f"{segment(header)}.{encoded(payload)}"
    algorithm = HMACAlgorithm(HASHES[alg])
    signature = algorithm.sign(content.encode(), algorithm.prepare_key(key))
    return f"{content}.{encoded(signature)}"


def claims_of(token: str) -> Claims:
    claims: Claims = jwt.decode(token, options={"verify_signature": False})
    return claims


def written(claims: Claims, changes: Claims) -> bytes:
    merged = {**claims, **changes}
    kept = {name: value for name, value in merged.items() if value is not MISSING}
    return json.dumps(kept).encode()


def segment(content: Any) -> str:
    return encoded(content if isinstance(content, bytes) else json.dumps(content).encode())


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
