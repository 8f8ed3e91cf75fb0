"""A process killed in the middle of publishing leaves the old greeting or the new one, whole."""

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

from services.voicemail.greetings.asterisk import AsteriskTarget
from shared.greeting_targets import AsteriskFolder

PUBLISH_FOR_EVER = """
import sys
from pathlib import Path
from services.voicemail.greetings.asterisk import AsteriskTarget
from shared.greeting_targets import AsteriskFolder
target = AsteriskTarget(AsteriskFolder(name="pbx", line="main", path=Path(sys.argv[1])))
print("ready", flush=True)
while True:
    for letter in b"ab":
        target.publish("en", bytes([letter]) * 700_000)
"""


def test_a_kill_at_any_instant_leaves_a_whole_greeting_and_the_next_pass_mends(tmp_path: Path) -> None:
    mailbox = tmp_path / "default" / "1000"
    mailbox.parent.mkdir()
    whole = {hashlib.sha256(letter * 700_000).hexdigest() for letter in (b"a", b"b")}
    for number in range(4):
        process = subprocess.Popen([sys.executable, "-c", PUBLISH_FOR_EVER, str(mailbox)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.05 + 0.013 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for path in mailbox.rglob("unavail.*"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() in whole
        # The one without a language and the one with it may differ now; the next pass sees that and mends it.
        target = AsteriskTarget(AsteriskFolder(name="pbx", line="main", path=mailbox))
        found = target.playing("en")
        assert found is None or found.sha256 in whole
        target.publish("en", b"c" * 700_000)
        found = target.playing("en")
        assert found is not None
        assert found.content == b"c" * 700_000
        target.publish("en", b"a" * 700_000)
