import type { Socket } from "node:dgram";
import type { RTCDtlsTransport } from "werift";
import { Fault } from "../../domain/fault.ts";
import type { SrtpSessionKeys } from "../../media/srtp.ts";

/** SRTP_AES128_CM_HMAC_SHA1_80 in RFC 5764, 4.1.2: every browser has it. */
const counterMode = 1;

/** The parts of werift 0.25.2 that are not in its types. A test fails when one of them moves. */
interface DatagramTransport {
  readonly socket: Socket;
  send: (data: Buffer, address?: readonly [string, number]) => Promise<void>;
}

/** Has DTLS agree on the one way of encryption that `SrtpSender` speaks. Before the handshake. */
export function useCounterMode(transport: RTCDtlsTransport): void {
  if (!Array.isArray(Reflect.get(transport, "srtpProfiles"))) throw moved("the list of SRTP profiles");
  Reflect.set(transport, "srtpProfiles", [counterMode]);
}

/**
 * Gives the keys of what we send, and the way that ICE has found: its socket, from now on bound to the other
 * side's one address, as the kernel takes less time then. What else werift sends there goes the same way. `onHeard` is
 * told of each datagram that comes.
 */
export function takeOver(
  transport: RTCDtlsTransport,
  onHeard?: () => void,
): {
  readonly keys: SrtpSessionKeys;
  send(datagram: Buffer): void;
} {
  const pair = transport.iceTransport.connection.nominated;
  const datagrams: unknown = pair && Reflect.get(pair.protocol, "transport");
  if (pair === undefined || !isDatagramTransport(datagrams)) throw moved("the way that ICE has found");
  const [host, port] = pair.remoteAddr;
  const { socket } = datagrams;
  const sendTo = datagrams.send;
  let bound = false;
  const send = (datagram: Buffer): void => {
    try {
      if (bound) socket.send(datagram);
      else socket.send(datagram, port, host);
    } catch {
      // closed meanwhile: as lost as on any other network
    }
  };
  socket.on("error", () => {}); // the other side's port is closed: ICE notices
  if (onHeard !== undefined) socket.on("message", () => onHeard());
  socket.connect(port, host, (error?: Error) => {
    if (error !== undefined) return;
    bound = true;
    datagrams.send = async (data, address) => {
      if (address === undefined || (address[0] === host && address[1] === port)) send(data);
    };
  });
  datagrams.send = async (data, address) => {
    try {
      await sendTo(data, address);
    } catch {
      send(data); // it was being bound
    }
  };
  return { keys: readKeys(transport), send };
}

function isDatagramTransport(value: unknown): value is DatagramTransport {
  return (
    typeof value === "object" &&
    value !== null &&
    "socket" in value &&
    "send" in value &&
    typeof value.send === "function"
  );
}

function readKeys(transport: RTCDtlsTransport): SrtpSessionKeys {
  const context = transport.srtp?.localContext;
  if (transport.dtls?.srtp.srtpProfile !== counterMode || context?.srtpSessionKey === undefined)
    throw moved("the SRTP keys");
  return {
    encryption: context.srtpSessionKey,
    salt: context.srtpSessionSalt,
    authentication: context.srtpSessionAuthTag,
  };
}

function moved(what: string): Fault {
  return new Fault(
    "internal",
    `The WebRTC library does not show ${what}: its version is not the pinned one.`,
  );
}
