"""Leaves voicemails as Asterisk's app_voicemail.c does, step by step, as a program of its own that may be killed.

    python spool_writer.py SPOOL START COUNT [--pause SECONDS]

Record to tmp/, take the lock (a file made O_EXCL, hard-linked to `.lock`, tried for five seconds), find the first free
number, rename the audio, rename the .txt, set the mode, give the lock back. Now and then the first message is deleted
and the later ones are renumbered, audio before .txt, under the same lock. Prints each msg_id once its .txt stands.
"""

import argparse
import os
import random
import struct
import sys
import tempfile
import time
from math import pi, sin
from pathlib import Path

LOCK_TRIES_S = 5.0


def lock_path(folder: Path) -> bool:
    """main/app.c, ast_lock_path_lockfile. False: «Voicemail will be lost»."""
    own = folder / f".lock-{random.getrandbits(32):08x}"
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    until = time.monotonic() + LOCK_TRIES_S
    try:
        while True:
            try:
                os.link(own, folder / ".lock")
            except FileExistsError:
                if time.monotonic() > until:
                    return False
                time.sleep(0.01)
            else:
                return True
    finally:
        own.unlink()


def unlock_path(folder: Path) -> None:
    (folder / ".lock").unlink(missing_ok=True)


def wav(number: int) -> bytes:
    """A short tone of its own for each message."""
    samples = b"".join(struct.pack("<h", int(9000 * sin(2 * pi * (200 + 7 * number) * i / 8000))) for i in range(800))
    header = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt "
    return (
        header
        + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
        + b"data"
        + struct.pack("<I", len(samples))
        + samples
    )


def information(number: int) -> str:
    return (
        ";\n; Message Information file\n;\n[message]\norigmailbox=1000\ncontext=macro-vm\nexten=s\nrdnis=unknown\n"
        "priority=2\ncallerchan=PJSIP/trunk-00000012\n"
        f'callerid="CALLER {number}" <415555{number:04d}>\norigdate=Tue Nov 17 04:05:08 PM UTC 2026\n'
        f"origtime={1794931508 + number}\ncategory=\nmsg_id=1794931508-{number:08d}\nflag=\nduration=1\n"
    )


def leave(mailbox: Path, number: int, pause: float) -> None:
    handle, name = tempfile.mkstemp(dir=mailbox / "tmp")
    os.close(handle)
    recorded = Path(name)
    recorded.with_suffix(".wav").write_bytes(wav(number))
    recorded.with_suffix(".txt").write_text(information(number))
    inbox = mailbox / "INBOX"
    if not lock_path(inbox):
        sys.exit("Couldn't lock directory. Voicemail will be lost")
    time.sleep(pause)
    place = len(list(inbox.glob("msg*.txt")))
    while (inbox / f"msg{place:04d}.wav").exists():  # what a killed one left behind is not written over here
        place += 1
    recorded.with_suffix(".wav").rename(inbox / f"msg{place:04d}.wav")
    time.sleep(pause)
    recorded.with_suffix(".txt").rename(inbox / f"msg{place:04d}.txt")
    (inbox / f"msg{place:04d}.txt").chmod(0o660)
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()
    unlock_path(inbox)
    recorded.unlink()


def delete_first(mailbox: Path, pause: float) -> None:
    """close_mailbox and resequence_mailbox: later messages are renamed over the earlier numbers."""
    inbox = mailbox / "INBOX"
    if not lock_path(inbox):
        return
    texts = sorted(inbox.glob("msg*.txt"))
    for place, txt in enumerate(texts[1:]):
        for suffix in (".wav", ".txt"):
            source = txt.with_suffix(suffix)
            if source.exists():
                source.replace(inbox / f"msg{place:04d}{suffix}")
            time.sleep(pause / 4)
    if len(texts) == 1:
        texts[0].with_suffix(".wav").unlink(missing_ok=True)
        texts[0].unlink()
    unlock_path(inbox)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("spool", type=Path)
    parser.add_argument("start", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--pause", type=float, default=0.005)
    given = parser.parse_args()
    mailbox = given.spool / "default" / "1000"
    for folder in ("INBOX", "Urgent", "Old", "tmp"):
        (mailbox / folder).mkdir(parents=True, exist_ok=True)
    for number in range(given.start, given.start + given.count):
        leave(mailbox, number, given.pause)


if __name__ == "__main__":
    main()
