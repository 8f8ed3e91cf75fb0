"""A machine listens to new versions: the right language is required, all else is advice, and it may be missing."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import time_machine
from numpy.typing import NDArray

from services.voicemail import intake
from services.voicemail import repository as queue
from services.voicemail.engine import EngineFailed, Heard, Model, NoWeights
from services.voicemail.greetings import listening, scripts, spoken
from services.voicemail.greetings.listening import Listening
from services.voicemail.greetings.rules import Obstacle
from shared import clock
from shared.models import (
    GreetingCheck,
    GreetingCheckState,
    GreetingVersion,
    Recording,
    RecordingState,
    Situation,
)
from shared.settings import Settings
from tests.voicemail.conftest import new_recording
from tests.voicemail.greetings.conftest import Desk
from tests.voicemail.greetings.test_publisher import go, problems

ENGLISH = "If you smell gas hang up and call nine one one then the utility at 1 800 743 5000 your message is recorded"
SPANISH = "Si huele a gas cuelgue y llame al nueve uno uno y después a la compañía su mensaje se grabará"


def heard(text: str, language: str, confidence: float = 0.97, **more: Any) -> Heard:
    return Heard(text, language, confidence, {}, more.get("segments", []), [], more.get("flags", []), {})


class TestJudgement:
    def test_the_other_language_is_surely_wrong(self, settings: Settings) -> None:
        assert spoken.judge(heard(ENGLISH, "en"), "es", "", settings).wrong_language
        assert spoken.judge(heard(SPANISH, "es"), "en", "", settings).wrong_language

    @pytest.mark.parametrize(
        "doubtful",
        [
            heard(ENGLISH, "en", 0.6),
            heard(SPANISH, "en"),  # heard as English, in Spanish words: who knows
            heard("Gracias", "en"),
            heard(ENGLISH, "mixed"),
            heard("", "unknown", 0.2),
        ],
        ids=["unsure", "words of the right one", "too short", "mixed", "nothing"],
    )
    def test_a_doubt_forbids_nothing_and_is_told(self, settings: Settings, doubtful: Heard) -> None:
        judged = spoken.judge(doubtful, "es", "", settings)
        assert not judged.wrong_language
        assert judged.remarks

    def test_what_was_not_said_is_remarked(self, settings: Settings) -> None:
        script = scripts.suggestion("en", Situation.OPEN, settings)
        said = script.replace("9-1-1", "").replace("-", " ")
        messages = [each.message for each in spoken.judge(heard(said, "en"), "en", script, settings).remarks]
        assert messages == ["To call 9-1-1 in an emergency was not heard."]
        half = spoken.judge(heard(script[: len(script) // 2], "en"), "en", script, settings)
        assert any("of the script was heard" in each.message for each in half.remarks)

    @pytest.mark.parametrize("language", ["en", "es"])
    def test_the_proposed_wording_read_as_it_is_has_no_remarks(self, settings: Settings, language: str) -> None:
        script = scripts.suggestion(language, Situation.AFTER_HOURS, settings)
        spelled = script.replace("9-1-1", {"en": "nine one one", "es": "nueve uno uno"}[language])
        for said in (script, spelled):
            judged = spoken.judge(heard(said, language), language, script, settings)
            assert (judged.wrong_language, judged.remarks) == (False, [])


class Recogniser:
    """An Engine that hears what it is told to."""

    def __init__(self, answer: Heard | Exception) -> None:
        self.answer = answer

    async def ready(self) -> Model:
        if isinstance(self.answer, NoWeights):
            raise self.answer
        return Model("test", "tiny", "0" * 64)

    async def transcribe(self, samples: NDArray[np.float32], languages: list[str], so_far: object = None) -> Heard:
        assert len(samples) > 16_000
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        return


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"whisper_model": "tiny"})


async def check_of(desk: Desk, version: GreetingVersion) -> GreetingCheck:
    async with desk.database.transaction() as session:
        return await session.get_one(GreetingCheck, version.id)


async def listen(desk: Desk, answer: Heard | Exception) -> bool:
    return await Listening(desk.database, desk.blobs, desk.settings, Recogniser(answer)).one()


async def test_a_version_is_heard_once(desk: Desk) -> None:
    version = await desk.record("es", Situation.OPEN)
    assert (await check_of(desk, version)).state is GreetingCheckState.WAITING
    assert await listen(desk, heard(ENGLISH, "en"))
    found = await check_of(desk, version)
    assert (found.state, found.wrong_language, found.language, found.model) == (
        GreetingCheckState.HEARD, True, "en", "tiny",
    )  # fmt: skip
    assert not await listen(desk, heard(ENGLISH, "en"))


@pytest.mark.usefixtures("always_open")
async def test_a_wrong_language_that_callers_hear_already_is_a_problem(desk: Desk) -> None:
    version = await desk.record("es", Situation.EMERGENCY)
    await desk.publish(version)  # an emergency does not wait
    await listen(desk, heard(ENGLISH, "en"))
    assert [problem.key for problem in await problems(desk.database)] == ["greeting_language:main:es"]


@pytest.mark.usefixtures("always_open")
async def test_a_wrong_language_that_was_scheduled_unheard_is_a_problem_when_it_begins(desk: Desk) -> None:
    unheard = frozenset({Obstacle.UNCHECKED})
    later = clock.now() + timedelta(hours=1)
    await desk.publish(await desk.record("es", Situation.OPEN), starts_at=later, confirmed=unheard)
    await listen(desk, heard(ENGLISH, "en"))
    assert await problems(desk.database) == []
    with time_machine.travel(later, tick=False):
        await go(desk)
        assert [problem.key for problem in await problems(desk.database)] == ["greeting_language:main:es"]
        await desk.publish(await desk.record("es", Situation.OPEN, 150), confirmed=unheard)
        await go(desk)
    assert await problems(desk.database) == []


async def test_without_a_model_nobody_waits(desk: Desk) -> None:
    version = await desk.record("en", Situation.OPEN)
    assert not await listen(desk, NoWeights("none"))
    found = await check_of(desk, version)
    assert (found.state, found.attempts) == (GreetingCheckState.NO_ENGINE, 0)
    assert found.next_attempt_at is not None  # it is looked at again


async def test_callers_come_first_and_no_greeting_waits_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    version = await desk.record("es", Situation.OPEN)
    caller, _is_new = await intake.deliver(desk.database, desk.blobs, desk.settings, new_recording())
    assert not await listen(desk, heard(SPANISH, "es"))
    async with desk.database.transaction() as session:  # somebody is at it: more of what it tells may come
        assert await queue.lease_next(session, timedelta(minutes=1)) is not None
    assert not await listen(desk, heard(SPANISH, "es"))
    assert (await check_of(desk, version)).attempts == 0
    monkeypatch.setattr(listening, "LONGEST_WAIT", timedelta())
    assert await listen(desk, heard(ENGLISH, "en"))
    monkeypatch.undo()
    later = await desk.record("es", Situation.OPEN, pitch=180.0)
    assert not await listen(desk, heard(SPANISH, "es"))
    async with desk.database.transaction() as session:
        (await session.get_one(Recording, caller.id)).state = RecordingState.TRANSCRIBED
    assert await listen(desk, heard(SPANISH, "es"))
    assert (await check_of(desk, later)).state is GreetingCheckState.HEARD


async def test_without_a_model_greetings_do_not_wait_behind_callers(desk: Desk) -> None:
    version = await desk.record("es", Situation.OPEN)
    await intake.deliver(desk.database, desk.blobs, desk.settings, new_recording())
    assert not await listen(desk, NoWeights("none"))
    assert (await check_of(desk, version)).state is GreetingCheckState.NO_ENGINE


async def test_a_recogniser_that_fails_is_asked_again_and_then_left_alone(desk: Desk) -> None:
    version = await desk.record("en", Situation.OPEN)
    for _ in range(3):
        async with desk.database.transaction() as session:
            found = await session.get_one(GreetingCheck, version.id)
            found.next_attempt_at = version.created_at
        assert await listen(desk, EngineFailed("It crashed."))
    found = await check_of(desk, version)
    assert (found.state, found.error, found.next_attempt_at) == (GreetingCheckState.FAILED, "It crashed.", None)
