"""Set-up by who has a shell on the machine: the first person, and the approval of the texts about safety."""

import argparse
import getpass
import sys

from sqlalchemy import select

from services.tickets import safety_texts, shell
from services.tickets.passwords import check_strength
from services.tickets.people import insert_person
from shared import audit
from shared.database import Database
from shared.errors import CentralitaError, NotFound
from shared.models import Person, Role
from shared.people import Actor
from shared.settings import Settings


async def add_person(
    database: Database,
    *,
    email: str,
    name: str,
    role: Role = Role.ADMINISTRATOR,
    password: str | None = None,
    ui_language: str = "en",
    capacity: int = 1,
) -> int:
    """The new person's id. Raises Invalid for a weak password or a bad address, Conflict for a known one."""
    if role is not Role.SERVICE:
        check_strength(password or "", email)
    async with database.transaction() as session:
        person = await insert_person(
            session, email=email, name=name, role=role, password=password, ui_language=ui_language, capacity=capacity
        )
        audit.record(
            session, None, "person.create", object_type="person", object_id=person.id,
            detail={"role": role.value, "email": person.email, "by": "command line"},
        )  # fmt: skip
        return person.id


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of `python -m services.tickets add-person`."""
    parser.add_argument("email")
    parser.add_argument("name")
    parser.add_argument("--role", choices=[role.value for role in Role], default=Role.ADMINISTRATOR.value)
    parser.add_argument("--language", choices=["en", "es"], default="en", help="of the screens")
    parser.add_argument("--capacity", type=int, default=1, help="open work at one time, in weight units")


def command(settings: Settings, options: argparse.Namespace) -> int:
    """Adds the person. The password is asked for, or read from standard input: never given on the command line."""
    role = Role(options.role)
    password = None
    if role is not Role.SERVICE:
        if sys.stdin.isatty():
            password = getpass.getpass("Password: ")
            if getpass.getpass("Again: ") != password:
                sys.stderr.write("The two are not the same.\n")
                return 1
        else:
            password = sys.stdin.readline().rstrip("\n")

    try:
        person_id = shell.run(
            settings,
            lambda database: add_person(
                database,
                email=options.email,
                name=options.name,
                role=role,
                password=password,
                ui_language=options.language,
                capacity=options.capacity,
            ),
        )
    except CentralitaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{options.email} is here, as {role.value} (number {person_id}).\n")
    return 0


def approve_safety_texts(settings: Settings, email: str) -> int:
    """A supervisor has read what came at set-up and approves it. Prints what they approve."""

    async def approve(database: Database) -> int:
        async with database.transaction() as session:
            person = await session.scalar(select(Person).where(Person.email == email.lower(), Person.active))
            if person is None:
                raise NotFound("There is nobody here with this address.")
            me = Actor(person.id, person.name, person.email, person.role)
            return await safety_texts.approve_from_setup(session, me)

    try:
        count = shell.run(settings, approve)
    except CentralitaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for key, pair in safety_texts.shipped().items():
        for language, text in pair.items():
            sys.stdout.write(f"== {key.value} ({language}): {text.subject}\n{text.body}\n\n")
    sys.stdout.write(f"{count} texts are approved now. Change them under /safety-texts.\n")
    return 0
