"""What customers are recognised by, in the tests' hands: written and read through the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.base.work import Works
from tests.conftest import Answer, Client
from tests.orders.shop import Input, nothing_changes
from tests.snapshots import snapshot

PHONE = "+390669812345"
EMAIL = "ada@example.org"

IDENTITY = "id kind namespace value verification isShared source firstSeenAt lastSeenAt"
_WHO = f"customer {{ id email phone externalId version updatedAt identities {{ {IDENTITY} }} }}"


async def ask_identity(client: Client, action: str, given: Input, *, key: str | None = None) -> Answer:
    """Send one of the writes about identities and return what came back, whatever it is."""
    changed = "removedIdentityId" if action == "Remove" else f"identity {{ {IDENTITY} }}"
    query = f"""mutation($input: CustomerIdentity{action}Input!) {{ customerIdentity{action}(input: $input) {{
      {changed} {_WHO} userErrors {{ code field message }} }} }}"""
    return await client.ask(query, {"input": given}, key=key)


async def change(client: Client, action: str, **given: object) -> Input:
    """Send one of the writes about identities, which is not refused; return its payload."""
    payload = (await ask_identity(client, action, given)).data[f"customerIdentity{action}"]
    assert isinstance(payload, dict)
    assert payload["userErrors"] == []
    return payload


async def add(client: Client, customer_id: str, value: str = PHONE, kind: str = "PHONE", **more: object) -> Input:
    """Add an identity, and return it."""
    payload = await change(client, "Add", customerId=customer_id, kind=kind, value=value, **more)
    identity = payload["identity"]
    assert isinstance(identity, dict)
    return identity


async def verify(client: Client, identity: Input) -> Input:
    """Vouch for an identity, and return the one that is verified."""
    found = (await change(client, "Verify", identityId=identity["id"]))["identity"]
    assert isinstance(found, dict)
    assert found["verification"] == "VERIFIED"
    return found


async def share(client: Client, identity: Input, *, is_shared: bool = True) -> None:
    """Say whether several people use an identity."""
    payload = await change(client, "Update", identityId=identity["id"], isShared=is_shared)
    assert payload["identity"]["isShared"] is is_shared


async def refusals(client: Client, action: str, **given: object) -> list[tuple[str, str]]:
    """Send one of the writes about identities, which is refused without a trace; return code and path of each.

    A code that is tried is counted, whatever comes of it.
    """
    counted = ("throttles", "audit_entries") if "code" in given else ()
    async with nothing_changes(client.works, without=counted):
        payload = (await ask_identity(client, action, given)).data[f"customerIdentity{action}"]
    assert [value for name, value in payload.items() if name != "userErrors"] == [None, None]
    assert all(error["message"] for error in payload["userErrors"])
    return [(error["code"], ".".join(error["field"] or ())) for error in payload["userErrors"]]


async def identities(client: Client, customer_id: str) -> list[Input]:
    """Return all that a customer is recognised by."""
    query = f"query($id: ID!) {{ customer(id: $id) {{ identities {{ {IDENTITY} }} }} }}"
    found = (await client.ask(query, {"id": customer_id})).data["customer"]["identities"]
    assert isinstance(found, list)
    return found


async def recognised(client: Client, value: str = PHONE, kind: str = "PHONE", **more: object) -> str | None:
    """Return whom the API recognises by this."""
    query = """query($kind: IdentityKind!, $value: String!, $namespace: String) {
      customerByIdentity(kind: $kind, value: $value, namespace: $namespace) { id } }"""
    found = (await client.ask(query, {"kind": kind, "value": value, **more})).data["customerByIdentity"]
    return None if found is None else str(found["id"])


async def merge(client: Client, survivor_id: str, absorbed_id: str) -> str:
    """Merge two customers, and return the merge."""
    query = """mutation($input: CustomerMergeInput!) {
      customerMerge(input: $input) { merge { id } userErrors { message } } }"""
    given = {"survivorId": survivor_id, "absorbedId": absorbed_id}
    payload = (await client.ask(query, {"input": given})).data["customerMerge"]
    assert payload["userErrors"] == []
    return str(payload["merge"]["id"])


async def unmerge(client: Client, merge_id: str) -> None:
    """Take a merge back."""
    query = "mutation($id: ID!) { customerUnmerge(input: {mergeId: $id}) { userErrors { message } } }"
    assert (await client.ask(query, {"id": merge_id})).data["customerUnmerge"]["userErrors"] == []


@asynccontextmanager
async def only_asked(works: Works) -> AsyncIterator[None]:
    """Hold that what happens inside is written down as asked for, and changes nothing else."""
    before = await snapshot(works, without=["audit_entries"])
    yield
    assert await snapshot(works, without=["audit_entries"]) == before


async def merges(client: Client, *states: str) -> list[Input]:
    """Return the merges in these states, none meaning all, the newest first."""
    query = """query($state: [CustomerMergeState!]) { customerMerges(first: 100, state: $state) { totalCount nodes {
      id state score signals evidence reason proposedAt mergedAt rejectedAt unmergedAt
      survivor { id } absorbed { id } } } }"""
    found = (await client.ask(query, {"state": list(states) or None})).data["customerMerges"]
    assert found["totalCount"] == len(found["nodes"])
    nodes = found["nodes"]
    assert isinstance(nodes, list)
    return nodes


async def reject(client: Client, merge_id: str) -> Answer:
    """Decide that two customers who were proposed are two."""
    query = """mutation($input: CustomerMergeRejectInput!) { customerMergeReject(input: $input) {
      merge { id state reason rejectedAt } userErrors { code field message } } }"""
    return await client.ask(query, {"input": {"mergeId": merge_id, "reason": "Two."}})
