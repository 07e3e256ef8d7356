"""Shoppers who register themselves, and passwords that were forgotten."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from domain.base.actors import StaffRole
from domain.identity.actions.codes import MailKind
from domain.identity.rules import CODE_ATTEMPTS_MAX, CODES_FROM_ADDRESS, MAILS_TO_ADDRESS
from tests.conftest import Client, StandingClock
from tests.identity.mails import Mailbox
from tests.identity.staff import PASSWORD, add_staff, codes, enter, is_let_in, refresh, revoke, sign_in
from tests.snapshots import snapshot

REGISTER = """
mutation($input: CustomerRegisterInput!) { customerRegister(input: $input) {
  verificationSent userErrors { code field message } } }
"""
CONFIRM = """
mutation($input: CustomerRegisterConfirmInput!) { customerRegisterConfirm(input: $input) {
  session { id accessToken refreshToken
    viewer { kind permissions customer { id displayName email locale } staffMember { name } } }
  userErrors { code field } } }
"""
REQUEST = """
mutation($email: EmailAddress!) { passwordResetRequest(input: { email: $email }) {
  resetSent userErrors { code field } } }
"""
RESET = """
mutation($input: PasswordResetInput!) { passwordReset(input: $input) {
  session { id accessToken viewer { kind } } userErrors { code field } } }
"""
ME = "{ me { id displayName email } viewer { kind customer { id } } }"
EMAIL = "ada@example.org"
NEW_PASSWORD = "another horse battery"  # noqa: S105  opens nothing


@pytest.fixture
def mailbox(client: Client) -> Mailbox:
    """Return where the mails go."""
    return Mailbox(client.works)


async def ask(client: Client, document: str, values: dict[str, Any]) -> dict[str, Any]:
    """Send a mutation as nobody in particular; return its payload."""
    key, client.key = client.key, None
    (payload,) = (await client.ask(document, values)).data.values()
    client.key = key
    assert isinstance(payload, dict)
    return payload


async def register(client: Client, email: str = EMAIL, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Begin a registration."""
    said = {"email": email, "password": PASSWORD, "givenName": "Ada", "familyName": "Byron", "locale": "it-IT"}
    return await ask(client, REGISTER, {"input": {**said, **more}})


async def confirm(client: Client, code: str, email: str = EMAIL) -> dict[str, Any]:
    """Finish a registration."""
    return await ask(client, CONFIRM, {"input": {"email": email, "code": code}})


