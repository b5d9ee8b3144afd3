"""Bad tokens by what is bad about them: tables for the tests of attacks on tokens."""

import time
import uuid
from collections.abc import Callable
from typing import Final

from django.conf import settings

from runs_app.domain.ids import UAT_PREFIX
from runs_app.models import SigningSecret
from runs_app.services.credentials import digest_of
from runs_app.services.installation_secrets import user_actor_signing_key
from runs_app.services.signing_secrets import signing_secret_of
from runs_app.services.tokens import AUDIENCE, ISSUER, USER_ACTOR_AUDIENCE, USER_ACTOR_ISSUER
from tests.api.forging import HEADER, MISSING, Claims, Forge, encoded
from tests.people import row_of_key

Attack = Callable[[Forge], str]

DEEP: Final = b"[" * 2_000 + b"]" * 2_000


def now(**later: int) -> int:
    return int(time.time()) + sum(later.values())


def key_id(secret: str) -> str:
    return f"key:{row_of_key(secret).id}"


def digest_of_token(forge: Forge) -> str:
    return forge.person.row.digest


def kept_text_of_secret(forge: Forge) -> str:
    environment_id = str(forge.workspace.environment.id)
    signing_secret_of(environment_id)
    return SigningSecret.objects.get(environment_id=environment_id).encrypted


def other_secret(forge: Forge) -> str:
    return signing_secret_of(str(forge.elsewhere.environment.id))


def cut(token: str, part: int, change: Callable[[str], str]) -> str:
    parts = token.split(".")
    parts[part] = change(parts[part])
    return ".".join(parts)


# --- what anybody may send ----------------------------------------------------------------------

