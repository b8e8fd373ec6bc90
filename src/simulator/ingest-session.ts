import type { Duplex } from "node:stream";
import { Fault } from "../domain/fault.ts";
import type { AmfValue } from "../rtmp/amf0.ts";
import { asObject, commandMessage, parseCommand, type Command } from "../rtmp/command.ts";
import { RtmpConnection } from "../rtmp/connection.ts";
import { controlMessage, messageType, type IncomingMessage } from "../rtmp/message.ts";

/** How to answer a publisher: take it, refuse it with words, or close as Twitch does, without any. */
export type Answer = "accept" | "bad-key" | "already-publishing" | "close";

export interface IngestSessionEvents {
  /** Decides about a publisher; `streamKey` holds whatever stands behind `?` as well. */
  onPublish(streamKey: string): Answer;
  onMedia(message: IncomingMessage): void;
  /** Called once; with a fault where the publisher broke the protocol. */
  onClosed(fault: Fault | undefined): void;
}

export interface IngestSessionOptions {
  readonly app: string;
  readonly acknowledge: boolean;
}

const limits = { messageBytes: 8 << 20, chunkStreams: 32 };
const chunkSize = 4096;
const acknowledgementWindow = 2_500_000;
const mediaStream = 1;

/** The server's side of one publishing dialogue (Adobe RTMP Specification 1.0, section 7.2). */
export function serveSession(
  stream: Duplex,
  options: IngestSessionOptions,
  events: IngestSessionEvents,
): void {
  const connection = new RtmpConnection(
    stream,
    { role: "server", limits, acknowledge: options.acknowledge },
    { onHandshakeDone() {}, onMessage: receive, onClosed: events.onClosed },
  );

  function receive(message: IncomingMessage): void {
    if (message.type === messageType.commandAmf0) answer(parseCommand(message));
    else if (message.type === messageType.audio || message.type === messageType.video)
      events.onMedia(message);
    else if (message.type === messageType.dataAmf0) events.onMedia(message);
  }

  function answer(command: Command): void {
    const { name, transaction } = command;
    if (name === "connect") connect(command);
    else if (name === "createStream")
      connection.send([commandMessage("_result", transaction, null, mediaStream)]);
    else if (name === "FCPublish") connection.send([commandMessage("onFCPublish", 0, null)]);
    else if (name === "publish") publish(command);
    else if (name === "deleteStream") stream.end();
  }

  function connect(command: Command): void {
    const app = asObject(command.values[0])?.["app"];
    if (app !== options.app) {
      const text = "This application does not exist.";
      const info = status("error", "NetConnection.Connect.Rejected", text);
      connection.send([commandMessage("_error", command.transaction, null, info)]);
      stream.end();
      return;
    }
    connection.send([
      controlMessage(messageType.windowAcknowledgementSize, acknowledgementWindow),
      controlMessage(messageType.setPeerBandwidth, acknowledgementWindow),
    ]);
    connection.setChunkSize(chunkSize);
    const properties = { fmsVer: "FMS/3,0,1,123", capabilities: 31 };
    const info = status("status", "NetConnection.Connect.Success", "Connection succeeded.");
    connection.send([commandMessage("_result", command.transaction, properties, info)]);
  }

  function publish(command: Command): void {
    const streamKey = command.values[1];
    if (typeof streamKey !== "string")
      throw new Fault("protocol-error", "Expected a stream name in publish.");
    const verdict = events.onPublish(streamKey);
    if (verdict === "accept") say("status", "NetStream.Publish.Start", "Publishing.");
    else if (verdict === "bad-key") say("error", "NetStream.Publish.BadName", "Bad stream key.");
    else if (verdict === "already-publishing")
      say("error", "NetStream.Publish.BadName", "Already publishing");
    if (verdict !== "accept") stream.end();
  }

  function say(level: string, code: string, description: string): void {
    connection.send([commandMessage("onStatus", 0, null, status(level, code, description))], mediaStream);
  }
}

function status(level: string, code: string, description: string): AmfValue {
  return { level, code, description };
}
