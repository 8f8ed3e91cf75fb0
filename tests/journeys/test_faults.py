"""Mail of every shape while everything is killed, emptied, cut off and full: the same tickets as on a calm day.

The full size is `make soak`.
"""

import pytest

from tests.soak.run import run

SEED = 20
MAILS = 150
PAUSE_S = 1.0
SPREAD_S = 12.0

pytestmark = [pytest.mark.journey, pytest.mark.asyncio, pytest.mark.timeout(600)]


async def test_faults_change_nothing_that_a_customer_or_a_csr_sees() -> None:
    calm = await run(SEED, MAILS, pause_s=None)
    assert calm.outcome.faults == []
    assert calm.outcome.unknown == 0  # on a calm day all is known
    soaked = await run(SEED, MAILS, pause_s=PAUSE_S, spread_s=SPREAD_S)
    assert soaked.outcome.faults == []
    assert soaked.outcome.differences(calm.outcome) == []
    assert soaked.replayed == calm.replayed > 0
