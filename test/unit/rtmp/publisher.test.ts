import { once } from "node:events";
import { duplexPair, type Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { Secret } from "../../../src/domain/secret.ts";
import type { AmfValue } from "../../../src/rtmp/amf0.ts";
import { commandMessage, parseCommand, type Command } from "../../../src/rtmp/command.ts";
import { RtmpConnection } from "../../../src/rtmp/connection.ts";
import { controlMessage, messageType, noBytes, type IncomingMessage } from "../../../src/rtmp/message.ts";
import { connectPublisher, type Publisher } from "../../../src/rtmp/publisher.ts";

const streamKey = new Secret("live_123_canary");
const options = { app: "app", tcUrl: "rtmp://host/app", streamKey };
const never = new AbortController().signal;

interface Server {
  readonly stream: Duplex;
  readonly connection: RtmpConnection;
  readonly commands: Command[];
  readonly others: IncomingMessage[];
}

/** A server at the other end of a pair of streams that answers each command as `answers` says. */
function serve(stream: Duplex, answers: (command: Command, server: Server) => void): Server {
  const commands: Command[] = [];
  const others: IncomingMessage[] = [];
  const limits = { messageBytes: 1 << 20, chunkStreams: 32 };
  const connection: RtmpConnection = new RtmpConnection(
    stream,
    { role: "server", limits },
    {
      onHandshakeDone() {},
      onMessage(message) {
        if (message.type !== messageType.commandAmf0) others.push(message);
        else {
          const command = parseCommand(message);
          commands.push(command);
          answers(command, server);
        }
      },
      onClosed() {},
    },
  );
  const server = { stream, connection, commands, others };
  return server;
}

function status(level: string, code: string, description = ""): AmfValue {
  return { level, code, description };
}

/** Consents to everything up to publish, which `onPublish` answers. */
function polite(onPublish: (server: Server) => void): (command: Command, server: Server) => void {
  return ({ name, transaction }, server) => {
    if (name === "connect")
      server.connection.send([commandMessage("_result", transaction, {}, status("status", "ok"))]);
    if (name === "releaseStream")
      server.connection.send([commandMessage("_error", transaction, null, status("error", "no"))]);
    if (name === "createStream") server.connection.send([commandMessage("_result", transaction, null, 7)]);
    if (name === "publish") onPublish(server);
  };
}

function consent(server: Server): void {
  server.connection.send(
    [commandMessage("onStatus", 0, null, status("status", "NetStream.Publish.Start"))],
    7,
  );
}

function publishTo(answers: (command: Command, server: Server) => void): {
  publisher: Promise<Publisher>;
  server: Server;
} {
  const [ours, theirs] = duplexPair();
  const server = serve(theirs, answers);
  return { publisher: connectPublisher(ours, options, never), server };
}

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("Expected a fault, got none.");
}

function say(level: string, code: string, description?: string): (server: Server) => void {
  return ({ connection }) =>
    connection.send([commandMessage("onStatus", 0, null, status(level, code, description))], 7);
}

