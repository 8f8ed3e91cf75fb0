"""docs/greetings.md, run as it stands: its curl commands, in their order, against the real application."""

import asyncio
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from services.voicemail.greetings.publisher import publish_once
from shared.greeting_targets import AnyGreetingTarget
from shared.models import Role, Situation
from tests.architecture.tree import ROOT
from tests.voicemail.greetings.conftest import Desk, SignIn
from tests.voicemail.greetings.voice import speech, wav

DOCUMENT = (ROOT / "docs/greetings.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)

pytestmark = [pytest.mark.usefixtures("always_open"), pytest.mark.timeout(120)]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("espeak-ng")), reason="needs curl and espeak-ng")
async def test_every_command_of_the_document_works(
    app: FastAPI,
    address: str,
    sign_in: SignIn,
    desk: Desk,
    tmp_path: Path,
) -> None:
    tokens = {}
    for name, role in (("TOKEN", Role.CSR2), ("SECOND", Role.SUPERVISOR)):
        tokens[name] = (await sign_in(role)).headers["Authorization"].removeprefix("Bearer ")
    await desk.slot("en", Situation.OPEN)
    work = tmp_path / "work"
    work.mkdir()
    for number, name in enumerate(("english", "spanish", "emergency", "second")):
        (work / f"{name}.wav").write_bytes(wav(speech(2.0, pitch=100 + 25 * number)))
    first, *rest = BLOCKS
    assert re.findall(r"^export (\w+)=", first, re.MULTILINE) == ["CENTER", "TOKEN"]
    script = "set -euo pipefail\n" + "\n".join(f"{block}\necho" for block in rest)
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, cwd=work, env={"PATH": os.environ["PATH"], "CENTER": address, "NO_PROXY": "*", **tokens},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, out[-2000:].decode() + err.decode()
    assert (work / "phone.wav").read_bytes()[:4] == (work / "mulaw.wav").read_bytes()[:4] == b"RIFF"
    done = {event.action for event in await desk.audited(
        "greeting.upload", "greeting.activate", "greeting.cancel", "greeting.roll_back", "greeting.approve",
    )}  # fmt: skip
    assert len(done) == 5
    await publish_once(desk.database, desk.settings, desk.blobs)
    client = await sign_in(Role.CSR2)
    (line,) = (await client.get("/api/v1/greetings")).json()
    assert [place["state"] for place in line["places"]] == ["live", "live"]


def test_the_settings_it_shows_are_valid() -> None:
    (block,) = re.findall(r"^```json\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    targets = TypeAdapter(list[AnyGreetingTarget]).validate_python(json.loads(block))
    assert [target.kind for target in targets] == ["asterisk", "freeswitch", "folder", "http"]


def test_every_door_of_the_api_is_in_the_document(app: FastAPI) -> None:
    described = set(re.findall(r"/api/v1/greetings[\w/${}-]*|…/\w+", DOCUMENT))
    plain = {re.sub(r"\$\w+|\{\w+\}", "7", each).rstrip("/") for each in described}
    for path in app.openapi()["paths"]:
        if path.startswith("/api/v1/greetings"):
            example = re.sub(r"\{\w+\}", "7", path)
            assert example in plain or f"…/{example.rpartition('/')[2]}" in plain or example.endswith("/7"), path
