"""`sportello staff`: letting somebody in who can let in the others."""

import sys
from typing import Annotated

import typer

from api import migrations
from api.lock import hold
from api.terminal import print_line, read_settings, run_story, told
from domain.base.actors import SYSTEM, StaffRole
from domain.base.passwords import hash_password
from domain.base.work import Works
from domain.identity.actions.staff import create_staff_member
from domain.identity.rules import StaffDetails, check_staff_password

commands = typer.Typer(help="Who works here.", no_args_is_help=True)


@commands.callback()
def together() -> None:
    """Let the command keep its name while there is only one."""


@commands.command("create")
def create(
    email: Annotated[str, typer.Argument(help="The address with which they sign in.")],
    name: Annotated[str, typer.Option(help="Their full name; shoppers see its first word.")],
    role: Annotated[StaffRole, typer.Option(case_sensitive=False, help="What they may do.")] = StaffRole.ADMIN,
    store: Annotated[
        list[str] | None, typer.Option(help="The code of a store that they see, repeated; left out: every store.")
    ] = None,
) -> None:
    """Let somebody sign in as a member of staff. The password is asked for, or read from standard input."""
    settings = read_settings()
    details = StaffDetails(email=email, name=name, role=role, store_codes=store or ())
    with told(), hold(settings.sqlite_path):
        password = check_staff_password(_read_password())
        migrations.upgrade(settings.async_url)

        async def story(works: Works) -> None:
            password_hash = await hash_password(password)
            await works.perform(
                lambda work: create_staff_member(work, details=details, password_hash=password_hash),
                actor=SYSTEM,
                action="staffMemberCreate",
            )

        run_story(settings, story)
    print_line(f"{email} signs in as {role}.")


def _read_password() -> str:
    """Read it where nobody looks over one's shoulder: arguments stand in the list of processes."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
