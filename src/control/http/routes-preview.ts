import type { WebSocket } from "@fastify/websocket";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Fault } from "../../domain/fault.ts";
import type { PreviewViewer } from "../../domain/preview.ts";
import type { RouteGroup } from "./door.ts";
import { isLoopback } from "./options.ts";
import { parseViewerRequest } from "./parse-viewer-request.ts";
import { refusals } from "./schemas.ts";

/** An answer with all of a browser's candidates has some kilobytes. */
const maxMessageBytes = 32_768;
/** So long a viewer may take to say goodbye when the surface or its login ends. */
const farewellMs = 250;
/** RFC 6455, 7.4.1: the server goes away. */
const goingAway = 1001;
/** RFC 6455, 7.4.1: what was allowed is so no longer. */
const loggedOut = 1008;
const pingMs = 10_000;
/** RFC 6455, 7.4.1: what came cannot be understood. */
const unsupportedData = 1003;

/** Lets routes be websockets; those that are open end with the server. */
export async function acceptWebsockets(app: FastifyInstance): Promise<void> {
  const { default: websocket } = await import("@fastify/websocket");
  await app.register(websocket, {
    options: { maxPayload: maxMessageBytes },
    preClose(done) {
      const { clients } = app.websocketServer;
      for (const client of clients) client.close(goingAway, "spotlive stops");
      setTimeout(() => clients.forEach((client) => client.terminate()), farewellMs);
      done();
    },
  });
}

/** The camera's picture for browsers: words and, without WebRTC, the frames over one websocket. */
export const previewRoutes: RouteGroup = (app, { options: { preview } }) => {
  if (preview === undefined) return;
  app.get("/api/preview", { websocket: true, config: { operation } }, (socket, request) => {
    socket.on("error", () => {}); // "close" follows
    const seat = preview.join(toViewer(socket, request));
    if (seat === undefined) return;
    const stopPinging = keepAlive(socket);
    const logout = (): void => {
      socket.close(loggedOut, "The login has ended.");
      setTimeout(() => socket.terminate(), farewellMs); // it need not answer
    };
    const ended = request.session?.ended;
    ended?.addEventListener("abort", logout, { once: true });
    socket.once("close", () => {
      ended?.removeEventListener("abort", logout);
      stopPinging();
      seat[Symbol.dispose]();
    });
    socket.on("message", (data, isBinary) => {
      try {
        if (isBinary) throw new Fault("malformed", "Expected a message as text, got bytes.");
        seat.receive(parseViewerRequest(toText(data)));
      } catch (error) {
        const text = error instanceof Fault ? error.message : "The message cannot be understood.";
        socket.close(unsupportedData, text.slice(0, 120));
      }
    });
  });
};

function toViewer(socket: WebSocket, request: FastifyRequest): PreviewViewer {
  const { remoteAddress, localAddress } = request.socket;
  return {
    peerAddress: plainAddress(remoteAddress),
    localAddress: plainAddress(localAddress),
    isProxied: isProxied(request),
    send: (message) => socket.send(JSON.stringify(message)),
    sendFrame: (frame) => socket.send(frame, { binary: true }),
    get waitingBytes() {
      return socket.bufferedAmount;
    },
    close: (code, reason) => socket.close(code, reason),
  };
}

/** True where a proxy says so, or a connection of this machine asks for a name that is not this machine's own. */
function isProxied({ headers, ip, hostname }: FastifyRequest): boolean {
  const { forwarded, "x-forwarded-for": forwardedFor } = headers;
  return (
    forwarded !== undefined ||
    forwardedFor !== undefined ||
    (isLoopback(plainAddress(ip)) && !isLoopback(hostname.replace(/^\[(.*)\]$/, "$1")))
  );
}

/** An IPv4 address as such, where the socket takes both kinds. */
const plainAddress = (address: string | undefined): string => (address ?? "").replace(/^::ffff:/i, "");

function toText(data: Buffer | ArrayBuffer | Buffer[]): string {
  return Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data as Buffer).toString();
}

/** Ends a connection whose other end does not answer; what waits to be sent stands in front of the question. */
function keepAlive(socket: WebSocket): () => void {
  let answered = true;
  socket.on("pong", () => (answered = true));
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    socket.ping();
  }, pingMs);
  return () => clearInterval(timer);
}

const operation = {
  summary: "The camera's picture, over a websocket",
  description:
    "Words are JSON texts in both directions: offer and answer of a WebRTC connection, or a wish for frames over the " +
    "websocket itself. docs/http.md tells them.",
  responses: {
    101: { description: "A websocket" },
    ...refusals({ 404: "The request asks for no websocket" }),
  },
};
