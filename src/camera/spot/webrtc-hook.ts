import type { Socket } from "node:dgram";
import type { RTCDtlsTransport } from "werift";
import { Fault } from "../../domain/fault.ts";
import type { SrtpProfile, SrtpSessionKeys } from "../../media/srtp.ts";

/** A burst of 170 packets, an IDR at 8 Mbit/s, overflows the kernel's usual 208 KiB. */
export const wantedReceiveBufferBytes = 4 * 1024 * 1024;

export interface MediaTap {
  /** Resolves when DTLS is through and `keys` can be read; rejects when DTLS fails. */
  readonly connected: Promise<void>;
  readonly keys: { readonly profile: SrtpProfile; readonly session: SrtpSessionKeys };
  /** The smallest receive buffer that the kernel gave to one of the sockets, in bytes. */
  readonly receiveBufferBytes: number;
}

/** The parts of werift 0.25.2 that are not in its types. A test fails when one of them moves. */
interface DatagramTransport {
  readonly socket: Socket;
  onData: (data: Buffer, address: readonly [string, number]) => void;
}

const profiles: Readonly<Record<number, SrtpProfile>> = {
  1: "AES128_CM_HMAC_SHA1_80",
  7: "AEAD_AES_128_GCM",
};

/**
 * Takes the media datagrams (RFC 7983: first byte 128 to 191; RFC 5761: not RTCP types 192 to 223) off all sockets of
 * a session before werift handles them, and gives the keys to read them with. All sockets: media does not always
 * come in on the one that ICE nominated. STUN, DTLS and RTCP stay with werift.
 */
export function takeMedia(transport: RTCDtlsTransport, onDatagram: (datagram: Buffer) => void): MediaTap {
  const sockets = findTransports(transport);
  let receiveBufferBytes = Number.POSITIVE_INFINITY;
  for (const datagrams of sockets) {
    receiveBufferBytes = Math.min(receiveBufferBytes, enlargeReceiveBuffer(datagrams.socket));
    const handOn = datagrams.onData;
    datagrams.onData = (data, address) => {
      if (isMedia(data)) onDatagram(data);
      else handOn(data, address);
    };
  }
  const connected = new Promise<void>((resolve, reject) => {
    transport.onStateChange.subscribe((state) => {
      if (state === "connected") resolve();
      if (state === "failed" || state === "closed") {
        reject(
          new Fault("connection-lost", "The encrypted connection to the camera could not be set up (DTLS)."),
        );
      }
    });
  });
  connected.catch(() => {}); // raced by the session
  return {
    connected,
    receiveBufferBytes,
    get keys() {
      return readKeys(transport);
    },
  };
}

function isMedia(data: Buffer): boolean {
  const first = data[0] ?? 0;
  const second = data[1] ?? 0;
  return first >= 128 && first <= 191 && (second < 192 || second > 223);
}

function findTransports(transport: RTCDtlsTransport): DatagramTransport[] {
  const found: DatagramTransport[] = [];
  const protocols: unknown = Reflect.get(transport.iceTransport.connection, "protocols");
  for (const protocol of Array.isArray(protocols) ? protocols : []) {
    const candidate: unknown =
      typeof protocol === "object" && protocol !== null ? Reflect.get(protocol, "transport") : undefined;
    if (isDatagramTransport(candidate)) found.push(candidate);
  }
  if (found.length === 0)
    throw new Fault(
      "internal",
      "The WebRTC library shows none of its sockets: its version is not the pinned one.",
    );
  return found;
}

function isDatagramTransport(value: unknown): value is DatagramTransport {
  return (
    typeof value === "object" &&
    value !== null &&
    "socket" in value &&
    "onData" in value &&
    typeof value.onData === "function"
  );
}

function enlargeReceiveBuffer(socket: Socket): number {
  try {
    socket.setRecvBufferSize(wantedReceiveBufferBytes);
  } catch {
    // the kernel's own size is then what counts
  }
  return socket.getRecvBufferSize() / 2; // Linux tells twice the usable size (socket(7), SO_RCVBUF)
}

function readKeys(transport: RTCDtlsTransport): MediaTap["keys"] {
  const profile = profiles[Number(transport.dtls?.srtp.srtpProfile)];
  const context = transport.srtp?.remoteContext;
  if (profile === undefined || context?.srtpSessionKey === undefined) {
    throw new Fault("internal", "The WebRTC library shows no SRTP keys: its version is not the pinned one.");
  }
  return {
    profile,
    session: {
      encryption: context.srtpSessionKey,
      salt: context.srtpSessionSalt,
      authentication: context.srtpSessionAuthTag,
    },
  };
}
