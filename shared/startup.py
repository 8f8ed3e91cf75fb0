"""A quick start of a service: nothing is collected while its modules are imported, and they are never looked at again.

Imports make hundreds of thousands of objects that stay until the end. Going through them again and again costs a
process a fifth of its start, and every full collection afterwards would go through them once more.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Around the imports of a process's first module, and around what else it loads for good."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
