import { createSecureContext } from "node:tls";
import { Client, Metadata, credentials, status } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { Fault } from "../../domain/fault.ts";
import type { Secret } from "../../domain/secret.ts";
import type { OnlyHeader, RequestHeader, ResponseHeader, Sent } from "../../domain/spot/messages.ts";
import { commonErrorCode, timestamp } from "../../lib/spot-protocol.ts";
import type { UnaryMethod } from "../../lib/spot-protocol.ts";
import { explainConnectionError } from "./trust.ts";
import type { TlsAddress, TrustOptions } from "./trust.ts";

const deadlineMs = 10_000;
const keepaliveMs = 5000;

/** One call to one of the robot's services. */
export interface RobotCall<Request, Response> {
  readonly method: UnaryMethod<Request, Response>;
  readonly authority: string;
  /** Without its header, which is made here. */
  readonly request: Sent<Request>;
  readonly token?: Secret;
}

/**
 * gRPC to the robot. All services share one address and are told apart by the HTTP/2 `:authority`, so there is one
 * channel per authority. Both channel options are needed: the override alone changes the TLS name, not `:authority`.
 */
export class RobotClient implements Disposable {
  readonly #address: TlsAddress;
  readonly #trust: TrustOptions;
  readonly #channels = new Map<string, Client>();

  constructor(address: TlsAddress, trust: TrustOptions) {
    this.#address = address;
    this.#trust = trust;
  }

  /**
   * Calls and checks `header.error.code`, which is 1 in every good answer.
   * Throws `robot-unreachable`, `robot-tls`, `token-expired`, `permission-denied` or `robot-error`.
   */
  async call<Request extends OnlyHeader<RequestHeader>, Response extends OnlyHeader<ResponseHeader>>(
    call: RobotCall<Request, Response>,
    signal: AbortSignal,
  ): Promise<Response> {
    const metadata = new Metadata();
    if (call.token !== undefined) metadata.set("authorization", `Bearer ${call.token.reveal()}`);
    const request = {
      ...call.request,
      header: { clientName: "spotlive", requestTimestamp: timestamp(Date.now()) },
    } as Sent<Request>;
    const response = await this.#unary(call, request, metadata, signal);
    const error = response.header?.error;
    if (error?.code !== commonErrorCode.ok) {
      throw new Fault(
        "robot-error",
        `The robot refused ${call.method.path} with error ${error?.code ?? "unset"}${error?.message ? `: ${error.message}` : ""}.`,
      );
    }
    return response;
  }

  [Symbol.dispose](): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  #unary<Request, Response>(
    call: RobotCall<Request, Response>,
    request: Sent<Request>,
    metadata: Metadata,
    signal: AbortSignal,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const running = this.#channel(call.authority).makeUnaryRequest(
        call.method.path,
        call.method.requestSerialize,
        call.method.responseDeserialize,
        request,
        metadata,
        { deadline: Date.now() + deadlineMs },
        (error, response) => {
          signal.removeEventListener("abort", cancel);
          if (error !== null) reject(this.#explain(error, call.method.path));
          else if (response === undefined)
            reject(new Fault("robot-error", `${call.method.path} gave no answer.`));
          else resolve(response);
        },
      );
      const cancel = (): void => running.cancel();
      signal.addEventListener("abort", cancel, { once: true });
      if (signal.aborted) cancel();
    });
  }

  #channel(authority: string): Client {
    const known = this.#channels.get(authority);
    if (known !== undefined) return known;
    const { host, port } = this.#address;
    const { checkServerIdentity, rejectUnauthorized, ...context } = this.#trust;
    const channel = new Client(
      `${host}:${port}`,
      credentials.createFromSecureContext(createSecureContext(context), {
        rejectUnauthorized,
        ...(checkServerIdentity && { checkServerIdentity }),
      }),
      {
        "grpc.ssl_target_name_override": authority,
        "grpc.default_authority": authority,
        "grpc.keepalive_time_ms": keepaliveMs,
        "grpc.enable_http_proxy": 0,
        "grpc.service_config_disable_resolution": 1,
      },
    );
    this.#channels.set(authority, channel);
    return channel;
  }

  #explain(error: ServiceError, path: string): Fault {
    switch (error.code) {
      case status.UNAUTHENTICATED:
        return new Fault("token-expired", "The robot no longer accepts our token; a new one is asked for.", {
          cause: error,
        });
      case status.PERMISSION_DENIED:
        return new Fault(
          "permission-denied",
          `The robot's user may not call ${path}; ask its administrator.`,
          {
            cause: error,
          },
        );
      case status.UNAVAILABLE:
      case status.DEADLINE_EXCEEDED:
      case status.CANCELLED:
        return explainConnectionError(new Error(error.details), this.#address);
      default:
        return new Fault(
          "robot-error",
          `The robot refused ${path}: ${error.details} (gRPC status ${error.code}).`,
          {
            cause: error,
          },
        );
    }
  }
}
