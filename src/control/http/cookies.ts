/** Of all cookies of a request; Node refuses longer headers anyway. */
const longestHeader = 8192;

/** Gives the value of one cookie of a `Cookie` header (RFC 6265, 4.2.1), the first of that name. Total. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined || header.length > longestHeader) return undefined;
  for (const pair of header.split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

/**
 * A `Set-Cookie` header for a cookie that no script reads and that goes with no request of another site's page.
 * Without `Secure`: the connection is plain HTTP, over which a browser would not send it, and whether a proxy in front
 * speaks TLS can only be known from a header that anybody may set.
 */
export function writeCookie(name: string, value: string, maxAgeSeconds: number): string {
  return `${name}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${maxAgeSeconds}`;
}