async def reset(client: Client, code: str, email: str = EMAIL, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Set a new password."""
    return await ask(client, RESET, {"input": {"email": email, "code": code, "newPassword": NEW_PASSWORD, **more}})


async def enrolled(client: Client, mailbox: Mailbox, email: str = EMAIL) -> dict[str, Any]:
    """Register somebody; return the session."""
    assert (await register(client, email))["verificationSent"]
    payload = await confirm(client, await mailbox.code(), email)
    assert payload["userErrors"] == []
    session: dict[str, Any] = payload["session"]
    return session


async def test_a_shopper_registers_and_comes_back(client: Client, mailbox: Mailbox) -> None:
    """The code from the mail makes a customer with a verified address, and signs in; then the password does."""
    assert await register(client) == {"verificationSent": True, "userErrors": []}
    (mail,) = await mailbox.empty()
    assert (mail.kind, mail.address, mail.locale) == (MailKind.REGISTRATION, EMAIL, "it-IT")
    session = (await confirm(client, f" {mail.code[:4]} {mail.code[4:]} ", "ADA@example.org"))["session"]
    customer = {"displayName": "Ada Byron", "email": EMAIL, "locale": "it-IT"}
    shown = session["viewer"]
    assert shown["customer"] == {"id": shown["customer"]["id"], **customer}
    assert (shown["kind"], shown["permissions"], shown["staffMember"]) == ("CUSTOMER", [], None)
    me = (await client.ask(ME, key=session["accessToken"])).data
    assert me["me"]["id"] == me["viewer"]["customer"]["id"] == shown["customer"]["id"]
    again = await enter(client, "Ada@Example.org")
    assert (await client.ask(ME, key=again["accessToken"])).data["me"]["id"] == shown["customer"]["id"]
    assert (await client.ask(ME)).data == {"me": None, "viewer": {"kind": "APP", "customer": None}}
    found = await client.ask('{ customerByIdentity(kind: EMAIL, value: "ada@example.org") { id } }')
    assert found.data["customerByIdentity"]["id"] == shown["customer"]["id"]


async def test_a_code_counts_once(client: Client, mailbox: Mailbox) -> None:
    """Twenty at once make one account; afterwards it is wrong, as is one that was never sent."""
    await register(client)
    code = await mailbox.code()
    answers = await asyncio.gather(*(confirm(client, code) for _ in range(20)))
    assert sorted(codes(answer) for answer in answers) == [[]] + [["CODE_INVALID"]] * 19
    assert codes(await confirm(client, code)) == ["CODE_INVALID"]
    async with client.works.database.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM accounts"))).scalar_one() == 1
        assert (await session.execute(text("SELECT count(*) FROM mailed_codes"))).scalar_one() == 0


async def test_five_wrong_codes_end_it(client: Client, mailbox: Mailbox) -> None:
    """Also at once: what was tried is counted before it is refused. A new mail begins anew."""
    await register(client)
    code = await mailbox.code()
    wrong = f"{(int(code) + 1) % 10**8:08}"
    answers = await asyncio.gather(*(confirm(client, wrong) for _ in range(CODE_ATTEMPTS_MAX)))
    assert [codes(answer) for answer in answers] == [["CODE_INVALID"]] * CODE_ATTEMPTS_MAX
    assert codes(await confirm(client, code)) == ["CODE_INVALID"]
    await register(client)
    assert codes(await confirm(client, await mailbox.code())) == []


async def test_a_code_ends_after_a_quarter_of_an_hour(client: Client, mailbox: Mailbox, clock: StandingClock) -> None:
    """Counted from when the mail went out; a mail that could not go for an hour does not go any more."""
    await register(client)
    clock.advance(timedelta(minutes=59))
    code = await mailbox.code()
    clock.advance(timedelta(minutes=14, seconds=59))
    await register(client, "bob@example.org")
    assert codes(await confirm(client, code)) == []
    bobs = await mailbox.code()
    clock.advance(timedelta(minutes=15))
    assert codes(await confirm(client, bobs, "bob@example.org")) == ["CODE_INVALID"]
    await register(client, "cleo@example.org")
    clock.advance(timedelta(hours=1))
    assert await mailbox.empty() == []


async def test_a_known_address_gets_the_same_answer(client: Client, mailbox: Mailbox) -> None:
    """Shopper, staff or nobody: one answer, the same rows and work; only the mail tells its owner."""
    await enrolled(client, mailbox)
    await add_staff(client.works, "agent@shop.example")
    mails = {}
    for email in (EMAIL, "agent@shop.example", "new@example.org"):
        before = await snapshot(client.works)
        assert await register(client, email) == {"verificationSent": True, "userErrors": []}
        after = await snapshot(client.works)
        assert {name for name in after if after[name] != before[name]} == CHANGED_BY_REQUEST
        (mail,) = await mailbox.empty()
        mails[email] = mail.kind, bool(mail.code)
    assert mails == {
        EMAIL: (MailKind.ALREADY_REGISTERED, False),
        "agent@shop.example": (MailKind.ALREADY_REGISTERED, False),
        "new@example.org": (MailKind.REGISTRATION, True),
    }
    for email in (EMAIL, "new@example.org"):
        assert await ask(client, REQUEST, {"email": email}) == {"resetSent": True, "userErrors": []}
        assert len(await mailbox.empty()) == (1 if email == EMAIL else 0)


CHANGED_BY_REQUEST = {"audit_entries", "jobs", "mailed_codes", "throttles"}


async def test_whoever_has_the_mailbox_is_the_customer_of_it(client: Client, mailbox: Mailbox) -> None:
    """By the rules for buyers: the address of a profile joins it; that of a guest's order does not."""
    document = "mutation($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }"
    known = {"email": EMAIL, "externalId": "c-1", "givenName": "Augusta"}
    made = (await client.ask(document, {"input": known})).data["customerCreate"]["customer"]["id"]
    session = await enrolled(client, mailbox)
    assert session["viewer"]["customer"]["id"] == made
    assert session["viewer"]["customer"]["displayName"] == "Augusta"


async def test_an_absorbed_customer_acts_as_the_one_who_absorbed_them(
    client: Client, mailbox: Mailbox, clock: StandingClock
) -> None:
    """Signed in before the merge or after it; taken apart, they are themselves again."""
    ada = await enrolled(client, mailbox)
    eve = await enrolled(client, mailbox, "eve@example.org")
    pair = {"survivorId": eve["viewer"]["customer"]["id"], "absorbedId": ada["viewer"]["customer"]["id"]}
    merge = "mutation($input: CustomerMergeInput!) { customerMerge(input: $input) { merge { id } } }"
    merged = (await client.ask(merge, {"input": pair})).data["customerMerge"]["merge"]["id"]
    clock.advance(timedelta(seconds=2))
    later = await enter(client, EMAIL)
    assert later["viewer"]["customer"]["id"] == pair["survivorId"]
    for token in (ada["accessToken"], later["accessToken"]):
        assert (await client.ask(ME, key=token)).data["me"]["id"] == pair["survivorId"]
    unmerge = "mutation($id: ID!) { customerUnmerge(input: {mergeId: $id}) { userErrors { code } } }"
    await client.ask(unmerge, {"id": merged})
    clock.advance(timedelta(seconds=2))
    assert (await client.ask(ME, key=later["accessToken"])).data["me"]["id"] == pair["absorbedId"]


@pytest.mark.parametrize("way", ["everywhere", "reset"])
async def test_everywhere_is_with_every_record_of_theirs(
    client: Client, mailbox: Mailbox, clock: StandingClock, way: str
) -> None:
    """A thief who signed in by the account of an absorbed record goes as well; a stranger stays."""
    ada, eve, bob = [await enrolled(client, mailbox, f"{name}@example.org") for name in ("ada", "eve", "bob")]
    pair = {"survivorId": eve["viewer"]["customer"]["id"], "absorbedId": ada["viewer"]["customer"]["id"]}
    merge = "mutation($input: CustomerMergeInput!) { customerMerge(input: $input) { merge { id } } }"
    await client.ask(merge, {"input": pair})
    clock.advance(timedelta(seconds=2))
    if way == "everywhere":
        assert (await revoke(client, eve["accessToken"], everywhere=True))["revokedCount"] == 2
    else:
        await ask(client, REQUEST, {"email": "eve@example.org"})
        done = await reset(client, await mailbox.code(), "eve@example.org")
        assert await is_let_in(client, done["session"]["accessToken"])
    clock.advance(timedelta(seconds=2))
    assert [await is_let_in(client, each["accessToken"]) for each in (ada, eve, bob)] == [False, False, True]
    assert codes(await refresh(client, ada["refreshToken"])) == ["BAD_CREDENTIALS"]


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"email": "nobody"}, "INVALID", ["email"]),
        ({"email": "noreply@example.org"}, "INVALID", ["email"]),
        ({"email": "x@guest.booking.com"}, "INVALID", ["email"]),
        ({"password": "seven77"}, "INVALID", ["password"]),
        ({"password": "x" * 257}, "TOO_LONG", ["password"]),
        ({"givenName": "x" * 201}, "TOO_LONG", ["givenName"]),
        ({"familyName": "a\u0000b"}, "INVALID", ["familyName"]),
        ({"locale": "xx-XX"}, "INVALID", ["locale"]),
    ],
)
async def test_bad_input_is_refused_and_changes_nothing(
    client: Client, said: dict[str, Any], code: str, field: list[str]
) -> None:
    """Each with its code and field."""
    before = await snapshot(client.works)
    refused = await register(client, **said)
    assert refused["verificationSent"] is None
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [(code, field)]
    assert await snapshot(client.works) == before


