import { BlockList, isIP, isIPv6 } from "node:net";
import { Fault } from "../../domain/fault.ts";
import type { Journal } from "../journal.ts";
import type { Secret } from "../../domain/secret.ts";

export interface HttpOptions {
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
  /** Most clients of the event stream at one time; 1 to 100. */
  readonly maxEventClients: number;
  /** Of spotlive, for the OpenAPI document and `spotlive_build_info`. */
  readonly version: string;
  readonly journal: Journal;
  /** Looks at everything that the line needs and gives what `doctor --json` prints, without secrets. Absent: nobody can. */
  readonly doctor?: (signal: AbortSignal) => Promise<object>;
  /** The folder of the page: `index.html`, `assets/`, each file also as `.br` and `.gz`. Absent: no page is served. */
  readonly pageFolder?: string;
  /** Told each time the surface has begun to listen. */
  readonly onListening?: (url: string) => void;
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
export function isProtected({ password, token }: HttpOptions): boolean {
  return password !== undefined || token !== undefined;
}

/** Throws a `config-invalid` fault for options that would leave the door open. */
export function checkOptions(options: HttpOptions): void {
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
