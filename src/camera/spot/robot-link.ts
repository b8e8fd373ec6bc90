import { status } from "@grpc/grpc-js";
import { Fault, toFault } from "../../domain/fault.ts";
import type { FaultCode } from "../../domain/fault.ts";
import type { Secret } from "../../domain/secret.ts";
import type { OnlyHeader, RequestHeader, ResponseHeader, Sent } from "../../domain/spot/messages.ts";
import { directoryNames, fixedAuthorities } from "../../lib/spot-protocol.ts";
import type { UnaryMethod } from "../../lib/spot-protocol.ts";
import { waitUnlessAborted } from "./abortable.ts";
import { findAuthority } from "./directory.ts";
import { RobotClient } from "./rpc.ts";
import type { TokenKeeper } from "./token.ts";
import { resolveTrust } from "./trust.ts";
import type { TlsAddress, TlsTrust } from "./trust.ts";

export interface RobotLinkOptions {
  readonly robot: TlsAddress & { readonly trust: TlsTrust };
  readonly tokens: TokenKeeper;
  /** Milliseconds without a call after which the connection is closed. */
  readonly idleMs: number;
}

export type CameraService = keyof typeof directoryNames;

/** One of the camera's services, found in the directory and logged in to. */
export interface ReachedService {
  readonly client: RobotClient;
  readonly authority: string;
  readonly token: Secret;
}

export async function callService<
  Request extends OnlyHeader<RequestHeader>,
  Response extends OnlyHeader<ResponseHeader>,
>(
  { client, authority, token }: ReachedService,
  method: UnaryMethod<Request, Response>,
  request: Sent<Request>,
  signal: AbortSignal,
): Promise<Response> {
  return await client.call({ method, authority, request, token }, signal);
}

/**
 * Keeps one connection to the robot open from call to call, and closes it when nothing was called for a while.
 * What can be cured at once is, each kind once a call: a token that the robot refuses is renewed, a service that
 * has moved is looked up again, a connection that used to work is opened anew.
 */
export class RobotLink implements Disposable {
  readonly #options: RobotLinkOptions;
  #current: Connection | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: RobotLinkOptions) {
    this.#options = options;
  }

  /**
   * Runs `call`, a second time after a cure: it must do the same when done twice. Throws `camera-missing` where the
   * directory does not list the service, besides what the login, the directory and `call` throw.
   */
  async use<Value>(
    service: CameraService,
    signal: AbortSignal,
    call: (reached: ReachedService) => Promise<Value>,
  ): Promise<Value> {
    const cured = new Set<FaultCode>();
    for (;;) {
      const connection = this.#take();
      const known = connection.authorities.get(service);
      let token: Secret | undefined = undefined;
      try {
        const client = await waitUnlessAborted(connection.client, signal);
        token = await this.#options.tokens.get(client, signal);
        const authority = known ?? (await findAuthority(client, directoryNames[service], token, 0, signal));
        connection.authorities.set(service, authority);
        return await call({ client, authority, token });
      } catch (error) {
        const fault = toFault(error, "robot-error");
        if (signal.aborted) throw fault;
        if (isNotFound(fault)) connection.authorities.delete(service);
        if (isUnreachable(fault)) this.#retire(connection);
        if (token !== undefined && fault.code === "token-expired") this.#options.tokens.forget(token);
        const isCurable =
          (isNotFound(fault) && known !== undefined) ||
          (isUnreachable(fault) && connection.authorities.size > 0) ||
          (fault.code === "token-expired" && token !== undefined);
        if (!isCurable || cured.has(fault.code)) throw fault;
        cured.add(fault.code);
      } finally {
        this.#giveBack(connection);
      }
    }
  }

  /** Calls that run still end by themselves; their connection is closed after the last. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    if (this.#current !== undefined) this.#retire(this.#current);
  }

  #take(): Connection {
    if (this.#isClosed) throw new Fault("not-running", "The camera's control is closed.");
    clearTimeout(this.#idleTimer);
    const connection = (this.#current ??= new Connection(this.#options.robot));
    connection.users += 1;
    return connection;
  }

  #giveBack(connection: Connection): void {
    connection.users -= 1;
    if (connection.users > 0) return;
    if (connection !== this.#current) connection[Symbol.dispose]();
    else this.#idleTimer = setTimeout(() => this.#retire(connection), this.#options.idleMs).unref();
  }

  /** Nobody new takes it; who has it keeps it to the end. */
  #retire(connection: Connection): void {
    if (this.#current === connection) this.#current = undefined;
    if (connection.users === 0) connection[Symbol.dispose]();
  }
}

class Connection implements Disposable {
  readonly client: Promise<RobotClient>;
  /** Of the services found so far: one that holds any has worked. */
  readonly authorities = new Map<CameraService, string>();
  users = 0;
  readonly #opening = new AbortController();

  constructor(robot: RobotLinkOptions["robot"]) {
    const address = { ...robot, serverName: fixedAuthorities.auth };
    this.client = resolveTrust(robot.trust, address, this.#opening.signal).then(
      (trust) => new RobotClient(robot, trust),
    );
    this.client.catch(() => {}); // told to whoever uses it
  }

  [Symbol.dispose](): void {
    this.#opening.abort();
    this.client.then(
      (client) => client[Symbol.dispose](),
      () => {}, // nothing was opened
    );
  }
}

function isUnreachable({ code }: Fault): boolean {
  return code === "robot-unreachable" || code === "robot-tls";
}

/** The robot has nothing at that authority: the service has moved, or its payload is away. */
function isNotFound({ code, cause }: Fault): boolean {
  if (code !== "robot-error" || !(cause instanceof Error) || !("code" in cause)) return false;
  return cause.code === status.UNIMPLEMENTED || cause.code === status.NOT_FOUND;
}
