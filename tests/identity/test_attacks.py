"""Ways round what slows guessing down, and what is left of it in logs."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.app import create_app
from api.serving import new_server
from api.settings import Settings
from domain.base.actors import ANONYMOUS, Caller
from domain.base.passwords import compare_password, hash_password
from domain.base.work import Works
from domain.identity.actions import codes as codes_actions
from domain.identity.actions.throttles import by_address
from domain.identity.rules import CODES_FROM_ADDRESS, MAILS_TO_ADDRESS
from schema.base.budgets import caller_of
from tests.conftest import Client
from tests.identity.staff import codes
from tests.identity.test_api_registration import register

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])


def counted_for(address: str) -> str:
    """Return under what attempts from an address are counted."""
    (found,) = by_address(Caller(ANONYMOUS, address), sort="test", limit=CODES_FROM_ADDRESS)
    return found.key


def test_many_addresses_of_one_network_are_one_caller() -> None:
    """Who has one address of IPv6 has a quintillion: guesses and mails are counted by the network."""
    assert counted_for("2001:db8::1") == counted_for("2001:db8::ffff:1")
    assert counted_for("2001:db8::1") != counted_for("2001:db8:0:1::1")
    assert counted_for("192.0.2.1") == counted_for("::ffff:192.0.2.1") != counted_for("192.0.2.2")


def test_callers_of_ipv4_on_a_socket_for_both_do_not_share_a_budget() -> None:
    """Their addresses look like ones of a single network: one of them would use up what all may ask."""
    assert caller_of(ANONYMOUS, "::ffff:192.0.2.1") != caller_of(ANONYMOUS, "::ffff:192.0.2.2")
    assert caller_of(ANONYMOUS, "::ffff:192.0.2.1") == caller_of(ANONYMOUS, "192.0.2.1")
    assert caller_of(ANONYMOUS, "2001:db8::1") == caller_of(ANONYMOUS, "2001:db8::2")
    assert caller_of(ANONYMOUS, None) == caller_of(ANONYMOUS, "")


@SQLITE_ONLY
async def test_a_refused_registration_costs_no_hash(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash takes a core for a while: who is over the limit gets none, or others could not sign in meanwhile."""
    hashed: list[str] = []

    async def counting(password: str) -> str:
        hashed.append(password)
        return await hash_password(password)

    monkeypatch.setattr(codes_actions, "hash_password", counting)
    answers = [codes(await register(client)) for _ in range(MAILS_TO_ADDRESS.attempts_max + 3)]
    assert answers == [[]] * MAILS_TO_ADDRESS.attempts_max + [["RATE_LIMITED"]] * 3
    assert len(hashed) == MAILS_TO_ADDRESS.attempts_max


async def test_a_hash_is_of_the_spelling_that_is_compared() -> None:
    """Renewed at a sign-in, it is made of what was typed; some keyboards send letters in two parts."""
    known_hash = await hash_password("cafe\u0301 au lait")
    for typed in ("cafe\u0301 au lait", "caf\u00e9 au lait"):
        assert (await compare_password(typed, with_hash=known_hash)).is_right


async def test_errors_of_the_database_quote_nobody(works: Works) -> None:
    """They end in the log: values that were sent along stay out of it."""
    async with works.database.writing() as session:
        with pytest.raises(DBAPIError) as raised:
            await session.execute(text("SELECT :email FROM missing"), {"email": "ada@example.org"})
    assert "ada@example.org" not in str(raised.value)
    async with works.database.reading() as session:
        with pytest.raises(DBAPIError) as raised:
            await session.execute(text("SELECT :email FROM missing"), {"email": "ada@example.org"})
    assert "ada@example.org" not in str(raised.value)


@SQLITE_ONLY
async def test_only_the_settings_say_whose_forwarded_address_is_believed(works: Works) -> None:
    """By itself uvicorn believes whoever asks from this machine, such as a tunnel: guesses would not be counted."""
    settings = Settings(_env_file=None)
    server = new_server(create_app(settings, works=works), settings, host="127.0.0.1", port=0)
    assert not server.config.proxy_headers
