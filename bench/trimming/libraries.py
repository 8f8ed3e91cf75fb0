"""Run by the interpreter of a throw-away environment: what other libraries make of the samples, as JSON on stdout.

Imports nothing of ours. Each library is called as its own documentation says; where one raises there is no answer.
"""

import importlib.metadata
import json
import sys
from collections.abc import Callable
from typing import Any


def mail_parser_reply(sample: dict[str, Any]) -> str:
    from mailparser_reply import EmailReplyParser  # type: ignore[import-not-found]

    parser = EmailReplyParser(languages=["en", "es"])
    return str(parser.parse_reply(text=sample["text"]) or "")


def email_reply_parser(sample: dict[str, Any]) -> str:
    from email_reply_parser import EmailReplyParser  # type: ignore[import-not-found]

    return str(EmailReplyParser.parse_reply(sample["text"]))


def talon(sample: dict[str, Any]) -> str:
    from talon import quotations  # type: ignore[import-not-found]
    from talon.signature.bruteforce import extract_signature  # type: ignore[import-not-found]

    return str(extract_signature(quotations.extract_from_plain(sample["text"]))[0])


def quotequail(sample: dict[str, Any]) -> str:
    import quotequail as library  # type: ignore[import-not-found]

    found = library.unwrap(sample["text"])
    if found and found.get("text_top"):
        return str(found["text_top"])
    return "\n".join(text for shown, text in library.quote(sample["text"]) if shown)


def email_reply_extractor(sample: dict[str, Any]) -> str:
    import email_reply_extractor as library  # type: ignore[import-not-found]

    said = library.extract_new_text(sample["text"], html_body=sample.get("html")).text
    return str(library.clean_for_scoring(said).text)


def forward_author(sample: dict[str, Any]) -> list[str]:
    """Name, address and subject of the outermost forwarded mail; nothing where none is found."""
    from emailforwardparser.forward_parser import get_forwarded_metadata  # type: ignore[import-not-found]

    read = get_forwarded_metadata(sample["text"], sample["subject"])
    return [read.email.from_.name, read.email.from_.address, read.email.subject] if read.forwarded else []


LIBRARIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "mail-parser-reply": mail_parser_reply,
    "email-reply-parser": email_reply_parser,
    "talon": talon,
    "quotequail": quotequail,
    "email-reply-extractor": email_reply_extractor,
    "email-forward-parser": forward_author,
}


def main(path: str) -> None:
    with open(path, encoding="utf-8") as lines:  # noqa: PTH123
        samples = [json.loads(line) for line in lines]
    results: dict[str, Any] = {}
    for name, read in LIBRARIES.items():
        try:
            version = importlib.metadata.version(name)
            read(samples[0])
        except Exception as error:  # it does not install or does not run here: say so in the table
            results[name] = {"version": "", "error": repr(error)[:200], "answers": []}
            continue
        answers = []
        for sample in samples:
            try:
                answers.append(read(sample))
            except Exception:  # it raises on this mail
                answers.append(None)
        results[name] = {"version": version, "answers": answers}
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
