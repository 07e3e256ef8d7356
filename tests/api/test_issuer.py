"""Tokens of the shop's own identity provider."""

import asyncio
import base64
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from api.access import Access, InvalidToken
from api.issuer import FETCHED_EVERY, KEPT, Issuer, Provider
from domain.base.actors import SYSTEM, ActorKind
from domain.base.work import Works
from domain.customers.actions.profiles import create_customer
from domain.customers.rules.profiles import CustomerDetails
from tests.conftest import NOW, StandingClock
from tests.waiting import until

PROVIDER = Provider(name="https://id.shop.example", audience="crm", keys_url="https://id.shop.example/jwks.json")
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
OKP = OKPKey.generate_key("Ed25519", {"kid": "okp"})
STRANGE = RSAKey.generate_key(2048, {"kid": "rsa"})
CLAIMS: dict[str, Any] = {
    "iss": PROVIDER.name,
    "aud": ["shop", "crm"],
    "sub": "c-1",
    "exp": int(NOW.timestamp()) + 300,
    "iat": int(NOW.timestamp()),
}


class Publisher:
    """What the provider publishes, and how often it was asked."""

    def __init__(self, *keys: Key) -> None:
        """Publish these."""
        self.keys = list(keys)
        self.asked = 0
        self.status = 200
        self.body: bytes | None = None
        self.is_open = asyncio.Event()
        self.is_open.set()

    async def answer(self, _request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.asked += 1
        await self.is_open.wait()
        listed = [each.as_dict(private=False) for each in self.keys]
        return httpx.Response(self.status, content=self.body or orjson.dumps({"keys": listed}))


@pytest.fixture
def publisher() -> Publisher:
    """Return a provider with a key of each sort."""
    return Publisher(RSA, EC, OKP)


@pytest.fixture
async def access(works: Works, publisher: Publisher) -> AsyncIterator[Access]:
    """Return the door of a shop with an identity provider and one customer."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(publisher.answer))
    issuer = Issuer(PROVIDER, http=http)
    details = CustomerDetails(external_id="c-1")
    await works.perform(lambda work: create_customer(work, details=details), actor=SYSTEM, action="test")
    yield Access(works, issuer=issuer)
    await issuer.close()


def token(key: Key = RSA, algorithm: str = "RS256", header: Mapping[str, Any] | None = None, **claims: Any) -> str:  # noqa: ANN401
    """Return what the provider signs."""
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    head = {"alg": algorithm, "kid": key.kid, **(header or {})}
    if algorithm == "EdDSA":
        return _signed_by(by_device_key, head, said)
    return jws.serialize_compact(head, orjson.dumps(said), key, algorithms=[algorithm])


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _signed_by(sign: Callable[[bytes], bytes], head: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    body = f"{_part(orjson.dumps(head))}.{_part(orjson.dumps(said))}"
    return f"{body}.{_part(sign(body.encode()))}"


def by_public_key(text: bytes) -> bytes:
    """Sign with HMAC and what everybody may know."""
    return hmac.digest(RSA.as_pem(private=False), text, "sha256")


def by_device_key(text: bytes) -> bytes:
    """Sign with Ed25519."""
    assert isinstance(OKP.private_key, Ed25519PrivateKey)
    return OKP.private_key.sign(text)


async def opens(access: Access, secret: str) -> bool:
    """Tell whether a token opens the door."""
    try:
        actor = await access.actor(f"Bearer {secret}")
    except InvalidToken:
        return False
    assert (actor.kind, actor.permissions, actor.session_id) == (ActorKind.CUSTOMER, frozenset(), None)
    return True


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (OKP, "EdDSA")])
async def test_a_token_of_the_provider_opens_the_door(access: Access, key: Key, algorithm: str) -> None:
    """For the customer with this external id; for one whom nobody knows it does not."""
    assert await opens(access, token(key, algorithm))
    assert not await opens(access, token(key, algorithm, sub="c-2"))


async def test_what_proves_nothing_is_refused(access: Access) -> None:
    """Another key, algorithm, audience or time."""
    now = CLAIMS["iat"]
    forged = {
        "another key": token(STRANGE),
        "the public key as secret": _signed_by(by_public_key, {"alg": "HS256", "kid": "rsa"}, CLAIMS),
        "an algorithm that is not pinned": token(algorithm="RS512"),
        "another algorithm's key": token(EC, "ES256", {"kid": "okp"}),
        "none": _signed_by(lambda _text: b"", {"alg": "none", "kid": "rsa"}, CLAIMS),
        "no audience": token(aud=None),
        "another audience": token(aud="shop"),
        "no expiry": token(exp=None),
        "expired": token(exp=now - 6),
        "not yet valid": token(nbf=now + 60),
        "made in the future": token(iat=now + 60),
        "an external id that is no text": token(sub=1),
        "no external id": token(sub=None),
        "an empty one": token(sub=""),
    }
    for name, secret in forged.items():
        assert not await opens(access, secret), name
    assert await opens(access, token())


async def test_tokens_of_nobody_we_know_are_refused_without_asking(access: Access, publisher: Publisher) -> None:
    """Another issuer's token is never looked up at ours."""
    assert not await opens(access, token(iss="https://elsewhere.example"))
    assert publisher.asked == 0


async def test_an_unknown_key_is_looked_for_now_and_then(
    access: Access, publisher: Publisher, clock: StandingClock
) -> None:
    """Once in thirty seconds, however many invent one; a new key is found then, a withdrawn one forgotten."""
    publisher.keys = [RSA]
    assert await opens(access, token())
    for number in range(20):
        assert not await opens(access, token(EC, "ES256", {"kid": f"invented-{number}"}))
    assert publisher.asked == 1
    publisher.keys = [EC]
    clock.advance(FETCHED_EVERY)
    assert await opens(access, token(EC, "ES256"))
    assert publisher.asked == 2
    clock.advance(timedelta(seconds=2))
    assert not await opens(access, token())
    clock.advance(KEPT)
    later = int(clock.now().timestamp())
    assert await opens(access, token(EC, "ES256", exp=later + 60, iat=later))
    assert publisher.asked == 3


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b"{}"), (200, b"no JSON"), (200, b"[]"), (200, b'{"keys": 1}'), (200, b" " * 300_000), (302, b"{}")],
)
async def test_a_provider_that_is_ill_opens_nothing_and_closes_nothing(
    access: Access, publisher: Publisher, clock: StandingClock, status: int, body: bytes
) -> None:
    """What was known before is known until then."""
    assert await opens(access, token())
    publisher.status, publisher.body = status, body
    clock.advance(FETCHED_EVERY)
    assert not await opens(access, token(EC, "ES256", {"kid": "new"}))
    assert await opens(access, token())


