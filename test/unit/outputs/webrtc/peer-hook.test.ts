import { EventEmitter, once } from "node:events";
import { Event, RTCDtlsParameters, RTCDtlsTransport } from "werift";
import type { RTCIceTransport } from "werift";
import { describe, expect, it } from "vitest";
import { keepEarlyDtls, useCounterMode } from "../../../../src/outputs/webrtc/peer-hook.ts";

interface End {
  readonly transport: RTCDtlsTransport;
  readonly onData: Event<[Buffer]>;
  readonly sent: Buffer[];
  /** Tells `arrived` for each datagram that it has sent. */
  readonly events: EventEmitter;
}

/** One of two ends of DTLS that ICE has already brought together: what one sends, the other gets. */
async function createEnd(role: "client" | "server", other: () => End): Promise<End> {
  const onData = new Event<[Buffer]>();
  const sent: Buffer[] = [];
  const events = new EventEmitter();
  const connection = {
    onData,
    async send(data: Buffer) {
      sent.push(data);
      setImmediate(() => {
        other().onData.execute(data);
        events.emit("arrived");
      });
    },
  };
  const ice = { connection, role: "controlling" } as unknown as RTCIceTransport;
  const transport = new RTCDtlsTransport({}, ice, await RTCDtlsTransport.SetupCertificate(), []);
  transport.role = role;
  useCounterMode(transport);
  return { transport, onData, events, sent };
}

/** A DTLS record (RFC 6347, 4.1) with a ClientHello that has message number 0: the one before the cookie. */
const isFirstHello = (data: Buffer): boolean =>
  data[0] === 22 && data[13] === 1 && data.readUInt16BE(17) === 0;

describe("DTLS with werift", () => {
  it("hears what came before it listens: the other side need not say it again", async () => {
    const client: End = await createEnd("client", () => server);
    const server: End = await createEnd("server", () => client);
    const [ours, theirs] = [server.transport, client.transport];
    ours.setRemoteParams(new RTCDtlsParameters(theirs.localParameters.fingerprints, "client"));
    theirs.setRemoteParams(new RTCDtlsParameters(ours.localParameters.fingerprints, "server"));
    keepEarlyDtls(ours);

    const connected = theirs.start();
    await once(client.events, "arrived");
    await Promise.all([ours.start(), connected]);
    expect(client.sent.filter(isFirstHello).length).toBe(1);
  });
});