async def test_no_mailbox_is_flooded(client: Client, mailbox: Mailbox, clock: StandingClock) -> None:
    """Five mails in an hour, known address or not, whatever they are for."""
    await enrolled(client, mailbox)
    for _ in range(MAILS_TO_ADDRESS.attempts_max - 1):
        assert codes(await ask(client, REQUEST, {"email": EMAIL})) == []
    assert codes(await register(client)) == ["RATE_LIMITED"]
    assert codes(await ask(client, REQUEST, {"email": "ADA@example.org"})) == ["RATE_LIMITED"]
    clock.advance(timedelta(hours=1))
    assert codes(await register(client)) == []


async def test_codes_are_not_guessed_from_one_address(client: Client) -> None:
    """Whatever mail they are for."""
    for number in range(CODES_FROM_ADDRESS.attempts_max):
        assert codes(await confirm(client, "00000000", f"a{number}@example.org")) == ["CODE_INVALID"]
    assert codes(await confirm(client, "00000000", "z@example.org")) == ["RATE_LIMITED"]
    assert codes(await reset(client, "00000000")) == ["RATE_LIMITED"]


async def test_a_new_password_ends_all_sessions(client: Client, mailbox: Mailbox, clock: StandingClock) -> None:
    """The code signs in; old tokens and the old password open nothing; locked out before, they are in again."""
    old = await enrolled(client, mailbox)
    for _ in range(10):
        await sign_in(client, EMAIL, "wrong password")
    assert codes(await sign_in(client, EMAIL)) == ["RATE_LIMITED"]
    assert await ask(client, REQUEST, {"email": EMAIL}) == {"resetSent": True, "userErrors": []}
    code = await mailbox.code()
    assert codes(await reset(client, "00000000" if code != "00000000" else "1")) == ["CODE_INVALID"]
    done = await reset(client, code)
    assert done["session"]["viewer"] == {"kind": "CUSTOMER"}
    clock.advance(timedelta(seconds=2))
    assert await is_let_in(client, done["session"]["accessToken"])
    assert not await is_let_in(client, old["accessToken"])
    assert codes(await refresh(client, old["refreshToken"])) == ["BAD_CREDENTIALS"]
    assert codes(await sign_in(client, EMAIL)) == ["BAD_CREDENTIALS"]
    await enter(client, EMAIL, NEW_PASSWORD)
    assert codes(await reset(client, code)) == ["CODE_INVALID"]


