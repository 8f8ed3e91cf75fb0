"""Texts about safety on their pages and through the API: written, refused, approved, withdrawn, in both languages."""

from tests.tickets.pages.conftest import SignIn
from tests.tickets.pages.office import Office

FORM = {
    "subject_en": "Get out",
    "body_en": "Leave the building, touch no switch. Call 911, then {utility_phone}.",
    "subject_es": "Salga",
    "body_es": "Salga del edificio, no toque ningún interruptor. Llame al 911 y al {utility_phone}.",
}


async def test_a_supervisor_writes_and_approves(office: Office, as_person: SignIn) -> None:
    sofia, carla = await as_person("sofia"), await as_person("carla")
    assert (await carla.get("/safety-texts")).status_code == 403
    assert "nobody here has approved" in (await sofia.get("/board")).text
    assert (await sofia.get("/safety-texts/nothing")).status_code == 404
    for name, value in (("body_es", "Salga. Interruptor. Llame al {utility_phone}."), ("body_en", " ")):
        answer = await sofia.post("/safety-texts/gas", data={**FORM, name: value})
        assert (answer.status_code, "field__error" in answer.text) == (400, True), name
    assert (await sofia.post("/safety-texts/gas", data=FORM)).status_code == 303
    page = (await sofia.get("/safety-texts/gas")).text
    assert "Leave the building, touch no switch. Call 911, then 1-800-743-5000." in page
    [text] = [each for each in (await sofia.get("/api/v1/safety-texts")).json() if each["key"] == "gas"]
    version = text["versions"][0]
    assert (version["standing"], version["written_by"]["name"], text["approved"]) == ("waiting", "Sofía Okonkwo", False)
    assert (await sofia.post(f"/safety-texts/gas/{version['id']}/approve")).status_code == 303
    again = (await sofia.get("/api/v1/safety-texts/gas")).json()
    assert (again["sent"]["id"], again["approved"]) == (version["id"], True)
    assert (await sofia.post(f"/safety-texts/gas/{version['id']}/withdraw")).status_code == 303
    assert (await sofia.post(f"/safety-texts/gas/{version['id']}/approve")).status_code == 303
    assert (await sofia.get("/api/v1/safety-texts/gas")).json()["sent"] is None
    assert (await sofia.get("/safety-texts")).status_code == 200


async def test_a_ticket_says_why_it_is_urgent(office: Office, as_person: SignIn) -> None:
    number = await office.mail("Corte", "Ayuda por favor, me cortan la luz mañana y no tengo todo el dinero.")
    sofia = await as_person("sofia")
    page = (await sofia.get(f"/tickets/{number}")).text
    words = {"en": "high: disconnection tomorrow (", "es": "alta: corte de luz mañana ("}
    assert any(word in page for word in words.values())
    assert "«me cortan la luz mañana»" in page
    ticket = (await sofia.get(f"/api/v1/tickets/{number}")).json()
    assert [each["kind"] for each in ticket["urgency"]] == ["disconnection"]
    assert ticket["ticket"]["urgent"][0]["on"] == ticket["urgency"][0]["on"]
