"""The compressed RTF in which Outlook keeps some bodies, made plain RTF again ([MS-OXRTFCP])."""

_START = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n" + rb"\par "
    rb"\pard\plain\f0\fs20\b\i\u\tab\tx"
)
_DICTIONARY = 4096  # bytes, a ring
_COMPRESSED, _STORED = b"LZFu", b"MELA"
LIMIT = 2_000_000  # bytes that come out at most


def decompress(data: bytes) -> bytes:
    """The RTF as far as it can be read; nothing when this is something else."""
    kind = data[8:12]
    if kind == _STORED:
        return data[16 : 16 + LIMIT]
    if kind != _COMPRESSED:
        return b""
    ring = bytearray(_START.ljust(_DICTIONARY, b" "))
    write, at = len(_START), 16
    out = bytearray()
    while at < len(data) and len(out) < LIMIT:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                break
            if not control >> bit & 1:
                piece = data[at : at + 1]
                at += 1
            else:
                reference = int.from_bytes(data[at : at + 2], "big")
                at += 2
                read = reference >> 4
                if read == write:  # the end
                    return bytes(out)
                piece = b""
                for step in range((reference & 0xF) + 2):
                    letter = ring[(read + step) % _DICTIONARY]
                    piece += bytes((letter,))
                    ring[(write + step) % _DICTIONARY] = letter
            for letter in piece:
                ring[write] = letter
                write = (write + 1) % _DICTIONARY
            out += piece
    return bytes(out)
