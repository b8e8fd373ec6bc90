import { Fault } from "../../domain/fault.ts";
import { Secret } from "../../domain/secret.ts";
import { nowUs } from "../../lib/clock.ts";
import {
  authService,
  authStatus,
  fixedAuthorities,
  payloadAuthStatus,
  payloadRegistrationService,
  registerPayloadStatus,
} from "../../lib/spot-protocol.ts";
import { waitUnlessAborted } from "./abortable.ts";
import type { RobotClient } from "./rpc.ts";

/** How to log in: as a user of the robot, or as a registered payload. */
export type RobotLogin =
  | { readonly kind: "password"; readonly username: string; readonly password: Secret }
  | { readonly kind: "payload"; readonly guid: string; readonly secret: Secret };

/** Tokens live for 12 h; one is exchanged for a new one after 1 h, so a robot that is away for hours costs nothing. */
const renewAfterUs = 3600 * 1_000_000;

/** An exchange or a login that is under way, and the signal of whoever began it. */
interface Renewal {
  readonly token: Promise<Secret>;
  readonly signal: AbortSignal;
}

/**
 * Holds the robot's user token over all attempts of a source and of whoever else shares the login; several who need
 * a new one at once get the same. A wrong password is tried once and never again: six wrong tries lock the account.
 */
export class TokenKeeper {
  readonly #login: RobotLogin;
  /** Called with each new token before it is used, so that logs can mask it. */
  readonly #onToken: (token: Secret) => void;
  #token: Secret | undefined;
  #takenUs = 0;
  #renewal: Renewal | undefined;
  #refusal: Fault | undefined;

  constructor(login: RobotLogin, onToken: (token: Secret) => void) {
    this.#login = login;
    this.#onToken = onToken;
  }

  /**
   * The current token, renewed when it is old. Throws `login-refused`, `login-locked` or `payload-not-authorized`
   * besides what a call can throw.
   */
  async get(client: RobotClient, signal: AbortSignal): Promise<Secret> {
    for (;;) {
      if (this.#token !== undefined && nowUs() - this.#takenUs < renewAfterUs) return this.#token;
      const others = this.#renewal;
      if (others === undefined) return await this.#begin(client, signal);
      try {
        return await waitUnlessAborted(others.token, signal);
      } catch (error) {
        // That whoever began it has stopped says nothing about the robot: then we ask.
        if (signal.aborted || !others.signal.aborted) throw error;
      }
    }
  }

  /** The robot refused this token, or whichever is current: the next `get` brings a new one. */
  forget(refused: Secret | undefined = this.#token): void {
    if (refused === this.#token) this.#takenUs = Number.NEGATIVE_INFINITY;
  }

  #begin(client: RobotClient, signal: AbortSignal): Promise<Secret> {
    const bring = async (): Promise<Secret> => {
      try {
        const token = (await this.#renew(client, signal)) ?? (await this.#logIn(client, signal));
        this.#onToken(token);
        this.#token = token;
        this.#takenUs = nowUs();
        return token;
      } finally {
        this.#renewal = undefined;
      }
    };
    const token = bring();
    this.#renewal = { token, signal };
    return token;
  }

  /** Exchanges the old token; undefined when there is none or the robot does not know it any more. */
  async #renew(client: RobotClient, signal: AbortSignal): Promise<Secret | undefined> {
    const old = this.#token;
    if (old === undefined || this.#login.kind === "payload") return undefined;
    const response = await client.call(
      {
        method: authService.GetAuthToken,
        authority: fixedAuthorities.auth,
        request: { token: old.reveal() },
      },
      signal,
    );
    if (response.status === authStatus.ok && response.token !== "") return new Secret(response.token);
    this.#token = undefined;
    return undefined;
  }

  async #logIn(client: RobotClient, signal: AbortSignal): Promise<Secret> {
    if (this.#login.kind === "payload") return await logInAsPayload(client, this.#login, signal);
    if (this.#refusal !== undefined) throw this.#refusal;
    try {
      return await logInAsUser(client, this.#login, signal);
    } catch (error) {
      if (error instanceof Fault && error.code === "login-refused") this.#refusal = error;
      throw error;
    }
  }
}

async function logInAsUser(
  client: RobotClient,
  login: Extract<RobotLogin, { kind: "password" }>,
  signal: AbortSignal,
): Promise<Secret> {
  const response = await client.call(
    {
      method: authService.GetAuthToken,
      authority: fixedAuthorities.auth,
      request: { username: login.username, password: login.password.reveal() },
    },
    signal,
  );
  switch (response.status) {
    case authStatus.ok:
      return new Secret(response.token);
    case authStatus.temporarilyLockedOut:
      throw new Fault(
        "login-locked",
        `The robot has locked the user "${login.username}" for a minute after too many wrong passwords.`,
      );
    case authStatus.invalidLogin:
      throw new Fault(
        "login-refused",
        `The robot does not accept the password of user "${login.username}". Correct it in the configuration and restart spotlive; it is not tried again, because six wrong tries lock the account.`,
      );
    default:
      throw new Fault(
        "robot-error",
        `The robot answered the login with the unknown status ${response.status}.`,
      );
  }
}

async function logInAsPayload(
  client: RobotClient,
  login: Extract<RobotLogin, { kind: "payload" }>,
  signal: AbortSignal,
): Promise<Secret> {
  const authority = fixedAuthorities.payloadRegistration;
  const secret = login.secret.reveal();
  const registered = await client.call(
    {
      method: payloadRegistrationService.RegisterPayload,
      authority,
      request: {
        payload: { GUID: login.guid, name: "spotlive", description: "Keeps the camera live" },
        payloadSecret: secret,
      },
    },
    signal,
  );
  const known: readonly number[] = [registerPayloadStatus.ok, registerPayloadStatus.alreadyExists];
  if (!known.includes(registered.status)) {
    throw new Fault(
      "robot-error",
      `The robot refused to register this payload (status ${registered.status}).`,
    );
  }
  const response = await client.call(
    {
      method: payloadRegistrationService.GetPayloadAuthToken,
      authority,
      request: { payloadCredentials: { guid: login.guid, secret } },
    },
    signal,
  );
  switch (response.status) {
    case payloadAuthStatus.ok:
      return new Secret(response.token);
    case payloadAuthStatus.payloadNotAuthorized:
      throw new Fault(
        "payload-not-authorized",
        `The robot knows this payload (${login.guid}) but nobody has authorised it yet: do so on the robot's web page under Payloads.`,
      );
    case payloadAuthStatus.invalidCredentials:
      throw new Fault(
        "login-refused",
        `The robot knows the payload ${login.guid} with another secret. Correct the secret, or remove the payload on the robot's web page.`,
      );
    default:
      throw new Fault(
        "robot-error",
        `The robot answered the payload login with the unknown status ${response.status}.`,
      );
  }
}
