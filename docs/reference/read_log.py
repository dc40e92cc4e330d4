#!/usr/bin/env python3
"""Reads a Millrace log, by docs/reference/log-format.md alone: python3 read_log.py DIRECTORY

Prints one record a line as JSON (times in milliseconds since 1970, key and value in base64), in the order of
their offsets, and on standard error "gap FROM TO" for offsets that are lost (TO is not included). Needs nothing
but Python 3.9. Written for clearness, not for speed. It reads a log that no process has open, takes no lock,
and changes nothing.
"""
import base64
import json
import os
import re
import struct
import sys

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ 0x82F63B78 if byte & 1 else byte >> 1
    TABLE.append(byte)


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def check_format(path):
    """Refuses what a newer program has written. A format file that is damaged tells nothing; the segments do, too."""
    try:
        text = json.load(open(path, encoding="utf-8"))
        check = text.get("check", crc32c(f"millrace-log {text['version']}".encode()))
        if text["version"] > 1 and check == crc32c(f"millrace-log {text['version']}".encode()):
            sys.exit(f"{path} tells version {text['version']}; this program knows 1")
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return


def read_mark(path):
    """The offset below which everything was durable, as the newest intact slot says."""
    newest = (0, 0)
    data = open(path, "rb").read() if os.path.exists(path) else b""
    for slot in (data[0:56], data[4096:4152]):
        if len(slot) == 56 and slot[:4] == b"MRMK" and struct.unpack_from("<I", slot, 52)[0] == crc32c(slot[:52]):
            newest = max(newest, struct.unpack_from("<qq", slot, 8))
    return newest[1]


class Segment:
    def __init__(self, directory, name):
        self.data = open(os.path.join(directory, name), "rb").read()
        self.base = int(name[:20])
        self.salt = self.predecessor = self.compacted_end = None
        head = self.data[:64]
        intact = len(head) == 64 and head[:4] == b"MRSG" and struct.unpack_from("<I", head, 60)[0] == crc32c(head[:60])
        self.intact = intact and struct.unpack_from("<q", head, 24)[0] == self.base
        if self.intact:
            version, checksum, flags = struct.unpack_from("<HBB", head, 4)
            if version > 1 or checksum != 1:
                sys.exit(f"{name} has version {version} and checksum {checksum}; this program knows 1 and 1")
            self.salt, self.id_rest = struct.unpack_from("<II", head, 8)
            if flags & 1:
                self.predecessor = struct.unpack_from("<IIqI", head, 40)  # salt, rest of the id, end offset, end byte
            if flags & 4:
                self.compacted_end = struct.unpack_from("<q", head, 32)[0]
        else:  # The first intact frame tells the salt.
            first = self.next_frame(64, self.base, len(self.data))
            self.salt = first and first["salt"]

    def frame_at(self, at, limit):
        """The intact frame that begins at a byte, or None."""
        data = self.data
        if at + 48 > limit or data[at : at + 4] not in (b"MRF1", b"MRF2"):
            return None
        size, count, unsynced, base, first_ms, _max_ms, salt, crc = struct.unpack_from("<IIIqqqII", data, at + 4)
        trailer = at + 48 + (size + 7) // 8 * 8
        if crc != crc32c(data[at : at + 44]) or trailer + 8 > limit or self.salt not in (None, salt):
            return None
        if struct.unpack_from("<II", data, trailer) != (crc32c(data[at + 48 : trailer], crc), size):
            return None
        return {
            "base": base, "end": base + count, "durable": base - unsynced, "salt": salt, "next": trailer + 8,
            "first_ms": first_ms, "sparse": data[at + 3 : at + 4] == b"2", "body": data[at + 48 : at + 48 + size],
        }  # fmt: skip

    def next_frame(self, at, offset, limit):
        """The first intact frame from a byte on, at a multiple of 8, that begins with an offset or a higher one."""
        while at + 48 <= limit:
            frame = self.frame_at(at, limit)
            if frame and frame["base"] >= offset:
                return frame
            at = frame["next"] if frame else at + 8
        return None


def records_of(frame):
    body, at, offset = frame["body"], 0, frame["base"]

    def number():
        nonlocal at
        value = shift = 0
        while True:
            value |= (body[at] & 127) << shift
            shift += 7
            at += 1
            if body[at - 1] < 128:
                return value

    while at < len(body) if frame["sparse"] else offset < frame["end"]:
        if frame["sparse"]:
            offset += number()
        zigzag = number()
        key_size, value_size = number(), number()
        key = body[at : at + key_size - 1] if key_size > 0 else None
        at += max(0, key_size - 1)
        value, at = body[at : at + value_size], at + value_size
        if at > len(body) or offset >= frame["end"]:
            raise IndexError("the body does not hold its records")
        yield offset, frame["first_ms"] + (zigzag >> 1 ^ -(zigzag & 1)), key, value
        offset += 1


def read_log(directory):
    """Yields ("record", offset, time, key, value) and ("gap", from, to)."""
    names = sorted(os.listdir(directory))
    check_format(os.path.join(directory, "format.json"))
    mark = read_mark(os.path.join(directory, "mark"))
    # A segment is begun when everything before it is durable: its name tells that, even when nothing else can.
    bases = [int(name[:20]) for name in names if re.fullmatch(r"\d{20}\.seg(\.corrupt)?", name)]
    segments = []
    for name in names:
        if re.fullmatch(r"\d{20}\.seg", name):
            segment = Segment(directory, name)
            replaced = segments and segments[-1].compacted_end is not None and segment.base < segments[-1].compacted_end
            if segment.salt is not None and not replaced:
                segments.append(segment)
    durable = max([mark, *bases, *(segment.compacted_end or 0 for segment in segments)])
    expected = segments[0].base if segments else 0
    for index, segment in enumerate(segments):
        after = segments[index + 1] if index + 1 < len(segments) else None
        limit, end, acknowledged = len(segment.data), None, after.base if after else durable
        if segment.compacted_end is not None:
            end = acknowledged = segment.compacted_end
        elif after and after.predecessor and after.predecessor[0] == segment.salt and after.predecessor[3] <= limit:
            end, limit = after.predecessor[2:4]
            acknowledged = end
        at, expected = 64, segment.base
        while end is None or expected < end:
            frame = segment.frame_at(at, limit)
            if frame is None or frame["base"] != expected:
                frame = first = segment.next_frame(at, expected + 1, limit)
                # What is missing was acknowledged if the mark or a successor says so, or any later frame.
                while acknowledged <= expected and frame and frame["durable"] <= expected:
                    frame = segment.next_frame(frame["next"], expected + 1, limit)
                if frame is None:
                    break
                frame = first
                yield "gap", expected, frame["base"]
            offset = frame["base"]
            try:
                for record in records_of(frame):
                    yield ("record", *record)
                    offset = record[0] + 1
            except IndexError:
                yield "gap", offset, frame["end"]
            expected, at = frame["end"], frame["next"]
        if after and expected < after.base:
            yield "gap", expected, after.base
    if expected < durable:
        yield "gap", expected, durable


def main():
    for kind, *rest in read_log(sys.argv[1]):
        if kind == "gap":
            print("gap", *rest, file=sys.stderr)
            continue
        offset, time, key, value = rest
        text = [None if part is None else base64.b64encode(part).decode() for part in (key, value)]
        print(json.dumps({"offset": offset, "timestampMs": time, "key": text[0], "value": text[1]}))


if __name__ == "__main__":
    main()
