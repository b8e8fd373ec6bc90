/** What a WebRTC offer says about one codec. */
export interface OfferedCodec {
  readonly payloadType: number;
  /** Encoding name in lower case: `h264`, `opus`, `rtx`. */
  readonly name: string;
  readonly clockRate: number;
  /** `a=fmtp` parameters by lower-case name. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface OfferedMedia {
  readonly kind: string;
  readonly codecs: readonly OfferedCodec[];
}

const maximumLines = 5000;

/** Reads the media sections of an SDP (RFC 8866) as far as codecs go. Total: what is not understood is left out. */
export function parseOfferedMedia(sdp: string): readonly OfferedMedia[] {
  const sections: { kind: string; lines: string[] }[] = [];
  for (const line of sdp.split(/\r?\n/, maximumLines)) {
    if (line.startsWith("m=")) sections.push({ kind: line.slice(2).split(" ", 1)[0] ?? "", lines: [line] });
    else sections.at(-1)?.lines.push(line);
  }
  return sections.map(({ kind, lines }) => ({ kind, codecs: readCodecs(lines) }));
}

function readCodecs(lines: readonly string[]): OfferedCodec[] {
  const formats = new Map<number, ReadonlyMap<string, string>>();
  for (const line of lines) {
    const match = /^a=fmtp:(\d{1,3}) (.*)$/.exec(line);
    if (match?.[1] !== undefined) formats.set(Number(match[1]), readParameters(match[2] ?? ""));
  }
  const codecs: OfferedCodec[] = [];
  for (const line of lines) {
    const match = /^a=rtpmap:(\d{1,3}) ([^/\s]+)\/(\d{1,9})/.exec(line);
    if (match === null) continue;
    const payloadType = Number(match[1]);
    codecs.push({
      payloadType,
      name: (match[2] ?? "").toLowerCase(),
      clockRate: Number(match[3]),
      parameters: formats.get(payloadType) ?? new Map(),
    });
  }
  return codecs;
}

function readParameters(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const part of text.split(";")) {
    const equals = part.indexOf("=");
    if (equals < 0) continue;
    parameters.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1).trim());
  }
  return parameters;
}
