"""Containers agree with the code: their settings exist, their extras exist, and they run without privileges."""

import asyncio
import os
import re
import tomllib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from shared import ready
from shared.settings import Settings
from tests.architecture.tree import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name: service for name, service in SERVICES.items() if "build" in service}
OWN_IMAGES = {service["image"] for service in BUILT.values() if "image" in service}
OURS = BUILT | {name: service for name, service in SERVICES.items() if service.get("image") in OWN_IMAGES}
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
EXAMPLE = (ROOT / ".env.example").read_text()
KNOWN = {f"CENTRALITA_{name.upper()}" for name in Settings.model_fields}
SETTING = re.compile(r"CENTRALITA_[A-Z0-9_]+")
# What a person fills in; the rest of .env.example has values that stand.
FILLED_IN = {"CENTRALITA_SECRET_KEY": "0123456789abcdef" * 4, "POSTGRES_PASSWORD": "one", "REDIS_PASSWORD": "two"}


def example_values(*, commented: bool) -> dict[str, str]:
    """The assignments of .env.example; `commented`: those that only show how it would be done as well."""
    text = re.sub(r"^#(?=[A-Z][A-Z0-9_]*=)", "", EXAMPLE, flags=re.MULTILINE) if commented else EXAMPLE
    found = dotenv_values(stream=StringIO(text), interpolate=True)
    assert found
    return {name: value or FILLED_IN.get(name, "") for name, value in found.items()}


def filled(text: str, values: dict[str, str]) -> str:
    """Compose's ${NAME}, ${NAME:-default} and ${NAME:?message}."""

    def value(match: re.Match[str]) -> str:
        name, default, required = match["name"], match["default"], match["required"]
        if values.get(name):
            return values[name]
        assert required is None, f"{name} is required and .env.example does not ask for it"
        return default or ""

    return re.sub(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?(?::\?(?P<required>[^}]*))?\}", value, text)


def settings_in(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> Settings:
    for name in os.environ:
        if name.startswith("CENTRALITA_"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(folder)  # no .env of the checkout
    return Settings()


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_gets_settings_that_are_valid(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = example_values(commented=False)
    environment = {key: filled(str(value), values) for key, value in OURS[name]["environment"].items()}
    if "env_file" in OURS[name]:
        environment = {**values, **environment}
    settings = settings_in(environment, monkeypatch, tmp_path)
    assert settings.database_url.get_secret_value() == "postgresql+asyncpg://centralita:one@postgres:5432/centralita"
    assert settings.redis_url.get_secret_value() == "redis://:two@valkey:6379/0"
    assert settings.environment == "production"
    assert settings.secure_cookies
    if name != "migrate":
        blobs = [volume for volume in OURS[name]["volumes"] if volume.endswith(f":{settings.blob_dir}")]
        assert len(blobs) == 1, "what it keeps lies in a volume"


def test_every_setting_is_in_the_example_and_works_as_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    values = example_values(commented=True)
    assert KNOWN - set(values) == set(), "not explained in .env.example"
    settings = settings_in(values, monkeypatch, tmp_path)
    assert settings.mailboxes[0].imap.security == "tls"
    assert settings.spools[0].languages["2000"] == "es"


def test_no_password_loses_a_part_to_compose() -> None:
    """Compose replaces `$…` and cuts ` #…` off in values of .env that are not in single quotes."""
    values = re.findall(r"^#?[A-Z][A-Z0-9_]*=(.*[\[{$#\"].*)$", EXAMPLE, re.MULTILINE)
    assert values
    assert [value for value in values if not re.fullmatch(r"'[^'\\]*'", value)] == []


def test_no_secret_comes_with_a_value() -> None:
    values = dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))
    assert {name for name in FILLED_IN if values[name]} == set()


@pytest.mark.parametrize("path", [ROOT / "compose.yaml", ROOT / ".env.example", *DOCKERFILES], ids=lambda p: p.name)
def test_no_setting_is_misspelt(path: Path) -> None:
    assert set(SETTING.findall(path.read_text())) - KNOWN == set()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_has_no_privileges_and_says_how_it_is(name: str) -> None:
    service = SERVICES[name]
    user = str(service["user"]).partition(":")[0]
    assert user.isdigit()
    assert user != "0"
    assert "privileged" not in service
    if name == "migrate":
        assert service["restart"] == "no"
    else:
        assert service["healthcheck"]["test"]
        assert service["restart"] == "unless-stopped"
    if name in OURS:
        assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), "only a proxy on this machine reaches it"


