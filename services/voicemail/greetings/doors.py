"""Which door leads to which phone system: makes the target that a setting describes."""

from services.voicemail.greetings.asterisk import AsteriskTarget
from services.voicemail.greetings.folder import FolderTarget
from services.voicemail.greetings.freeswitch import FreeSwitchTarget
from services.voicemail.greetings.push import PushTarget
from services.voicemail.greetings.studio import Format
from services.voicemail.greetings.targets import Target
from shared.greeting_targets import AnyGreetingTarget, AsteriskFolder, FreeSwitchMailboxes, GreetingFolder


def door_of(target: AnyGreetingTarget) -> Target:
    if isinstance(target, AsteriskFolder):
        return AsteriskTarget(target)
    if isinstance(target, FreeSwitchMailboxes):
        return FreeSwitchTarget(target)
    if isinstance(target, GreetingFolder):
        return FolderTarget(target)
    return PushTarget(target)


def format_of(target: AnyGreetingTarget) -> Format:
    """What it takes, without knocking."""
    return door_of(target).format
