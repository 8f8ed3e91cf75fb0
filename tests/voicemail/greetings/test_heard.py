"""The check of a greeting's language by the real recogniser: spoken by espeak-ng, heard by the small checkpoint."""

import pytest

from services.voicemail.greetings import versions
from services.voicemail.greetings.listening import Listening
from services.voicemail.greetings.rules import NotPublishable, Obstacle
from services.voicemail.speech_process import SpeechProcess
from shared.models import GreetingCheck, GreetingCheckState, GreetingVersion, Situation
from tests.voicemail.conftest import ENGLISH, SPANISH, wav
from tests.voicemail.greetings.conftest import Desk

SAID = {"en": ENGLISH[1:3], "es": SPANISH[1:3]}


@pytest.mark.timeout(300)  # a real recogniser, on cores that others may be using too
@pytest.mark.parametrize(("spoken", "other"), [("es", "en"), ("en", "es")])
async def test_a_recording_is_published_in_the_language_that_is_spoken_and_in_no_other(
    desk: Desk, engine: SpeechProcess, spoken: str, other: str
) -> None:
    listening = Listening(desk.database, desk.blobs, desk.settings, engine)
    made: dict[str, GreetingVersion] = {}
    checks: dict[str, GreetingCheck] = {}
    for language in (spoken, other):
        slot_id = await desk.slot(language, Situation.OPEN)
        new = versions.Upload(wav(spoken, SAID[spoken]), "greeting.wav", script=" ".join(SAID[spoken]))
        made[language], _is_new = await versions.upload(desk.database, desk.settings, desk.blobs, desk.me, slot_id, new)
        assert await listening.one()
        async with desk.database.transaction() as session:
            checks[language] = await session.get_one(GreetingCheck, made[language].id)
    assert [checks[each].language for each in (spoken, other)] == [spoken, spoken]
    assert (checks[spoken].state, checks[spoken].wrong_language) == (GreetingCheckState.HEARD, False)
    missing = [each["message"] for each in checks[spoken].remarks]
    assert "To call 9-1-1 in an emergency was not heard." in missing
    assert not [each for each in missing if "of the script" in each]  # all that was written was heard
    await desk.publish(made[spoken])
    with pytest.raises(NotPublishable) as refused:
        await desk.publish(made[other], confirmed=frozenset(Obstacle))
    assert refused.value.obstacle is Obstacle.WRONG_LANGUAGE
