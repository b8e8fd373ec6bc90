import { createHash, timingSafeEqual } from "node:crypto";
import type { HttpOptions } from "./options.ts";

/** What the `Authorization` header of a request is worth. */
export type Identity =
  | { readonly kind: "known"; readonly by: string }
  | { readonly kind: "wrong" }
  | { readonly kind: "absent" };

/**
 * Makes the check of an `Authorization` header against the password (Basic) and the token (Bearer).
 * Total; takes the same time for every wrong guess of a scheme.
 */
export function createCredentialCheck(
  options: Pick<HttpOptions, "user" | "password" | "token">,
): (authorization: string | undefined) => Identity {
  const { user } = options;
  const token = options.token && digest(options.token.reveal());
  const login = options.password && digest(`${user}:${options.password.reveal()}`);
  return (authorization) => {
    if (authorization === undefined) return { kind: "absent" };
    const [, scheme = "", given = ""] = /^(\w+) +(\S+)$/.exec(authorization) ?? [];
    switch (scheme.toLowerCase()) {
      case "bearer":
        return judge(token, given, "token");
      case "basic":
        return judge(login, Buffer.from(given, "base64").toString(), user);
      default:
        return { kind: "wrong" };
    }
  };
}

function judge(expected: Buffer | undefined, given: string, by: string): Identity {
  // Digests have one length, so neither it nor the first difference can be measured.
  const right = expected !== undefined && timingSafeEqual(expected, digest(given));
  return right ? { kind: "known", by } : { kind: "wrong" };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
