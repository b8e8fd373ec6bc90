"""Carries packets between two TUN devices that it makes, each packet after a delay: DEVICE DEVICE SECONDS.

Says "ready" when both are there, and ends with its standard input. Runs in the namespace of both; a device may be moved
to another namespace afterwards."""

import collections
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 1
IFF_NO_PI = 0x1000


def make_device(name):
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def take(tun, waiting, delay):
    try:
        while True:
            waiting.append((time.monotonic() + delay, os.read(tun, 65536)))
    except OSError:
        pass  # nothing more to read, or the device is down


def give(tun, waiting):
    now = time.monotonic()
    while waiting and waiting[0][0] <= now:
        packet = waiting.popleft()[1]
        try:
            os.write(tun, packet)
        except OSError:
            pass  # the device is down: lost, as on a cable that was pulled out


def main():
    names, delay = sys.argv[1:3], float(sys.argv[3])
    a, b = (make_device(name) for name in names)
    to_a, to_b = collections.deque(), collections.deque()
    print("ready", flush=True)
    while True:
        due = [waiting[0][0] for waiting in (to_a, to_b) if waiting]
        wait = max(0, min(due) - time.monotonic()) if due else None
        readable = select.select([a, b, sys.stdin], [], [], wait)[0]
        if sys.stdin in readable:
            return
        if a in readable:
            take(a, to_b, delay)
        if b in readable:
            take(b, to_a, delay)
        give(a, to_a)
        give(b, to_b)


main()