describe("the publisher", () => {
  it("connects, creates a stream and publishes the key on it, although releaseStream is refused", async () => {
    const { publisher, server } = publishTo(polite(consent));
    await publisher;
    const calls = server.commands.map(({ name, values }) => [name, values[1]]);
    expect(calls).toEqual([
      ["connect", undefined],
      ["releaseStream", "live_123_canary"],
      ["FCPublish", "live_123_canary"],
      ["createStream", undefined],
      ["publish", "live_123_canary"],
    ]);
    expect(server.commands[0]?.values[0]).toMatchObject({ app: "app", tcUrl: "rtmp://host/app" });
    expect(server.commands[4]?.values[2]).toBe("live");
  });

  it("sends media on the stream that the server created", async () => {
    const { publisher, server } = publishTo(polite(consent));
    const body = Buffer.alloc(200_000, 5);
    (await publisher).send([
      { chunkStream: 6, type: messageType.video, timestamp: 40, head: Buffer.of(1, 2), body },
    ]);
    while (server.others.length === 0) await new Promise(setImmediate);
    const payload = Buffer.concat([Buffer.of(1, 2), body]);
    expect(server.others).toEqual([{ type: messageType.video, streamId: 7, timestamp: 40, payload }]);
  });

  it("answers a ping, and counts acknowledgements on over 2^32", async () => {
    const { publisher, server } = publishTo(polite(consent));
    const connected = await publisher;
    expect(connected.acknowledgedBytes).toBeUndefined();
    for (const sequence of [0x70000000, 0xe0000000, 0x20, 0x10]) {
      server.connection.send([controlMessage(messageType.acknowledgement, sequence)]);
    }
    const ping = Buffer.from("0006000004d2", "hex");
    server.stream.on("data", (bytes: Buffer) => received.push(bytes));
    const received: Buffer[] = [];
    server.connection.send([
      { chunkStream: 2, type: messageType.userControl, timestamp: 0, head: ping, body: noBytes },
    ]);
    while (received.length === 0) await new Promise(setImmediate);
    expect(Buffer.concat(received).toString("hex")).toContain("0007000004d2");
    expect(connected.acknowledgedBytes).toBe(0x100000020);
  });

  it("acknowledges what it receives as often as the server's window demands", async () => {
    const { publisher, server } = publishTo(polite(consent));
    await publisher;
    server.connection.send([controlMessage(messageType.windowAcknowledgementSize, 1000)]);
    while (server.connection.acknowledgedBytes === undefined) {
      server.connection.send([controlMessage(messageType.setPeerBandwidth, 1)]);
      await new Promise(setImmediate);
    }
    expect(server.connection.acknowledgedBytes).toBeGreaterThanOrEqual(1000);
  });

  it.each([
    ["NetStream.Publish.BadName", "Already publishing", "key-in-use"],
    ["NetStream.Publish.BadName", "Invalid stream key", "key-refused"],
    ["NetStream.Publish.Denied", "", "key-refused"],
    ["NetStream.Publish.Rejected", "Unauthorized", "key-refused"],
    ["NetStream.Publish.Failed", "No room", "publish-refused"],
  ])("makes of %s, %j the fault %s", async (code, description, expected) => {
    const { publisher } = publishTo(polite(say("error", code, description)));
    const fault = await faultOf(publisher);
    expect(fault.code).toBe(expected);
    expect(fault.message).toContain(code);
  });

  it("tells that the server does not know the application", async () => {
    const { publisher } = publishTo(({ transaction }, { connection }) =>
      connection.send([
        commandMessage(
          "_error",
          transaction,
          null,
          status("error", "NetConnection.Connect.InvalidApp", "no such app"),
        ),
      ]),
    );
    const fault = await faultOf(publisher);
    expect(fault.code).toBe("publish-refused");
    expect(fault.message).toContain("no such app");
  });

  it("never quotes words that hold the stream key", async () => {
    const words = "Stream live_123_canary is not known";
    const { publisher } = publishTo(polite(say("error", "NetStream.Publish.BadName", words)));
    const fault = await faultOf(publisher);
    expect(fault.code).toBe("key-refused");
    expect(fault.message).not.toContain("canary");
  });

  it("says that the key may be wrong when the server closes without a word, before or right after its consent", async () => {
    const before = publishTo(polite(({ stream }) => stream.end()));
    expect((await faultOf(before.publisher)).code).toBe("closed-early");
    const after = publishTo(polite(consent));
    const { ended } = await after.publisher;
    after.server.stream.end();
    expect((await ended).code).toBe("closed-early");
  });

  it("does not blame the key when the server closes before publish", async () => {
    const { publisher } = publishTo((_, { stream }) => stream.end());
    expect((await faultOf(publisher)).code).toBe("output-closed");
  });

  it("gives up on a server that does not answer", async () => {
    const [ours] = duplexPair();
    const fault = await faultOf(connectPublisher(ours, { ...options, timeoutMs: 20 }, never));
    expect(fault.code).toBe("output-stalled");
    expect(ours.destroyed).toBe(true);
  });

  it("gives up when it is aborted", async () => {
    const [ours] = duplexPair();
    const controller = new AbortController();
    const publisher = connectPublisher(ours, options, controller.signal);
    controller.abort();
    expect((await faultOf(publisher)).code).toBe("output-closed");
    expect(ours.destroyed).toBe(true);
  });

  it("reports a server that breaks the protocol", async () => {
    const { publisher, server } = publishTo(polite(consent));
    const { ended } = await publisher;
    server.stream.write(Buffer.alloc(20, 0xff));
    expect((await ended).code).toBe("protocol-error");
  });

  it("says good-bye with FCUnpublish and deleteStream", async () => {
    const { publisher, server } = publishTo(polite(consent));
    const connected = await publisher;
    server.stream.once("end", () => server.stream.end());
    await connected.end();
    const calls = server.commands.slice(5).map(({ name, values }) => [name, values[1]]);
    expect(calls).toEqual([
      ["FCUnpublish", "live_123_canary"],
      ["deleteStream", 7],
    ]);
  });

  it("ends although the server never closes", async () => {
    const [ours, theirs] = duplexPair();
    serve(theirs, polite(consent));
    const publisher = await connectPublisher(ours, options, never);
    const closed = once(ours, "close");
    await publisher.end();
    await closed;
  });
});
