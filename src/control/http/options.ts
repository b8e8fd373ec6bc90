import { BlockList, isIP, isIPv6 } from "node:net";
import { Fault } from "../../domain/fault.ts";
import type { Journal } from "../journal.ts";
import type { Preview } from "../../domain/preview.ts";
import type { Secret } from "../../domain/secret.ts";

/** Where it listens, and who may. */
export interface HttpAccess {
  /** The address to listen on: an IP address or `localhost`. Anything but loopback needs `password` or `token`. */
  readonly host: string;
  /** 1 to 65535; 0 lets the kernel choose one. */
  readonly port: number;
  /** The user name that goes with `password` (HTTP Basic, RFC 7617). */
  readonly user: string;
  /** For people; 8 characters or more. */
  readonly password?: Secret;
  /** For programs (Bearer, RFC 6750); 16 characters or more, all of them visible ASCII. */
  readonly token?: Secret;
  /** Names, without port, by which a proxy on this machine may ask, besides loopback's own. */
  readonly allowedHosts: readonly string[];
}

export interface HttpOptions extends HttpAccess {
  /** Most clients of the event stream at one time; 1 to 100. */
  readonly maxEventClients: number;
  /** Of spotlive, for the OpenAPI document and `spotlive_build_info`. */
  readonly version: string;
  readonly journal: Journal;
  /** Looks at everything that the line needs and gives what `doctor --json` prints, without secrets. Absent: nobody can. */
  readonly doctor?: (signal: AbortSignal) => Promise<object>;
  /** The configuration, where it is in a file. */
  readonly settings?: Settings;
  /** Trials of what is not in the settings yet. */
  readonly setup?: Setup;
  /** The folder of the page: `index.html`, `assets/`, each file also as `.br` and `.gz`. Absent: no page is served. */
  readonly pageFolder?: string;
  /** The camera's picture for browsers; absent: there is none. */
  readonly preview?: Preview;
  /** Told each time the surface has begun to listen. */
  readonly onListening?: (url: string) => void;
}

/** What can be done about the configuration file; `by` is who asks. */
export interface Settings {
  /** Every key with its value, but no secret. */
  describe(): Promise<object>;
  /** Writes `{ "http.port": 8080 }`, or gives what is wrong with it and writes nothing. Rejects with a `Fault`. */
  change(
    changes: unknown,
    by: string | undefined,
  ): Promise<readonly { readonly path: string; readonly text: string }[]>;
  /** Ends this process. Absent where nobody would start it again. */
  readonly restart?: (by: string | undefined) => void;
}

/** Trials of what is not in the settings yet. Both take the body of a request as it came, and reject with a `Fault`. */
export interface Setup {
  /** True while there is no configuration, and only it can be made. */
  readonly isFirstRun: boolean;
  tryRobot(body: unknown, signal: AbortSignal): Promise<object>;
  tryIngest(body: unknown, signal: AbortSignal): Promise<object>;
}

const shortestPassword = 8;
const shortestToken = 16;

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** True for 127.0.0.0/8, ::1 and `localhost`; false for every other name, wherever it leads. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const version = isIP(host);
  return version !== 0 && loopback.check(host, version === 6 ? "ipv6" : "ipv4");
}

/** True when a request needs credentials. */
export function isProtected({ password, token }: HttpAccess): boolean {
  return password !== undefined || token !== undefined;
}

/** Throws a `config-invalid` fault for options that would leave the door open. */
export function checkOptions(options: HttpAccess): void {
  const { host, password, token } = options;
  if (!isProtected(options) && !isLoopback(host)) {
    throw new Fault(
      "config-invalid",
      `HTTP on ${host} can be reached by others, so it needs a password or a token. Set one, or listen on 127.0.0.1.`,
    );
  }
  if (password !== undefined && password.reveal().length < shortestPassword)
    throw new Fault("config-invalid", `The HTTP password must have ${shortestPassword} characters or more.`);
  if (token !== undefined && !isToken(token.reveal())) {
    throw new Fault(
      "config-invalid",
      `The HTTP token must have ${shortestToken} characters or more, all of them visible ASCII.`,
    );
  }
}

const isToken = (text: string): boolean => text.length >= shortestToken && /^[\u0021-\u007e]+$/.test(text);

/** An address as it stands in a URL. */
export function hostInUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