def test_everything_waits_for_the_migrations_and_nothing_for_itself() -> None:
    assert "depends_on" not in SERVICES["migrate"], "Podman starts nothing that depends on such a container"
    for name in OURS.keys() - {"migrate"}:
        assert OURS[name]["depends_on"] == {
            "postgres": {"condition": "service_healthy"},
            "migrate": {"condition": "service_completed_successfully"},
            "valkey": {"condition": "service_healthy"},
        }
    named = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert {name for name in named if re.fullmatch(r"\w+", name)} <= set(COMPOSE["volumes"])


def test_the_health_checks_ask_where_the_service_answers() -> None:
    # While the image makes the first database, its server answers on the socket only, and then stops.
    assert "-h" in SERVICES["postgres"]["healthcheck"]["test"]
    for name in OURS.keys() - {"migrate"}:
        command = OURS[name].get("command") or []
        port = command[command.index("--port") + 1] if "--port" in command else "8080"
        assert OURS[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "shared.ready", port]


def test_no_health_check_has_an_argument_with_blanks() -> None:
    """Podman splits them there when Docker Compose talks to it."""
    for service in SERVICES.values():
        kind, *arguments = service["healthcheck"].get("test") or ["CMD"]
        assert kind == "CMD-SHELL" or not [each for each in arguments if re.search(r"\s", each)]


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_the_health_check_says_what_the_service_says(
    status: int, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()).startswith(b"GET /readyz ")
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: 5\r\n\r\nparts".encode())
        await writer.drain()
        writer.close()

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await asyncio.to_thread(ready.main, [str(port)]) == code
    assert "parts" in capsys.readouterr().out
    assert ready.main([str(port)]) == 1, "nobody is there any more"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda p: p.name)
def test_a_dockerfile_installs_an_extra_that_exists_as_nobody_special(path: Path) -> None:
    text = path.read_text()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (wanted,) = re.findall(r"-c constraints\.txt '\.(?:\[(\w+)\])?'", text)
    assert wanted in {"", *extras}
    assert wanted in {"", path.name.partition(".")[0]}
    images = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert images
    assert all(re.fullmatch(r"docker\.io/\S+:\d+\.\d+\.\d+-\S+", image) for image in images), "pinned, for Podman too"
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    for module in re.findall(r'"-m", "([\w.]+)"', text):
        assert (ROOT / module.replace(".", "/") / "__main__.py").exists()
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for each in source.split():
            assert (ROOT / each).exists()


def test_images_are_pinned_and_every_dockerfile_is_used() -> None:
    images = [SERVICES[name]["image"] for name in SERVICES.keys() - OURS.keys()]
    assert images
    for image in images:
        assert re.fullmatch(r"docker\.io/[\w/]+:\d+\.\d+\S*", image), "pinned, and with the registry for Podman"
    used = [ROOT / service["build"]["dockerfile"] for service in BUILT.values()]
    assert sorted(used) == DOCKERFILES, "each is built once"
    for name in OURS.keys() - BUILT.keys():
        assert OURS[name]["pull_policy"] == "never", "no registry has it"
    modules = {" ".join(service["command"]) for service in OURS.values() if "command" in service}
    for command in modules:
        module = command.split()[command.split().index("-m") + 1]
        assert (ROOT / module.replace(".", "/") / "__main__.py").exists()
