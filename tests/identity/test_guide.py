"""The guide on signing in, walked through from its first block to its last."""

from collections.abc import Mapping
from typing import Any

import pyotp
from graphql import OperationDefinitionNode, parse

from tests.conftest import Client
from tests.documents import Example, list_examples
from tests.identity.mails import Mailbox
from tests.identity.staff import PASSWORD, add_staff, enter
from tests.real_data.test_documents import as_documented

EMAIL = "ada@example.org"
ADD = """mutation($input: CustomerIdentityAddInput!) { customerIdentityAdd(input: $input) { identity { id } } }"""
CUSTOMER = 'mutation { customerCreate(input: { externalId: "c-1" }) { customer { id } } }'


def examples() -> Mapping[str, Example]:
    """Return the guide's blocks by the names of their operations."""
    found = {}
    for example in list_examples():
        if example.place.startswith("docs/guides/signing-in"):
            (operation,) = parse(example.query).definitions
            assert isinstance(operation, OperationDefinitionNode)
            assert operation.name is not None
            found[operation.name.value] = example
    return found


class Walk:
    """Sends the guide's blocks, each as somebody."""

    def __init__(self, client: Client) -> None:
        """Take them all."""
        self._client = client
        self._examples = examples()
        self.left = set(self._examples)

    async def step(self, name: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None) -> Any:  # noqa: ANN401
        """Send one; return what its only field answers, which is no refusal and what the guide shows."""
        self.left.discard(name)
        example = self._examples[name]
        key, self._client.key = self._client.key, token
        answer = await self._client.ask(example.query, variables)
        self._client.key = key
        if example.answer is not None:
            assert as_documented({"data": answer.data}, example.answer) == example.answer
        told = next(iter(answer.data.values()))
        assert told.get("userErrors", []) == []
        return told


async def test_every_block_of_the_guide_works(client: Client) -> None:
    """In the order in which a reader would try them."""
    walk, mailbox = Walk(client), Mailbox(client.works)
    said = {"email": EMAIL, "password": PASSWORD, "givenName": "Ada", "familyName": "Byron"}
    await walk.step("Register", {"input": said})
    await walk.step("Confirm", {"input": {"email": EMAIL, "code": await mailbox.code()}})
    session = (await walk.step("SignIn", {"input": {"email": EMAIL, "password": PASSWORD}}))["session"]
    session = (await walk.step("Refresh", {"refreshToken": session["refreshToken"]}))["session"]
    me = await walk.step("Me", token=session["accessToken"])
    assert me["displayName"] == "Ada Byron"
    assert (await walk.step("SignOut", token=session["accessToken"]))["revokedCount"] == 2
    await walk.step("AskForCode", {"email": EMAIL})
    new = {"email": EMAIL, "code": await mailbox.code(), "newPassword": "another horse battery"}
    assert (await walk.step("NewPassword", {"input": new}))["session"]

    customer = (await client.ask(CUSTOMER)).data["customerCreate"]["customer"]["id"]
    assert (await walk.step("Mint", token=client.key))["accessToken"]
    member = {"email": "b@shop.example", "name": "Bob", "password": PASSWORD, "role": "AGENT", "storeCodes": ["it"]}
    await walk.step("AddStaff", {"input": member}, token=client.key)
    await add_staff(client.works, "ada@shop.example")
    token = (await enter(client, "ada@shop.example"))["accessToken"]
    device = pyotp.TOTP((await walk.step("Enrol", {"password": PASSWORD}, token=token))["secret"])
    await walk.step("ConfirmDevice", {"otp": device.at(client.works.clock.now())}, token=token)

    address = {"customerId": customer, "kind": "EMAIL", "value": "c@example.org"}
    identity = (await client.ask(ADD, {"input": address})).data["customerIdentityAdd"]["identity"]["id"]
    await walk.step("SendCode", {"identityId": identity}, token=client.key)
    proof = {"identityId": identity, "code": await mailbox.code()}
    proven = await walk.step("ProveAddress", proof, token=client.key)
    assert proven["identity"]["verification"] == "VERIFIED"
    assert walk.left == set()
