"""Staff and sessions that tests start from."""

from typing import Any

from domain.base.actors import SYSTEM, StaffRole
from domain.base.passwords import hash_password
from domain.base.work import Works
from domain.identity.actions.staff import create_staff_member
from domain.identity.rules import StaffDetails
from schema.base.ids import global_id
from tests.conftest import Client

PASSWORD = "correct horse battery"  # noqa: S105  opens nothing

CREATE = """
mutation($input: SessionCreateInput!) { sessionCreate(input: $input) {
  session { id accessToken accessTokenExpiresAt refreshToken
    viewer { kind permissions staffMember { name email role stores { code } } customer { id } } }
  userErrors { __typename code message field ... on RateLimited { retryAt } } } }
"""
REFRESH = """
mutation($token: String!) { sessionRefresh(input: { refreshToken: $token }) {
  session { id accessToken refreshToken viewer { kind } } userErrors { code } } }
"""
REVOKE = """
mutation($input: SessionRevokeInput!) { sessionRevoke(input: $input) { revokedCount userErrors { code field } } }
"""
STAFF_UPDATE = """
mutation($input: StaffMemberUpdateInput!) { staffMemberUpdate(input: $input) {
  staffMember { role isActive } userErrors { code } } }
"""
VIEWER = "{ viewer { kind permissions staffMember { name role } } }"


_HASHES: dict[str, str] = {}


async def kept_of(password: str) -> str:
    """Return what is kept of a password, reckoned once: it takes a core for a while, as it should."""
    if password not in _HASHES:
        _HASHES[password] = await hash_password(password)
    return _HASHES[password]


async def add_staff(works: Works, email: str, *, role: StaffRole = StaffRole.AGENT, **details: Any) -> str:  # noqa: ANN401
    """Let somebody work here, with `PASSWORD`; return their id."""
    password_hash = await kept_of(PASSWORD)
    said = StaffDetails(email=email, name=details.pop("name", "Ada Byron"), role=role, **details)
    key = await works.perform(
        lambda work: create_staff_member(work, details=said, password_hash=password_hash), actor=SYSTEM, action="test"
    )
    return global_id("StaffMember", key)


async def sign_in(client: Client, email: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Try to sign in, as nobody in particular; return the payload."""
    key, client.key = client.key, None
    values = {"input": {"email": email, "password": password, **more}}
    payload: dict[str, Any] = (await client.ask(CREATE, values)).data["sessionCreate"]
    client.key = key
    return payload


async def enter(client: Client, email: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Sign in; return the session."""
    payload = await sign_in(client, email, password, **more)
    assert payload["userErrors"] == []
    session: dict[str, Any] = payload["session"]
    return session


async def refresh(client: Client, token: str) -> dict[str, Any]:
    """Send a refresh token, as nobody in particular; return the payload."""
    key, client.key = client.key, None
    payload: dict[str, Any] = (await client.ask(REFRESH, {"token": token})).data["sessionRefresh"]
    client.key = key
    return payload


async def revoke(client: Client, token: str, **what: Any) -> dict[str, Any]:  # noqa: ANN401
    """End sessions; return the payload."""
    payload: dict[str, Any] = (await client.ask(REVOKE, {"input": what}, key=token)).data["sessionRevoke"]
    return payload


async def is_let_in(client: Client, token: str) -> bool:
    """Tell whether a token opens the door."""
    return (await client.ask("{ viewer { kind } }", key=token)).status == 200


def codes(payload: dict[str, Any]) -> list[str]:
    """Return the codes of a refusal."""
    return [each["code"] for each in payload["userErrors"]]
