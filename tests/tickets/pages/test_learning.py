"""Corrections on the ticket by one click, taken back, and counted on the supervisors' page; all without JavaScript."""

import re

from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import ENGLISH, Office


async def test_one_click_corrects_and_one_takes_it_back(office: Office, as_person: SignIn) -> None:
    ticket = await office.mail("Two companies?", ENGLISH)
    carla = await as_person("carla")
    page = (await carla.get(f"/tickets/{ticket}")).text
    guesses = re.findall(r'name="topic" value="(\w+)" data-key="([tTR])"', page)
    assert [key for _, key in guesses[:2]] == ["R", "t"], "what was read, then the model's next guess"
    (decided, _), (guess, _) = guesses[:2]
    done = await carla.post(f"/tickets/{ticket}/topic", data={"topic": guess}, follow_redirects=True)
    assert "Carla Whitfield corrected it." in done.text
    assert 'data-key="R"' not in done.text, "a person has said so"
    sofia = await as_person("sofia")
    counted = (await sofia.get("/learning")).text
    assert f'<a href="/tickets/{ticket}" data-open>#{ticket}</a>' in counted
    back = await carla.post(f"/tickets/{ticket}/corrections/topic/take-back", follow_redirects=True)
    assert "It is taken back" in back.text
    assert f'value="{decided}" data-key="R"' in back.text
    again = await carla.post(f"/tickets/{ticket}/corrections/topic/take-back", follow_redirects=True)
    assert "There is nothing to take back here." in again.text


async def test_a_confirmed_topic_is_said_on_the_timeline(office: Office, as_person: SignIn) -> None:
    ticket = await office.mail("Two companies?", ENGLISH)
    mateo = await as_person("mateo")
    page = (await mateo.get(f"/tickets/{ticket}")).text
    topic = re.findall(r'name="topic" value="(\w+)" data-key="R"', page)[0]
    done = await mateo.post(f"/tickets/{ticket}/topic", data={"topic": topic}, follow_redirects=True)
    assert "Mateo Rangel confirmó el tema" in done.text
    marta = await as_person("marta")
    counted = (await marta.get("/learning?since=2020-01-01&until=2020-01-31")).text
    assert "Nadie ha atendido todavía un caso de estos días" in counted
    assert (
        "Elija un primer día anterior al último"
        in (await marta.get("/learning?since=2021-01-01&until=2020-01-01")).text
    )
    assert "Los mensajes se leen con el modelo" in (await marta.get("/health")).text


async def test_a_priority_that_is_not_its_topics_says_why(office: Office, as_person: SignIn) -> None:
    said = "Where do I find the map of planned outages? It is for a lesson at school."
    ticket = await office.mail("A question about planned outages", said)
    carla, mateo = await as_person("carla"), await as_person("mateo")
    page = (await carla.get(f"/tickets/{ticket}")).text
    assert re.search(r"By its topic alone it would be high; in these words it is \w+ \(\d\d %\)\.", page)
    assert "Solo por su tema sería alta; con estas palabras es" in (await mateo.get(f"/tickets/{ticket}")).text
    done = await carla.post(f"/tickets/{ticket}/priority", data={"priority": "high"}, follow_redirects=True)
    assert "By its topic alone" not in done.text, "a person has said so"