async def test_staff_reset_theirs_with_a_longer_one(client: Client, mailbox: Mailbox) -> None:
    """A password that is long enough for shoppers is refused without using the code up."""
    await add_staff(client.works, "agent@shop.example", role=StaffRole.AGENT, languages=("es",))
    await ask(client, REQUEST, {"email": "agent@shop.example"})
    (mail,) = await mailbox.empty()
    assert (mail.kind, mail.locale) == (MailKind.PASSWORD_RESET, "es")
    short = await reset(client, mail.code, "agent@shop.example", newPassword="eleven char")
    assert short == {"session": None, "userErrors": [{"code": "INVALID", "field": ["newPassword"]}]}
    done = await reset(client, mail.code, "agent@shop.example")
    assert done["session"]["viewer"] == {"kind": "STAFF"}


async def test_codes_for_one_thing_are_none_for_another(client: Client, mailbox: Mailbox) -> None:
    """A code for a new password registers nobody, and the other way round; nor is it another address's."""
    await enrolled(client, mailbox)
    await ask(client, REQUEST, {"email": EMAIL})
    code = await mailbox.code()
    assert codes(await confirm(client, code)) == ["CODE_INVALID"]
    assert codes(await reset(client, code, "eve@example.org")) == ["CODE_INVALID"]
    assert codes(await reset(client, code)) == []