NO_ALGORITHM: Final = ("none", "None", "NONE", "nOnE", "", None, 0, False, [], ["HS256"], {})
OTHER_ALGORITHM: Final = (*NO_ALGORITHM, "RS256", "ES256", "EdDSA", "HS384", "HS512", "hs256", "HS")
ALGORITHMS: dict[str, Attack] = {
    **{f"alg {alg!r}": lambda f, alg=alg: f.unsigned({"alg": alg}) for alg in NO_ALGORITHM},
    **{
        f"alg {alg!r} and any signature": lambda f, alg=alg: f.unsigned({"alg": alg}, "AAAA")
        for alg in NO_ALGORITHM
    },
    **{
        f"alg {alg!r} over a good signature": lambda f, alg=alg: f.headed({"alg": alg})
        for alg in OTHER_ALGORITHM
    },
    "no alg": lambda f: f.headed({"typ": "JWT"}),
    "alg twice, none first": lambda f: f.unsigned(b'{"alg":"none","alg":"HS256"}', "AAAA"),
    "alg twice, none last": lambda f: f.headed(b'{"alg":"HS256","alg":"none"}'),
    "HS384 with the right secret": lambda f: f.headed({"alg": "HS384"}, alg="HS384"),
    "HS512 with the right secret": lambda f: f.headed({"alg": "HS512"}, alg="HS512"),
    "RS256 with a key pair": lambda f: f.asymmetric("RS256"),
    "ES256 with a key pair": lambda f: f.asymmetric("ES256"),
}
KEYS: dict[str, Attack] = {
    "another environment's secret": lambda f: f.token(other_secret(f)),
    "the installation's secret": lambda f: f.token(user_actor_signing_key()),
    "SECRET_KEY": lambda f: f.token(settings.SECRET_KEY),
    "the kept text of the secret": lambda f: f.token(kept_text_of_secret(f)),
    "an API key": lambda f: f.token(f.workspace.key),
    "the digest of an API key": lambda f: f.token(digest_of(f.workspace.key)),
    "a personal access token": lambda f: f.token(f.person.token),
    "the digest of a personal access token": lambda f: f.token(digest_of_token(f)),
    "the environment's id": lambda f: f.token(str(f.workspace.environment.id)),
    "the issuer": lambda f: f.token(ISSUER),
    "one zero byte": lambda f: f.token("\0"),
}
HEADERS: dict[str, Attack] = {
    name: lambda f, header=header: f.headed({**HEADER, **header}, key="k" * 32)
    for name, header in {
        "a kid that is a path": {"kid": "../../../../dev/null"},
        "a kid that is SQL": {"kid": "x' UNION SELECT 'k"},
        "a kid that is a number": {"kid": 1},
        "a jku": {"jku": "http://127.0.0.1:1/keys"},
        "an x5u": {"x5u": "http://127.0.0.1:1/certificate"},
        "a jwk": {"jwk": {"kty": "oct", "k": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr"}},
    }.items()
}
CRITICAL: dict[str, Attack] = {
    f"crit {crit!r}": lambda f, crit=crit: f.headed({**HEADER, "crit": crit})
    for crit in (["exp"], ["b64"], [], "b64", [1], None)
} | {
    "b64 false": lambda f: f.headed({**HEADER, "b64": False, "crit": ["b64"]}),
    "b64 false and nothing critical": lambda f: f.headed({**HEADER, "b64": False}),
}
SUBJECTS: dict[str, Attack] = {
    "of another environment": lambda f: f.token(sub=str(f.elsewhere.environment.id)),
    "of an unknown environment": lambda f: f.token(sub=str(uuid.uuid4())),
    "of a person": lambda f: f.token(sub=f.person.id),
    "no UUID": lambda f: f.token(sub="prod"),
    "SQL": lambda f: f.token(sub="' OR 1=1 --"),
    "missing": lambda f: f.token(sub=MISSING),
    "null": lambda f: f.token(sub=None),
    "a number": lambda f: f.token(sub=7),
    "a list": lambda f: f.token(sub=[str(f.workspace.environment.id)]),
    "twice, ours first": lambda f: f.repeated(
        "sub", str(f.workspace.environment.id), str(f.elsewhere.environment.id)
    ),
    "twice, ours last, under the other secret": lambda f: f.repeated(
        "sub",
        str(f.elsewhere.environment.id),
        str(f.workspace.environment.id),
        other_secret(f),
    ),
}
TEXTS: dict[str, Attack] = {
    "trailing bytes": lambda f: f.good + "AAAA",
    "a fourth part": lambda f: f.good + ".AAAA",
    "trailing whitespace inside quotes": lambda f: f'"{f.good} "',
    "a zero byte at the end": lambda f: f.good + "\0",
    "a letter beyond ASCII": lambda f: f.good + "é",
    "whitespace in it": lambda f: f.good.replace(".", ". "),
    "a line break in it": lambda f: f.good.replace(".", ".\n"),
    "padding of its header": lambda f: cut(f.good, 0, lambda part: part + "="),
    "padding of its signature": lambda f: f.good + "=",
    "too much padding": lambda f: f.good + "===",
    "the alphabet of plain base64": lambda f: cut(f.good, 2, lambda part: "+/" + part[2:]),
    "half a signature": lambda f: f.good[:-20],
    "no signature": lambda f: cut(f.good, 2, lambda part: ""),
    "no claims": lambda f: cut(f.good, 1, lambda part: ""),
    "no header": lambda f: cut(f.good, 0, lambda part: ""),
    "other claims": lambda f: cut(f.good, 1, lambda part: encoded(b'{"sub":"x"}')),
    "a megabyte of letters": lambda f: "a" * 1_000_000,
    "a megabyte of claims": lambda f: f.token(padding="p" * 1_000_000),
    "a megabyte of signature": lambda f: cut(f.good, 2, lambda part: part + "A" * 1_000_000),
    "deep claims": lambda f: cut(f.good, 1, lambda part: encoded(DEEP)),
    "a deep claim": lambda f: cut(f.good, 1, lambda part: encoded(b'{"sub":' + DEEP + b"}")),
    "a deep header": lambda f: cut(f.good, 0, lambda part: encoded(DEEP)),
    "a deep alg": lambda f: cut(f.good, 0, lambda part: encoded(b'{"alg":' + DEEP + b"}")),
    "a number of many digits": lambda f: f.raw(b'{"sub":' + b"9" * 5_000 + b"}"),
    "claims that are a list": lambda f: f.raw(b"[]"),
    "claims that are null": lambda f: f.raw(b"null"),
    "claims that are text": lambda f: f.raw(b'"sub"'),
    "claims that are no JSON": lambda f: f.raw(b"sub=1"),
    "claims that are not UTF-8": lambda f: f.raw(b'{"sub":"\xff\xfe\xe9"}'),
    "empty claims": lambda f: f.raw(b"{}"),
}
KINDS: dict[str, Attack] = {
    "a user actor token": lambda f: f.good_actor,
    "a user actor token without its prefix": lambda f: f.good_actor.removeprefix(UAT_PREFIX),
    "an environment token with the prefix of the others": lambda f: UAT_PREFIX + f.good,
    "an environment token with the prefix of a key": lambda f: "tr_prod_sk_" + f.good,
    "a user actor token that names the environment": lambda f: f.actor(
        sub=str(f.workspace.environment.id)
    ).removeprefix(UAT_PREFIX),
}
# Under our signature, and no mistake of ours: time has gone by, or the source has ended.
OUTLIVED: dict[str, Attack] = {
    "expired by a second": lambda f: f.token(exp=now(seconds=-1)),
    "expired now": lambda f: f.token(exp=now()),
    "expired in 1970": lambda f: f.token(exp=0),
    "expired before 1970": lambda f: f.token(exp=-(10**9)),
    "expired, as a boolean": lambda f: f.token(exp=True),
    "act of another person": lambda f: f.token(act={"sub": f.stranger.id, "client": "x"}),
    "act of an unknown person": lambda f: f.token(act={"sub": str(uuid.uuid4()), "client": "x"}),
    "src of another person's token": lambda f: f.token(src=str(f.stranger.source)),
    "both of a person who is no member": lambda f: f.token(
        src=str(f.stranger.source), act={"sub": f.stranger.id, "client": "x"}
    ),
    "src unknown": lambda f: f.token(src=f"pat:{uuid.uuid4()}"),
    "src of another environment's key": lambda f: f.token(act=MISSING, src=key_id(f.elsewhere.key)),
    "src of an unknown key": lambda f: f.token(act=MISSING, src=f"key:{uuid.uuid4()}"),
}
# --- what only we can sign ----------------------------------------------------------------------

# Of either kind of token. Each is the one change of a token that is good otherwise.
MALFORMED: dict[str, Claims] = {
    "no exp": {"exp": MISSING},
    "exp null": {"exp": None},
    "exp a word": {"exp": "tomorrow"},
    "exp digits in quotes": {"exp": "9999999999"},
    "exp a list": {"exp": [9_999_999_999]},
    "exp in milliseconds": {"exp": 10**13},
    "exp huge": {"exp": 10**30},
    "exp a huge fraction": {"exp": 1e300},
    "exp NaN": {"exp": float("nan")},
    "exp infinite": {"exp": float("inf")},
    "nbf in the future": {"nbf": 32_503_680_000},
    "nbf a word": {"nbf": "now"},
    "iat in the future": {"iat": 32_503_680_000},
    "iat a list": {"iat": []},
    "no aud": {"aud": MISSING},
    "aud null": {"aud": None},
    "another aud": {"aud": "https://api.example.com"},
    "aud in a list": {"aud": [AUDIENCE]},
    "aud of the other kind in a list": {"aud": [USER_ACTOR_AUDIENCE]},
    "aud among others": {"aud": ["https://api.example.com", AUDIENCE, USER_ACTOR_AUDIENCE]},
    "aud an object": {"aud": {AUDIENCE: True, USER_ACTOR_AUDIENCE: True}},
    "no iss": {"iss": MISSING},
    "iss null": {"iss": None},
    "another iss": {"iss": "https://id.example.com"},
    "iss in a list": {"iss": [ISSUER, USER_ACTOR_ISSUER]},
    "no jti": {"jti": MISSING},
    "jti a number": {"jti": 1},
    "no token_type": {"token_type": MISSING},
    "token_type of another token": {"token_type": "access"},
    "no src": {"src": MISSING},
    "src null": {"src": None},
    "src without a kind": {"src": str(uuid.uuid4())},
    "src of no kind we know": {"src": f"uat:{uuid.uuid4()}"},
    "src without an id": {"src": "pat:"},
    "src that is no id": {"src": "pat:' OR 1=1 --"},
    "src a list": {"src": ["pat", str(uuid.uuid4())]},
}
MALFORMED_OF_AN_ENVIRONMENT: dict[str, Claims] = {
    "no scopes": {"scopes": MISSING},
    "scopes null": {"scopes": None},
    "scopes a text": {"scopes": "admin"},
    "scopes an object": {"scopes": {"admin": True}},
    "scopes numbers": {"scopes": [1]},
    "scopes in a list in a list": {"scopes": [["admin"]]},
    "no pub": {"pub": MISSING},
    "pub false": {"pub": False},
    "pub 1": {"pub": 1},
    "pub a text": {"pub": "true"},
    "nobody acts for a person": {"act": MISSING},
    "a person acts for a key": {"src": f"key:{uuid.uuid4()}"},
    "act null": {"act": None},
    "act a text": {"act": str(uuid.uuid4())},
    "act empty": {"act": {}},
    "act a list": {"act": [{"sub": str(uuid.uuid4()), "client": "x"}]},
    "act without a client": {"act": {"sub": str(uuid.uuid4())}},
    "act with a client that is a number": {"act": {"sub": str(uuid.uuid4()), "client": 1}},
    "act of no person's id": {"act": {"sub": "admin", "client": "x"}},
    "act of a number": {"act": {"sub": 1, "client": "x"}},
}
MALFORMED_OF_A_PERSON: dict[str, Claims] = {
    "no sub": {"sub": MISSING},
    "sub null": {"sub": None},
    "sub a number": {"sub": 1},
    "sub a list": {"sub": [str(uuid.uuid4())]},
    "sub of no person's id": {"sub": "admin"},
    "src a key": {"src": f"key:{uuid.uuid4()}"},
    "no client": {"client": MISSING},
    "client a number": {"client": 1},
    "client an object": {"client": {}},
    "cap a text": {"cap": "admin"},
    "cap an object": {"cap": {"admin": True}},
    "cap numbers": {"cap": [1]},
    "cap in a list in a list": {"cap": [["admin"]]},
}

# --- on the routes of a person ------------------------------------------------------------------

FORGED_ACTORS: dict[str, Attack] = {
    "the secret of an environment": lambda f: f.actor(f.secret),
    "SECRET_KEY": lambda f: f.actor(settings.SECRET_KEY),
    "a personal access token": lambda f: f.actor(f.person.token),
    "the digest of a personal access token": lambda f: f.actor(digest_of_token(f)),
    "an environment token": lambda f: f.good,
    "an environment token with our prefix": lambda f: UAT_PREFIX + f.good,
    "alg none": lambda f: UAT_PREFIX + f.unsigned({"alg": "none"}, "AAAA"),
    "without the prefix": lambda f: f.good_actor.removeprefix(UAT_PREFIX),
    "with the prefix twice": lambda f: UAT_PREFIX + f.good_actor,
    "the prefix alone": lambda f: UAT_PREFIX,
    "the prefix in capitals": lambda f: f.good_actor.replace(UAT_PREFIX, UAT_PREFIX.upper()),
    "the prefix of a personal access token": lambda f: f.good_actor.replace(UAT_PREFIX, "tr_pat_"),
    "padding of its signature": lambda f: f.good_actor + "=",
    "trailing bytes": lambda f: f.good_actor + "AAAA",
    "deep claims": lambda f: cut(f.good_actor, 1, lambda part: encoded(DEEP)),
    "claims that are a list": lambda f: cut(f.good_actor, 1, lambda part: encoded(b"[]")),
    "expired by a second": lambda f: f.actor(exp=now(seconds=-1)),
    "expired, as a boolean": lambda f: f.actor(exp=True),
    "sub of another person": lambda f: f.actor(sub=f.stranger.id),
    "src of another person's token": lambda f: f.actor(src=str(f.stranger.source)),
    "src unknown": lambda f: f.actor(src=f"pat:{uuid.uuid4()}"),
}
FORGED: Final = {
    f"{title}: {name}": attack
    for title, attacks in {
        "algorithm": ALGORITHMS,
        "key": KEYS,
        "header": HEADERS,
        "critical header": CRITICAL,
        "sub": SUBJECTS,
        "text": TEXTS,
        "kind": KINDS,
        "outlived": OUTLIVED,
    }.items()
    for name, attack in attacks.items()
}
