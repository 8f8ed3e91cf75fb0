"""CSRs who answer through the API, and repeat what was cut off as a browser or a script would."""

import asyncio
import json
from typing import Any

import httpx

from tests.soak.center import Center
from tests.soak.mails import Story

ANSWERS = {
    "en": "Thank you for writing. Your matter K{number:05d} is settled.",
    "es": "Gracias por escribirnos. Su asunto K{number:05d} está resuelto.",
}
PATIENCE_S = 240.0


class Desk:
    """Each story is answered by one of the center's people, the same at every run."""

    def __init__(self, center: Center) -> None:
        self._center = center
        self._client = httpx.AsyncClient(
            base_url=f"{center.config.url('tickets')}/api/v1", timeout=15, trust_env=False, follow_redirects=False
        )
        self.repeated = 0  # requests whose answer was lost

    async def close(self) -> None:
        await self._client.aclose()

    async def answer(self, story: Story, ticket: int) -> int:
        """Take the ticket and reply to it; the number of the delivery."""
        await self._request(story, f"/tickets/{ticket}/take", {})
        body = {"text": ANSWERS[story.language].format(number=story.number)}
        answered = await self._request(story, f"/tickets/{ticket}/replies", body | {"then": story.answer})
        delivery: int = answered["delivery_id"]
        return delivery

    async def _request(self, story: Story, path: str, body: dict[str, str]) -> dict[str, Any]:
        """With one Idempotency-Key for all tries. Raises AssertionError with the answer when it is refused."""
        token = self._center.tokens[story.number % len(self._center.tokens)]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"soak-{story.number}-{path}"}
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                answer = await self._client.post(path, json=body, headers=headers)
            except httpx.HTTPError as error:
                last = repr(error)
            else:
                if answer.is_success:
                    found: dict[str, Any] = json.loads(answer.content or b"{}")
                    return found
                last = f"{answer.status_code} {answer.text[:1000]}"
                if answer.status_code < 500 and answer.status_code != 429:
                    raise AssertionError(f"{story}: {path} was refused: {last}")
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{story}: {path} never worked: {last}")
            self.repeated += 1
            await asyncio.sleep(0.3)
