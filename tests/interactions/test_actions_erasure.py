"""Erasing somebody who talked to the shop: nothing of it is left, whoever talks at that moment."""

import asyncio

import pytest
from sqlalchemy import select

from domain.base.actors import SYSTEM
from domain.base.errors import Refusal
from domain.base.work import Works
from domain.customers.actions.erasure import erase_customer
from domain.customers.rules.identities import IdentityKind
from domain.interactions.model import Interaction
from domain.interactions.rules.channels import Contact
from tests.customers.test_erasure_traces import rows_with
from tests.interactions.mail import BOB, Post, know, open_post
from tests.orders.shop import nothing_changes

ROUNDS = 4
QUIXO = Contact(kind=IdentityKind.EMAIL, value="quixo@mail.example", name="Quixo")


@pytest.fixture
async def post(works: Works) -> Post:
    """Return a shop that is written to."""
    return await open_post(works)


async def erase(post: Post) -> None:
    """Erase the shopper."""
    customer_id = post.chat.shopper.id
    await post.works.perform(
        lambda work: erase_customer(work, customer_id=customer_id), actor=SYSTEM, action="customerErase"
    )


async def test_what_came_in_before_the_sign_was_proven_goes_too(post: Post) -> None:
    """Nobody was recognised in it, but it is theirs; what another one wrote stays."""
    await post.receive("quixo was here", sign=QUIXO, subject="Of quixo", thread_key="quixo")
    kept = await post.receive("mine", sign=BOB)
    await know(post.works, post.chat.shopper, QUIXO)
    assert len(await rows_with(post.works, ["quixo"])) > 4
    await erase(post)
    assert await rows_with(post.works, ["quixo"]) == []
    assert (await post.message(kept)).text == "mine"


@pytest.mark.parametrize("how", ["claimed", "shared"])
async def test_a_claim_takes_nothing_of_somebody_else_away(post: Post, how: str) -> None:
    """Whoever says that an address is theirs, and is erased, leaves the words of whoever wrote from there."""
    message = await post.receive("mine", sign=BOB)
    await know(post.works, post.chat.shopper, BOB, is_verified=how == "shared", is_shared=how == "shared")
    await erase(post)
    assert (await post.message(message)).text == "mine"
    assert (await post.conversation_of(message)).contact_value == BOB.value


async def test_what_was_erased_does_not_come_in_again(post: Post) -> None:
    """A server that tells its message once more, of whom nothing is left, is answered as before."""
    await know(post.works, post.chat.shopper, QUIXO)
    message = await post.receive("quixo", sign=QUIXO, external_id="quixo-1")
    await erase(post)
    async with nothing_changes(post.works, without=["audit_entries"]):
        assert await post.receive("quixo", sign=QUIXO, external_id="quixo-1") == message
    assert await rows_with(post.works, ["quixo"]) == []
    again = await post.conversation_of(await post.receive("a new one", sign=QUIXO))
    assert (again.customer_id, len(await post.conversations())) == (None, 2)


async def test_a_person_may_be_erased_twice(post: Post) -> None:
    """The second time there is nothing; the numbers of what was said stay without a hole."""
    key = await post.chat.start("quixo", subject="quixo")
    await post.chat.say(key, "Dear quixo", by=post.chat.agent)
    await post.chat.note(key, "quixo is loud", by=post.chat.agent)
    for _ in range(2):
        await erase(post)
    rows = await post.chat.interactions(key)
    assert [(row.seq, row.text) for row in rows] == [(number, None) for number in range(1, 5)]
    assert {row.author_id for row in rows if row.author_kind == "CUSTOMER"} == {None}
    assert await rows_with(post.works, ["quixo"]) == []


async def test_whoever_talks_while_they_are_erased_leaves_nothing(post: Post) -> None:
    """A message, a new conversation, a reply and an e-mail at the same time: in the end nothing of it is theirs."""
    await know(post.works, post.chat.shopper, QUIXO)
    key = await post.chat.start("quixo")
    mailed = (await post.message(await post.receive("quixo", sign=QUIXO))).conversation_id

    async def attempt(number: int) -> None:
        for write in (
            post.chat.say(key, f"quixo {number}", by=post.chat.shopper),
            post.chat.start(f"quixo {number}"),
            post.chat.start(f"quixo {number}", by=post.chat.agent, customer_id=post.chat.shopper.id),
        ):
            try:
                await write
            except Refusal:
                continue

    await asyncio.gather(
        *(attempt(number) for number in range(ROUNDS)),
        *(post.receive(f"mail {number}", sign=QUIXO) for number in range(ROUNDS)),
        erase(post),
    )
    async with post.works.database.reading() as session:
        texts = set(
            await session.scalars(select(Interaction.text).where(Interaction.conversation_id.in_([key, mailed])))
        )
    assert texts == {None}
    conversations = await post.conversations()
    assert {each.customer_id for each in conversations} == {None}
    left = [row for each in conversations for row in await post.chat.interactions(each.id) if row.text is not None]
    assert all(row.text.startswith("mail ") for row in left), "said by nobody who is known, after the erasure"
