"""Tokens that somebody made up, changed or kept: none of them opens the door."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from domain.base.actors import SYSTEM
from domain.base.identifiers import new_id
from domain.base.tokens import ALGORITHM, Claims, claims_of, header_of, read, sign, token_key
from domain.identity.actions.sessions import list_token_secrets, open_session
from domain.identity.rules import SessionKind
from schema.base.ids import parse_id
from tests.conftest import NOW, Client
from tests.identity.staff import add_staff, enter, is_let_in

SECRET = bytes(range(32))
OTHER = bytes(32)


def encoded(value: bytes | Mapping[str, Any]) -> str:
    """Return a part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], *, secret: bytes) -> str:
    """Return a token with this header and these claims, rightly signed with Ed25519 whatever the header says."""
    body = f"{encoded(header)}.{encoded(claims)}"
    return f"{body}.{encoded(Ed25519PrivateKey.from_private_bytes(secret).sign(body.encode()))}"


def public_half(secret: bytes) -> Mapping[str, Any]:
    """Return what everybody may know of a key."""
    return token_key(secret).as_dict(private=False)


Forge = Callable[[dict[str, Any], dict[str, Any], bytes], str]


def with_header(**changes: Any) -> Forge:  # noqa: ANN401
    """Return a forger who signs rightly under another header."""
    return lambda header, claims, secret: signed({**header, **changes}, claims, secret=secret)


