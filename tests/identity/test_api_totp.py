"""One-time codes of a device."""

import asyncio
from datetime import timedelta
from typing import Any

import pyotp
import pytest

from domain.base.actors import Permission
from tests.conftest import Client, StandingClock
from tests.identity.mails import Mailbox
from tests.identity.staff import PASSWORD, add_staff, codes, enter, sign_in
from tests.identity.test_api_registration import REQUEST, ask, reset

ENROL = """mutation($password: String!) { totpEnrol(input: { password: $password }) {
  secret uri userErrors { code } } }"""
CONFIRM = "mutation($otp: String!) { totpConfirm(input: { otp: $otp }) { recoveryCodes userErrors { code field } } }"
REMOVE = """mutation($input: TotpRemoveInput!) { totpRemove(input: $input) {
  isRemoved userErrors { code field } } }"""
EMAIL = "ada@shop.example"


async def send(client: Client, token: str, document: str, **values: Any) -> dict[str, Any]:  # noqa: ANN401
    """Send a mutation; return its payload."""
    (payload,) = (await client.ask(document, values, key=token)).data.values()
    assert isinstance(payload, dict)
    return payload


class Device:
    """Shows one-time codes."""

    def __init__(self, secret: str, clock: StandingClock) -> None:
        """Take the secret."""
        self._device = pyotp.TOTP(secret)
        self._clock = clock

    def shows(self, *, steps_off: int = 0) -> str:
        """Return what it shows, its clock so many steps of 30 seconds off."""
        return self._device.at(self._clock.now(), counter_offset=steps_off)


@pytest.fixture
async def token(client: Client) -> str:
    """Return the access token of a member of staff."""
    await add_staff(client.works, EMAIL)
    return str((await enter(client, EMAIL))["accessToken"])


@pytest.fixture
async def device(client: Client, token: str, clock: StandingClock) -> Device:
    """Return a device that was confirmed; its first code is used."""
    device = Device((await send(client, token, ENROL, password=PASSWORD))["secret"], clock)
    confirmed = await send(client, token, CONFIRM, otp=device.shows())
    assert len(set(confirmed["recoveryCodes"])) == 10
    clock.advance(timedelta(seconds=30))
    return device


async def test_a_device_is_taken_into_use(client: Client, token: str, clock: StandingClock) -> None:
    """The password once more, then a code that the device shows; until then nobody is asked for one."""
    assert codes(await send(client, token, CONFIRM, otp="123456")) == ["INVALID_STATE"]
    assert codes(await send(client, token, ENROL, password="wrong")) == ["BAD_CREDENTIALS"]
    enrolled = await send(client, token, ENROL, password=PASSWORD)
    assert enrolled["uri"].startswith("otpauth://totp/sportello:ada%40shop.example?")
    await enter(client, EMAIL)
    device = Device(enrolled["secret"], clock)
    assert codes(await send(client, token, CONFIRM, otp=device.shows(steps_off=3))) == ["CODE_INVALID"]
    assert codes(await send(client, token, CONFIRM, otp=device.shows())) == []
    assert codes(await send(client, token, CONFIRM, otp=device.shows(steps_off=1))) == ["INVALID_STATE"]
    assert codes(await send(client, token, ENROL, password=PASSWORD)) == ["INVALID_STATE"]
    assert codes(await sign_in(client, EMAIL)) == ["OTP_REQUIRED"]


async def test_a_code_counts_once(client: Client, device: Device, clock: StandingClock) -> None:
    """The right password and no code: OTP_REQUIRED; a wrong password says nothing of codes; none is replayed."""
    assert codes(await sign_in(client, EMAIL)) == ["OTP_REQUIRED"]
    assert codes(await sign_in(client, EMAIL, "wrong password")) == ["BAD_CREDENTIALS"]
    assert codes(await sign_in(client, EMAIL, "wrong password", otp=device.shows())) == ["BAD_CREDENTIALS"]
    code = device.shows()
    assert codes(await sign_in(client, EMAIL, otp=f" {code[:3]} {code[3:]}")) == []
    for otp in (code, "", "000000", "é" * 6, "\u0000"):
        assert codes(await sign_in(client, EMAIL, otp=otp)) == ["BAD_CREDENTIALS"], otp
    clock.advance(timedelta(seconds=30))
    assert codes(await sign_in(client, EMAIL, otp=device.shows())) == []


