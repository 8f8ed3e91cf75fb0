"""A coverage-guided search for mail that makes the parser raise, store what PostgreSQL refuses, or work too long.

`make fuzz` runs it from the samples in tests/inbox/mail; what it finds is written to the folder that it names and
belongs among the samples once it is understood. libFuzzer's own options are passed on: `-max_total_time`, `-timeout`.
"""

import sys

import atheris

with atheris.instrument_imports(include=["services.inbox", "email", "shared"], enable_loader_override=False):
    from services.inbox.parse import Surroundings, parse
    from tests.fuzz.storable import texts

AROUND = Surroundings(own_addresses=frozenset({"help@center.example.org"}), secret="s" * 40)


def one_input(data: bytes) -> None:
    parsed = parse(data, AROUND)
    for text in texts(parsed):
        assert "\x00" not in text, f"a NUL: {text!r}"
        text.encode("utf-8")
    held = sum(len(file.data) for file in parsed.files) + len(parsed.text_full) + len(parsed.html or "")
    assert held <= 20 * len(data) + 100_000, f"{held} bytes from {len(data)}"


def main() -> None:
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
