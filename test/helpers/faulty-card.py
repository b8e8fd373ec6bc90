#!/usr/bin/python3
"""A card with a fault, as a file in a FUSE file system: faulty-card.py FOLDER BYTES FAULT (JSON, as CardFault).

Writes "ready" when the file FOLDER/card is there. The kernel keeps nothing of it: every read and write comes here.
"""
import errno
import json
import os
import stat
import sys
import time

import pyfuse3
import trio

FOLDER, SIZE, FAULT = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
KIND = FAULT["kind"]
PLACE = FAULT.get("offset", -1)
CARD = 2


class Card(pyfuse3.Operations):
    def __init__(self):
        super().__init__()
        self.content = bytearray(SIZE)
        self.readings = 0
        self.is_lost = False

    async def getattr(self, inode, ctx=None):
        entry = pyfuse3.EntryAttributes()
        is_card = inode == CARD
        entry.st_ino = inode
        entry.st_mode = stat.S_IFREG | 0o666 if is_card else stat.S_IFDIR | 0o755
        entry.st_size = SIZE if is_card else 0
        entry.st_uid, entry.st_gid = os.getuid(), os.getgid()
        return entry

    async def lookup(self, parent, name, ctx=None):
        if name != b"card":
            raise pyfuse3.FUSEError(errno.ENOENT)
        return await self.getattr(CARD)

    async def setattr(self, inode, attr, fields, handle, ctx):
        return await self.getattr(inode)

    async def open(self, inode, flags, ctx):
        return pyfuse3.FileInfo(fh=inode, direct_io=True)

    async def fsync(self, handle, datasync):
        self.fail("flush", 0, 1)

    async def read(self, handle, offset, length):
        length = max(0, min(length, SIZE - offset))
        self.fail("read", offset, length)
        if KIND == "wraps":
            return b"".join(self.content[at : at + 512] for at in self.wrapped(offset, length))
        got = self.content[offset : offset + length]
        if KIND == "forgets" and offset + length > FAULT["size"]:
            kept = max(0, FAULT["size"] - offset)
            got[kept:] = bytes([FAULT["fill"]]) * (length - kept)
        if KIND == "stuck" and covers(offset, length):
            got[PLACE - offset] ^= 1
        if KIND == "flickers" and covers(offset, length):
            self.readings += 1
            got[PLACE - offset] = (got[PLACE - offset] + self.readings) % 256
        return bytes(got)

    async def write(self, handle, offset, given):
        length = len(given)
        if offset + length > SIZE:
            raise pyfuse3.FUSEError(errno.ENOSPC)
        self.fail("write", offset, length)
        if KIND == "dies" and covers(offset, length):
            os._exit(1)
        if KIND == "slow":
            time.sleep(length / FAULT["bytesPerSecond"])
        if KIND == "wraps":
            for index, at in enumerate(self.wrapped(offset, length)):
                self.content[at : at + 512] = given[index * 512 : (index + 1) * 512]
            return length
        given = bytearray(given)
        if KIND == "loses" and covers(offset, length) and not self.is_lost:
            self.is_lost = True
            given[PLACE - offset : PLACE - offset + 512] = self.content[PLACE : PLACE + 512]
        self.content[offset : offset + length] = given
        return length

    def wrapped(self, offset, length):
        return [(offset + at) % FAULT["size"] for at in range(0, length, 512)]

    def fail(self, operation, offset, length):
        if KIND == "fails" and FAULT["operation"] == operation and covers(offset, length):
            raise pyfuse3.FUSEError(getattr(errno, FAULT["code"]))


def covers(offset, length):
    return offset <= PLACE < offset + length


pyfuse3.init(Card(), FOLDER, {*pyfuse3.default_options, "fsname=faulty-card"})
print("ready", flush=True)
trio.run(pyfuse3.main)
