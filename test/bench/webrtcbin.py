#!/usr/bin/python3
"""The peer of the benchmark: GStreamer's webrtcbin doing spotlive's job.

Reads one JSON line from standard input (host, port, token, certificatePem, location), answers the camera's offer and
publishes its picture without decoding it. Ends when standard input ends. Python only negotiates: the media stays in
GStreamer's own threads.
"""

import base64
import http.client
import json
import os
import ssl
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

LATENCY_MS = 120
PATH = "/h264.sdp"


class Peer:
    def __init__(self, settings, loop):
        self.settings = settings
        self.loop = loop
        self.offer_id = None
        self.posted = False
        self.pipeline = Gst.Pipeline.new()
        self.webrtc = Gst.ElementFactory.make("webrtcbin")
        self.webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.webrtc.set_property("latency", LATENCY_MS)
        self.pipeline.add(self.webrtc)
        # Kept: Python takes over the agent's only (floating) reference, and would free it with the variable.
        self.agent = self.webrtc.get_property("ice-agent")
        self.agent.emit("add-local-ip-address", "127.0.0.1")
        self.webrtc.connect("on-new-transceiver", self.on_transceiver)
        self.webrtc.connect("pad-added", self.on_pad)
        self.webrtc.connect("notify::ice-gathering-state", lambda *_: GLib.idle_add(self.post_answer))
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        offer = json.loads(self.exchange("GET"))
        self.offer_id = offer["id"]
        text = base64.b64decode(offer["sdp"]).decode()
        description = parse_description(text, GstWebRTC.WebRTCSDPType.OFFER)
        self.webrtc.emit("set-remote-description", description, Gst.Promise.new_with_change_func(self.on_remote))

    def on_transceiver(self, _webrtc, transceiver):
        transceiver.set_property("do-nack", True)

    def on_remote(self, _promise):
        self.webrtc.emit("create-answer", None, Gst.Promise.new_with_change_func(self.on_answer))

    def on_answer(self, promise):
        reply = promise.get_reply()  # the answer lives in its memory
        text = reply.get_value("answer").sdp.as_text()
        # The direction of a transceiver comes too late for the answer: no sound is wanted, as in spotlive.
        video, *audio = text.split("m=audio")
        text = "m=audio".join([video, *(part.replace("a=recvonly", "a=inactive") for part in audio)])
        answer = parse_description(text, GstWebRTC.WebRTCSDPType.ANSWER)
        self.webrtc.emit("set-local-description", answer, Gst.Promise.new_with_change_func(lambda _: None))

    def post_answer(self):
        """There is no trickle: the answer goes when all candidates are in it."""
        state = self.webrtc.get_property("ice-gathering-state")
        if self.posted or state != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            return False
        self.posted = True
        text = self.webrtc.get_property("local-description").sdp.as_text()
        answer = {"id": self.offer_id, "sdp": base64.b64encode(text.encode()).decode()}
        self.exchange("POST", json.dumps(answer))
        return False

    def on_pad(self, _webrtc, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        line = Gst.parse_bin_from_description(
            "rtph264depay ! h264parse ! flvmux streamable=true ! rtmp2sink name=sink", True
        )
        line.get_by_name("sink").set_property("location", self.settings["location"])
        self.pipeline.add(line)
        line.sync_state_with_parent()
        pad.link(line.get_static_pad("sink"))

    def on_error(self, _bus, message):
        error, details = message.parse_error()
        print(f"{error.message} ({details})", file=sys.stderr)
        self.loop.quit()

    def exchange(self, method, body=None):
        """One request to the camera's HTTPS door; its certificate is the only one that is trusted."""
        context = ssl.create_default_context(cadata=self.settings["certificatePem"])
        context.check_hostname = False
        host, port = self.settings["host"], self.settings["port"]
        connection = http.client.HTTPSConnection(host, port, context=context, timeout=10)
        headers = {"authorization": f"Bearer {self.settings['token']}", "content-type": "application/json"}
        connection.request(method, PATH, body, headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"{method} {PATH}: {response.status} {text}")
        return text


def parse_description(text, kind):
    _, message = GstSdp.SDPMessage.new_from_text(text)
    return GstWebRTC.WebRTCSessionDescription.new(kind, message)


def die(kind, error, trace):
    """An exception in a callback would otherwise only be printed."""
    sys.__excepthook__(kind, error, trace)
    os._exit(1)


def main():
    sys.excepthook = die
    Gst.init(None)
    loop = GLib.MainLoop()
    peer = Peer(json.loads(sys.stdin.readline()), loop)
    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_HUP | GLib.IO_ERR, lambda *_: loop.quit())
    peer.run()
    loop.run()
    peer.pipeline.set_state(Gst.State.NULL)


main()
