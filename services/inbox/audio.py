"""Is this attachment a sound recording? By its first bytes, for phone systems mislabel what they send."""

from itertools import pairwise

_MAGIC: tuple[tuple[int, bytes], ...] = (
    (0, b"OggS"),
    (0, b"fLaC"),
    (0, b"ID3"),
    (0, b"#!AMR"),
    (0, b".snd"),
    (0, b"caff"),
    (0, b"FORM"),
    (0, b"MAC "),
    (0, b"wvpk"),
)
_ADTS_OR_MPEG = 0xE0
_VIDEO_BRANDS = {b"qt  ", b"avif", b"heic", b"heix", b"mif1", b"crx "}
# Formats without a signature: believed when both the label and the name say so.
_RAW_TYPES = {"audio/x-gsm", "audio/gsm", "audio/basic", "audio/l16", "audio/g729", "audio/g722", "audio/x-alaw-basic"}
_RAW_NAMES = (".gsm", ".ul", ".ulaw", ".al", ".alaw", ".sln", ".g722", ".g729", ".vox", ".raw", ".wav49")


def is_audio(data: bytes, content_type: str, filename: str) -> bool:
    """True for what may be a voicemail. An empty file that says it is audio counts: it must not vanish."""
    kind = content_type.lower()
    name = filename.lower()
    if not data:
        return kind.startswith("audio/") or name.endswith((".wav", ".mp3", ".ogg", ".m4a", *_RAW_NAMES))
    head = data[:64]
    if head[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    if any(head[at : at + len(magic)] == magic for at, magic in _MAGIC):
        return True
    if head[4:8] == b"ftyp":
        return head[8:12] not in _VIDEO_BRANDS and (kind.startswith(("audio/", "application/octet")) or b"M4A" in head)
    if head[:4] == b"\x1aE\xdf\xa3":  # Matroska and WebM hold either
        return kind.startswith("audio/")
    if _is_mpeg_audio(data):
        return True
    if head.startswith((b"%PDF", b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"<!", b"<html")):
        return False
    return kind in _RAW_TYPES or name.endswith(_RAW_NAMES) or kind.startswith("audio/")


def _is_mpeg_audio(data: bytes) -> bool:
    """Two frames of MPEG audio, each beginning where the header of the one before says."""
    offsets = [0]
    while len(offsets) < 3:
        length = _frame_length(data[offsets[-1] : offsets[-1] + 8])
        if length is None:
            return False
        offsets.append(offsets[-1] + length)
        if offsets[-1] >= len(data):
            break
    return all(b > a for a, b in pairwise(offsets)) and len(offsets) > 2


_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _frame_length(header: bytes) -> int | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & _ADTS_OR_MPEG != _ADTS_OR_MPEG:
        return None
    version, layer = (header[1] >> 3) & 3, (header[1] >> 1) & 3
    if layer == 0 and header[1] & 0xF6 == 0xF0 and len(header) >= 6:  # AAC in ADTS
        return ((header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5) or None
    if layer != 1 or version == 1:
        return None
    bitrate_index, rate_index = header[2] >> 4, (header[2] >> 2) & 3
    if bitrate_index in (0, 15) or rate_index == 3:
        return None
    bitrate = (_BITRATES_1 if version == 3 else _BITRATES_2)[bitrate_index] * 1000
    padding = (header[2] >> 1) & 1
    return (144 if version == 3 else 72) * bitrate // _RATES[version][rate_index] + padding
