"""What the author of a mail wrote, apart from quoted mail, signature, mobile footers and legal footers.

Works line by line in linear time. Two rules stand above the rest: the author's words are never lost (answers between
quoted lines stay with what they answer, a mail that is only a quote keeps it, doubt keeps), and the whole text is kept
beside the result for whoever wants to read it. A forwarded message is content: it comes back by itself, with who wrote
it. Where HTML names its parts they are used; the words are the fallback.
"""

from dataclasses import dataclass, field

from services.inbox import html_marks
from services.inbox import trim_patterns as patterns
from services.inbox.footers import without_banner
from services.inbox.forwards import Forwarded, read_forwards
from services.inbox.mail_lines import BLANK, Line, read_lines, strip_blank, tidy, without_marks
from services.inbox.signatures import parted, without_tail
from services.inbox.split import Block, Split, split

LONGEST_SIGNATURE = 2_000  # characters that are kept of one
_ABOVE = Line("·", "·", 0)


@dataclass(frozen=True)
class Written:
    """The author's own words, the mails they passed on, outermost first, and the signature below their words."""

    new: str
    forwarded: list[Forwarded] = field(default_factory=list)
    signature: str = ""


def read_written(text: str, html: str | None = None, *, subject: str = "", author: str = "") -> Written:
    """`text` is the whole text, `html` the same mail formatted, when it has that form.

    `author` is the sender's display name: a signature often begins with it.
    """
    if html and html_marks.has_structure(html):
        from_html = _read(html_marks.marked_text(html), subject, author)
        if from_html is not None:
            return from_html
    text = without_marks(text)
    # Nothing but a quote or a signature: better the whole than nothing.
    return _read(text, subject, author) or Written(tidy(read_lines(text)))


def _read(text: str, subject: str, author: str) -> Written | None:
    """None when nothing is left that the author wrote or passed on."""
    lines = read_lines(text)
    parts = split(lines, subject)
    forwarded = read_forwards(parts.forward)
    own, signature = _own_lines(parts.blocks, author)
    if not forwarded and _answers_within(own, parts):
        return Written(tidy(strip_blank(lines)))
    new = tidy(own)
    return Written(new, forwarded, tidy(signature)[:LONGEST_SIGNATURE]) if new or forwarded else None


# The author's lines


def _own_lines(blocks: list[Block], author: str) -> tuple[list[Line], list[Line]]:
    """The author's blocks, and of the quotes between them the paragraph above each answer; and their signature."""
    blocks = _with_own_quotes(blocks)
    written = [index for index, block in enumerate(blocks) if not block.quoted]
    kept: dict[int, list[Line]] = {}
    signature: list[Line] = []
    while written:  # the last words of the author carry the signature; below a quote it may be all there is
        last = written[-1]
        tail, below = parted(blocks[last].lines, author)
        if len(written) > 1 and _is_only_tail(blocks[last].lines, tail, author):
            signature = signature or parted([_ABOVE, BLANK, *blocks[last].lines], author)[1]
            written.pop()
            continue
        kept[last] = tail
        signature = signature or below
        break
    if not written:
        return [], []
    for index in written[:-1]:
        kept[index] = [line for line in blocks[index].lines if not line.mark]
    bottom_posted = len(written) == 1 and sum(block.quoted for block in blocks[: written[-1]]) == 1
    own: list[Line] = []
    for index in range(written[-1] + 1):
        if index in kept:
            spaced = blocks[index].lines[0].blank and own
            own += [BLANK, *kept[index]] if spaced else kept[index]
        elif not bottom_posted:
            own += _last_paragraph(blocks[index].lines)
    return without_banner(own), signature


def _with_own_quotes(blocks: list[Block]) -> list[Block]:
    """People use «>» too: below a line that announces it («the notice says:»), or for items, with no mail quoted."""
    result: list[Block] = []
    any_attributed = any(block.attributed for block in blocks)
    for index, block in enumerate(blocks):
        if block.quoted and not any_attributed:
            before = strip_blank(blocks[index - 1].lines) if index else []
            announced = bool(before) and before[-1].bare.endswith(":")
            if announced or (index < len(blocks) - 1 and len(blocks) <= 3):
                block = Block(block.lines)
        if result and not block.quoted and not result[-1].quoted:
            result[-1] = Block([*result[-1].lines, *block.lines])
        else:
            result.append(block)
    return result


def _is_only_tail(lines: list[Line], tail: list[Line], author: str) -> bool:
    """Nothing but a signature or a footer below a quote."""
    if not tail:
        return True
    # With something above it, would all of it go?
    return without_tail([_ABOVE, BLANK, *lines], author) == [_ABOVE]


def _last_paragraph(quoted: list[Line]) -> list[Line]:
    lines = strip_blank([line for line in quoted if not line.mark])
    start = len(lines)
    while start and not lines[start - 1].blank:
        start -= 1
    return lines[start:]


def _answers_within(own: list[Line], parts: Split) -> bool:
    """Whether the author wrote into the quoted text itself, so that only the whole says what they mean."""
    written = [line.bare for line in own if line.bare]
    quoted = bool(parts.rest) or any(block.quoted for block in parts.blocks)
    if not quoted or not written or len(written) > 12 or any(line.depth for line in own):
        return False
    if parts.rest and len(written) == 1 and patterns.GREETING.match(written[0]):
        return True
    return bool(patterns.ANSWERS_WITHIN.search(" ".join(written)))