async def test_a_device_whose_clock_is_off(client: Client, device: Device, clock: StandingClock) -> None:
    """By one step it is let in, by two it is not; an older code than the last one never."""
    clock.advance(timedelta(seconds=60))
    assert codes(await sign_in(client, EMAIL, otp=device.shows(steps_off=2))) == ["BAD_CREDENTIALS"]
    assert codes(await sign_in(client, EMAIL, otp=device.shows(steps_off=-2))) == ["BAD_CREDENTIALS"]
    assert codes(await sign_in(client, EMAIL, otp=device.shows(steps_off=1))) == []
    assert codes(await sign_in(client, EMAIL, otp=device.shows())) == ["BAD_CREDENTIALS"]


async def test_one_code_lets_one_in(client: Client, device: Device) -> None:
    """Eight at once with the same code."""
    answers = await asyncio.gather(*(sign_in(client, EMAIL, otp=device.shows()) for _ in range(8)))
    assert sorted(codes(answer) for answer in answers) == [[]] + [["BAD_CREDENTIALS"]] * 7


async def test_a_lost_device(client: Client, token: str, clock: StandingClock) -> None:
    """A recovery code signs in once, and takes the device out of use with the password."""
    device = Device((await send(client, token, ENROL, password=PASSWORD))["secret"], clock)
    recovery = (await send(client, token, CONFIRM, otp=device.shows()))["recoveryCodes"]
    assert codes(await sign_in(client, EMAIL, otp=recovery[0].upper())) == []
    assert codes(await sign_in(client, EMAIL, otp=recovery[0])) == ["BAD_CREDENTIALS"]
    remove = {"password": PASSWORD, "otp": recovery[1]}
    assert codes(await send(client, token, REMOVE, input={**remove, "password": "wrong"})) == ["BAD_CREDENTIALS"]
    assert codes(await send(client, token, REMOVE, input={**remove, "otp": recovery[0]})) == ["CODE_INVALID"]
    assert await send(client, token, REMOVE, input=remove) == {"isRemoved": True, "userErrors": []}
    assert codes(await send(client, token, REMOVE, input={**remove, "otp": recovery[2]})) == ["INVALID_STATE"]
    await enter(client, EMAIL)


async def test_a_mailbox_alone_sets_no_password(client: Client, device: Device) -> None:
    """Who has the code from the mail needs one of the device too; wrong ones end the mail's code."""
    mailbox = Mailbox(client.works)
    await ask(client, REQUEST, {"email": EMAIL})
    code = await mailbox.code()
    assert codes(await reset(client, code, EMAIL)) == ["OTP_REQUIRED"]
    for _ in range(4):
        assert codes(await reset(client, code, EMAIL, otp="000000")) == ["CODE_INVALID"]
    assert codes(await reset(client, code, EMAIL, otp=device.shows())) == []
    await ask(client, REQUEST, {"email": EMAIL})
    code = await mailbox.code()
    for _ in range(5):
        assert codes(await reset(client, code, EMAIL, otp="000000")) == ["CODE_INVALID"]
    assert codes(await reset(client, code, EMAIL, otp=device.shows(steps_off=1))) == ["CODE_INVALID"]


async def test_only_staff_use_devices(client: Client) -> None:
    """Each for themselves; a program and nobody are refused."""
    key = await client.new_key(*Permission)
    for query, values in (
        (ENROL, {"password": "x"}),
        (CONFIRM, {"otp": "1"}),
        (REMOVE, {"input": {"password": "x", "otp": "1"}}),
    ):
        assert (await client.ask(query, values, key=key)).codes == ["FORBIDDEN"]
    client.key = None
    assert (await client.ask(ENROL, {"password": "x"})).codes == ["UNAUTHENTICATED"]
