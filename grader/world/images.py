"""Images that are cheap to send and laborious to decode."""

from __future__ import annotations

import struct
import zlib

ROWS = 50
"""Rows that are compressed together."""
PAETH = b"\4"
"""The filter of a PNG's row that costs most to undo."""


def plain_png(width: int, height: int, *, colour: bool = True) -> bytes:
    """Make a black PNG, RGB or grey: some kilobytes as a file, as many as its pixels when it is decoded.

    width, height: in pixels; the height is a multiple of ``ROWS``.
    """
    band = (PAETH + bytes(width * (3 if colour else 1))) * ROWS
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed, check = packer.compress(band) + packer.flush(zlib.Z_FULL_FLUSH), 1
    for _ in range(height // ROWS):  # compressed once: after a full flush, one band is packed like the other
        check = zlib.adler32(band, check)
    pixels = b"\x78\x01" + packed * (height // ROWS) + b"\3\0" + struct.pack(">I", check)
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if colour else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