async def test_a_shopper_stays_signed_in_while_they_come_back(
    client: Client, mailbox: Mailbox, clock: StandingClock
) -> None:
    """Thirty days after the last refresh the session is over."""
    session = await enrolled(client, mailbox)
    for _ in range(2):
        clock.advance(timedelta(days=29, hours=23))
        session = (await refresh(client, session["refreshToken"]))["session"]
        assert await is_let_in(client, session["accessToken"])
    clock.advance(timedelta(days=30))
    assert codes(await refresh(client, session["refreshToken"])) == ["BAD_CREDENTIALS"]


async def test_nothing_secret_is_kept(client: Client, mailbox: Mailbox) -> None:
    """Neither a password nor a code stands anywhere in the database; a job holds no address."""
    await register(client)
    async with client.works.database.reading() as reading:
        jobs = str((await reading.execute(text("SELECT * FROM jobs"))).all())
    assert EMAIL not in jobs
    code = await mailbox.code()
    async with client.works.database.reading() as reading:
        for table in ("mailed_codes", "jobs", "events", "audit_entries", "throttles"):
            rows = str((await reading.execute(text(f"SELECT * FROM {table}"))).all())
            assert PASSWORD not in rows
            assert code not in rows, table


async def test_a_shared_address_makes_a_customer_of_ones_own(client: Client, mailbox: Mailbox) -> None:
    """Several use it: nobody is recognised by it, but who reads its mail may have an account."""
    document = "mutation($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }"
    adding = (
        """mutation($input: CustomerIdentityAddInput!) { customerIdentityAdd(input: $input) { identity { id } } }"""
    )
    other = (await client.ask(document, {"input": {"givenName": "Eve"}})).data["customerCreate"]["customer"]["id"]
    await client.ask(adding, {"input": {"customerId": other, "kind": "EMAIL", "value": EMAIL, "isShared": True}})
    await register(client, givenName=None, familyName=None, locale=None)
    session = (await confirm(client, await mailbox.code()))["session"]
    me = (await client.ask(ME, key=session["accessToken"])).data["me"]
    assert (me["id"] != other, me["email"]) == (True, EMAIL)


async def test_a_language_that_is_known_stays(client: Client, mailbox: Mailbox) -> None:
    """What staff noted is not overwritten by what a form says."""
    document = "mutation($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }"
    await client.ask(document, {"input": {"email": EMAIL, "locale": "de-DE"}})
    assert (await enrolled(client, mailbox))["viewer"]["customer"]["locale"] == "de-DE"


async def test_the_password_of_a_stranger_is_never_confirmed(client: Client, mailbox: Mailbox) -> None:
    """Two places register one address at once: whichever code comes back, neither password opens the account.

    Twice from one place, as somebody does who waits for a mail, the password of the code counts.
    """
    await register(client)
    own_code = await mailbox.code()
    transport = httpx.ASGITransport(app=client.http._transport.app, client=("203.0.113.9", 5))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        stranger = Client(http, client.works)
        await register(stranger, password="the password of a stranger")
    await mailbox.code()
    confirmed = await confirm(client, own_code)
    assert confirmed["userErrors"] == []
    assert confirmed["session"]["viewer"]["customer"]["email"] == EMAIL
    for password in (PASSWORD, "the password of a stranger"):
        assert codes(await sign_in(client, EMAIL, password)) == ["BAD_CREDENTIALS"]
    await register(client, email="eva@example.org")
    await mailbox.code()
    await register(client, email="eva@example.org")
    await confirm(client, await mailbox.code(), email="eva@example.org")
    await enter(client, "eva@example.org")
