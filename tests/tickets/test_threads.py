"""The tickets services work on one thread for each process: pools of threads would wait more than they work."""

import json
import os
import subprocess
import sys


def test_numpy_finds_no_pool_of_threads_when_a_service_starts() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    says = (
        "import services.tickets.__main__, threadpoolctl as t; print([p['num_threads'] for p in t.threadpool_info()])"
    )
    told = subprocess.run([sys.executable, "-c", says], env=environment, capture_output=True, text=True, check=True)
    threads = json.loads(told.stdout)
    assert threads, "numpy is loaded by what this module imports"
    assert set(threads) == {1}
