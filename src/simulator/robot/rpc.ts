import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import type {
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
  sendUnaryData,
} from "@grpc/grpc-js";
import type { RequestHeader, ResponseHeader, Sent } from "../../domain/spot/messages.ts";
import { toFault } from "../../domain/fault.ts";
import { commonErrorCode, timestamp } from "../../lib/spot-protocol.ts";
import type { UnaryMethod } from "../../lib/spot-protocol.ts";
import type { ServerIdentity } from "./certificates.ts";
import type { Bearer, Tokens } from "./tokens.ts";

/** One answer to each method. A thrown `Fault` becomes a header that says "invalid request". */
export type Handlers<Methods> = {
  readonly [Name in keyof Methods]: Methods[Name] extends UnaryMethod<infer Request, infer Response>
    ? (request: Request) => Sent<Response>
    : never;
};

/** Who may call a service: its only `:authority`, and whose tokens are good for it; undefined: no token needed. */
export interface Door {
  /** Undefined while the service is not there. */
  readonly authority: () => string | undefined;
  readonly admits?: (bearer: Bearer) => boolean;
}

interface WithHeader {
  readonly header: RequestHeader | null;
}

type Refusal = { readonly code: status; readonly details: string };

/** The robot's gRPC front: one TLS port, behind which calls are routed by their `:authority` alone. */
export class RpcServer {
  #server = new Server();
  readonly #tokens: Tokens;
  readonly #services: [ServiceDefinition, UntypedServiceImplementation][] = [];
  #calls = 0;

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  /** Calls that came in, refused ones included. */
  get calls(): number {
    return this.#calls;
  }

  addService<Methods extends object>(methods: Methods, door: Door, handlers: Handlers<Methods>): void {
    const implementation: UntypedServiceImplementation = {};
    for (const [name, handler] of Object.entries(
      handlers as Record<string, (request: WithHeader) => object>,
    )) {
      implementation[name] = (call: ServerUnaryCall<WithHeader, object>, callback: sendUnaryData<object>) => {
        this.#calls += 1;
        const refusal = this.#refusal(call, door);
        if (refusal === undefined) callback(null, answer(call.request, handler));
        else callback(refusal);
      };
    }
    this.#services.push([methods as ServiceDefinition, implementation]);
  }

  /** Listens on an IPv4 address; `port` 0 lets the kernel choose. Resolves with the port. */
  async listen(identity: ServerIdentity, host: string, port: number): Promise<number> {
    this.#server = new Server();
    for (const [methods, implementation] of this.#services) this.#server.addService(methods, implementation);
    const credentials = ServerCredentials.createSsl(null, [
      { cert_chain: Buffer.from(identity.certificatePem), private_key: Buffer.from(identity.keyPem) },
    ]);
    return await new Promise((resolve, reject) =>
      this.#server.bindAsync(`${host}:${port}`, credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      ),
    );
  }

  /** Cuts all connections and stops to listen. */
  close(): void {
    this.#server.forceShutdown();
  }

  #refusal(call: ServerUnaryCall<WithHeader, object>, door: Door): Refusal | undefined {
    const authority = door.authority();
    if (authority === undefined || call.getHost() !== authority) {
      return {
        code: status.UNIMPLEMENTED,
        details: `nothing at authority ${call.getHost()} answers ${call.getPath()}`,
      };
    }
    if (door.admits === undefined) return undefined;
    const header = call.metadata.get("authorization")[0];
    const bearer = this.#tokens.bearerOfHeader(header?.toString());
    if (bearer === undefined) return { code: status.UNAUTHENTICATED, details: "401: no valid user token" };
    if (!door.admits(bearer))
      return { code: status.PERMISSION_DENIED, details: "the token lacks the permission" };
    return undefined;
  }
}

function answer(request: WithHeader, handler: (request: WithHeader) => object): object {
  const received = timestamp(Date.now());
  const header = (code: number, message: string): Sent<ResponseHeader> => ({
    requestHeader: request.header,
    requestReceivedTimestamp: received,
    responseTimestamp: timestamp(Date.now()),
    error: { code, message },
  });
  try {
    return { ...handler(request), header: header(commonErrorCode.ok, "") };
  } catch (error) {
    return { header: header(commonErrorCode.invalidRequest, toFault(error).message) };
  }
}