async def test_nobody_waits_for_a_key_that_somebody_invented(
    access: Access, publisher: Publisher, clock: StandingClock
) -> None:
    """While the provider takes its time, tokens of known keys open the door."""
    assert await opens(access, token())
    clock.advance(FETCHED_EVERY)
    publisher.is_open.clear()
    invented = asyncio.create_task(opens(access, token(EC, "ES256", {"kid": "invented"})))
    await until(lambda: publisher.asked == 2)
    async with asyncio.timeout(2):
        assert await opens(access, token())
    assert not invented.done()
    publisher.is_open.set()
    assert not await invented


async def test_keys_that_are_none_are_left_out(access: Access, publisher: Publisher) -> None:
    """One that is shared, has no id or is broken spoils no other."""
    keys = [
        OctKey.generate_key(256, {"kid": "oct"}).as_dict(private=True),
        {"kty": "RSA", "kid": "broken", "n": "AQAB"},
        {"kty": "unheard of", "kid": "x"},
        "text",
        {name: value for name, value in EC.as_dict(private=False).items() if name != "kid"},
        RSA.as_dict(private=False),
    ]
    publisher.body = orjson.dumps({"keys": keys})
    assert await opens(access, token())
    assert not await opens(access, token(EC, "ES256"))


async def test_another_claim_names_the_customer(works: Works, publisher: Publisher) -> None:
    """Where the provider's `sub` is its own id."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(publisher.answer))
    provider = Provider(name=PROVIDER.name, audience="crm", keys_url=PROVIDER.keys_url, claim="shop_id")
    issuer = Issuer(provider, http=http)
    found = await issuer.external_id(token(sub="auth0|7", shop_id="c-9"), works.clock.now())
    assert found is not None
    assert found[0] == "c-9"
    await issuer.close()