def with_claims(**changes: Any) -> Forge:  # noqa: ANN401
    """Return a forger who signs rightly for other claims; None leaves one out."""

    def forge(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
        merged = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return signed(header, merged, secret=secret)

    return forge


def unsigned(algorithm: str) -> Forge:
    """Return a forger who says that no signature is needed."""
    return lambda header, claims, _secret: f"{encoded({**header, 'alg': algorithm})}.{encoded(claims)}."


def by_public_key(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """Sign with HMAC and what everybody may know."""
    public = public_half(secret)
    key = OctKey.import_key(base64.urlsafe_b64decode(f"{public['x']}="))
    return jws.serialize_compact({**header, "alg": "HS256"}, json.dumps(claims), key, algorithms=["HS256"])


def by_own_key(header: dict[str, Any], claims: dict[str, Any], _secret: bytes) -> str:
    """Sign with a key of one's own under the id of ours."""
    return signed(header, claims, secret=OTHER)


def carrying_own_key(header: dict[str, Any], claims: dict[str, Any], _secret: bytes) -> str:
    """Bring the key along in the header."""
    own = OKPKey.import_key(dict(public_half(OTHER)))
    return signed({**header, "kid": own.kid, "jwk": own.as_dict(private=False)}, claims, secret=OTHER)


FORGERIES: Mapping[str, Forge] = {
    "none": unsigned("none"),
    "None": unsigned("None"),
    "NoNe": unsigned("NoNe"),
    "no algorithm": lambda h, c, s: signed({"kid": h["kid"]}, c, secret=s),
    "another name of it": with_header(alg="EdDSA"),
    "a list of algorithms": with_header(alg=["Ed25519"]),
    "the public key as secret": by_public_key,
    "another key": by_own_key,
    "a key in the header": carrying_own_key,
    "a path as key id": with_header(kid="../../../../dev/null"),
    "SQL as key id": with_header(kid="x' UNION SELECT secret FROM signing_keys --"),
    "no key id": with_header(kid=None),
    "a number as key id": with_header(kid=1),
    "keys from elsewhere": with_header(jku="https://attacker.example/jwks.json"),
    "a certificate from elsewhere": with_header(x5u="https://attacker.example/x.pem"),
    "an unknown critical part": with_header(crit=["b64"], b64=False),
    "no expiry": with_claims(exp=None),
    "expired": with_claims(exp=int(NOW.timestamp()) - 6),
    "expiry as text": with_claims(exp="2099-01-01"),
    "expiry without end": with_claims(exp=1e400),
    "expiry as a flag": with_claims(exp=True),
    "not yet valid": with_claims(nbf=int(NOW.timestamp()) + 60),
    "made in the future": with_claims(iat=int(NOW.timestamp()) + 60),
    "no instant": with_claims(iat=None),
    "another issuer": with_claims(iss="https://elsewhere.example"),
    "no issuer": with_claims(iss=None),
    "another audience": with_claims(aud="another-program"),
    "no audience": with_claims(aud=None),
    "nobody": with_claims(sub=None),
    "somebody else": with_claims(sub=str(UUID(int=7))),
    "no id": with_claims(sub="admin"),
    "no session": with_claims(sid=None),
    "an unknown session": with_claims(sid=str(UUID(int=7))),
    "claims that are a list": lambda h, _c, s: signed(h, ["exp"], secret=s),  # type: ignore[arg-type]
    "a changed signature": lambda h, c, s: signed(h, c, secret=s)[:-4] + "AAAA",
    "two parts": lambda h, c, s: signed(h, c, secret=s).rpartition(".")[0],
    "four parts": lambda h, c, s: signed(h, c, secret=s) + ".AAAA",
    "no base64": lambda _h, _c, _s: "%.%.%",
    "nothing": lambda _h, _c, _s: "..",
    "a very long one": lambda h, c, s: signed(h, {**c, "x": "y" * 9_000}, secret=s),
}


async def test_no_forgery_opens_the_door(client: Client) -> None:
    """Each is answered with 401; the same token without the change opens it, so that the change is what counts."""
    await add_staff(client.works, "ada@shop.example")
    token = (await enter(client, "ada@shop.example"))["accessToken"]
    async with client.works.database.reading() as session:
        (secret,) = await list_token_secrets(session, organisation=client.works.organisation)
    header, claims = dict(header_of(token)), dict(claims_of(token))
    assert header == {"alg": ALGORITHM, "kid": token_key(secret).kid, "typ": "JWT"}
    assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp"}
    assert await is_let_in(client, with_claims()(header, claims, secret))
    for name, forge in FORGERIES.items():
        answer = await client.ask("{ viewer { kind } }", key=forge(dict(header), dict(claims), secret))
        assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"]), name
    assert await is_let_in(client, token)


def test_a_token_is_read_by_whom_it_was_written_for() -> None:
    """Only with the same key and issuer; an older key is still read while it is listed."""
    claims = Claims(subject_id=new_id(), session_id=new_id(), expires_at=NOW + timedelta(minutes=10))
    token = sign(claims, secret=SECRET, issuer="a", now=NOW)
    assert read(token, secrets=[OTHER, SECRET], issuer="a", now=NOW) == claims
    assert read(token, secrets=[OTHER], issuer="a", now=NOW) is None
    assert read(token, secrets=[], issuer="a", now=NOW) is None
    assert read(token, secrets=[SECRET], issuer="b", now=NOW) is None
    assert read(token, secrets=[SECRET], issuer="a", now=NOW + timedelta(minutes=10, seconds=5)) is None
    assert "secret" not in repr(claims)


async def test_a_key_of_the_settings_signs(client: Client) -> None:
    """Then none is kept in the database, and tokens of another key open nothing."""
    works = replace(client.works, organisation=replace(client.works.organisation, token_key=SECRET))
    member = await add_staff(works, "ada@shop.example")
    signed_in = await works.perform(
        lambda work: open_session(work, kind=SessionKind.STAFF, subject_id=key_in(member)), actor=SYSTEM, action="test"
    )
    assert header_of(signed_in.access_token)["kid"] == token_key(SECRET).kid
    assert SECRET.hex() not in repr(works)
    assert repr(SECRET) not in repr(works)
    assert not await is_let_in(client, signed_in.access_token)


def key_in(global_id: str) -> UUID:
    """Return the key in a global id."""
    return parse_id(global_id)[1]


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "%%%.%%%.%%%", "é.é.é", ".".join(["bnVsbA"] * 3)])
def test_what_is_no_token_says_nothing(text: str) -> None:
    """Neither header nor claims."""
    assert (header_of(text), claims_of(text)) == ({}, {})
