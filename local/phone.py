"""A phone system's side of the spool: leaves a recording in a mailbox folder exactly as Asterisk does."""

import os
import re
import secrets
import tempfile
import wave
from datetime import datetime
from io import BytesIO
from pathlib import Path

from local.sounds import telephone_wav
from shared import clock

_MESSAGE = re.compile(r"msg(\d{4})\.txt")


def leave_voicemail(
    spool: Path,
    mailbox: str,
    audio: bytes,
    *,
    caller: str = "",
    name: str = "",
    urgent: bool = False,
    at: datetime | None = None,
) -> str:
    """Put a recording into `{spool}/default/{mailbox}` and return its msg_id. `audio`: any format PyAV decodes.

    Asterisk's order: the audio appears whole under its number, then the text file that announces it. Urgent calls
    have a folder of their own. Blocking; raises av.FFmpegError when the audio cannot be decoded.
    """
    folder = spool / "default" / mailbox / ("Urgent" if urgent else "INBOX")
    folder.mkdir(parents=True, exist_ok=True)
    called = at or clock.now()
    sound = telephone_wav(audio)
    with wave.open(BytesIO(sound)) as file:
        seconds = round(file.getnframes() / file.getframerate())
    message_id = f"{int(called.timestamp())}-{secrets.token_hex(4)}"
    number = max((int(found[1]) for path in folder.iterdir() if (found := _MESSAGE.match(path.name))), default=-1) + 1
    callerid = f'"{name}" <{caller}>' if caller else "Unknown"
    text = (
        ";\n; Message Information file\n;\n[message]\n"
        f"origmailbox={mailbox}\ncontext=default\nmacrocontext=\nexten={mailbox}\nrdnis=unknown\npriority=2\n"
        f"callerchan=PJSIP/trunk-{secrets.token_hex(4)}\ncallerid={callerid}\n"
        f"origdate={called:%a %b %d %I:%M:%S %p} UTC {called:%Y}\norigtime={int(called.timestamp())}\ncategory=\n"
        f"msg_id={message_id}\nflag={'Urgent' if urgent else ''}\nduration={seconds}\n"
    )
    _place(folder / f"msg{number:04d}.wav", sound)
    _place(folder / f"msg{number:04d}.txt", text.encode())
    return message_id


def _place(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)
