import type { SourceConfig, SpotLogin, Trust } from "./config.ts";
import type { Findings } from "./problems.ts";
import { readSecret } from "./secret-file.ts";
import type { ConfigValues } from "./values.ts";

/** Builds the one source that is chosen; undefined where `findings` says why not. */
export async function buildSource(
  values: ConfigValues,
  findings: Findings,
): Promise<SourceConfig | undefined> {
  const { source, spot, file, rtsp } = values;
  switch (source) {
    case "spot": {
      const login = await buildLogin(spot, findings);
      const tls = buildTrust(spot.tls, "spot.tls", findings);
      const cameraTls = buildTrust(spot.cameraTls, "spot.cameraTls", findings);
      if (login === undefined) return undefined;
      const { host, port, cameraPort, idrSeconds, restoreOnExit, congestionControl, onLoss } = spot;
      const cameraHost = spot.cameraHost ?? host;
      const bitrate = spot.bitrate ?? undefined;
      return {
        kind: "spot",
        host,
        port,
        cameraHost,
        cameraPort,
        interface: spot.interface ?? undefined,
        login,
        tls,
        cameraTls,
        bitrate,
        idrSeconds,
        restoreOnExit,
        congestionControl,
        onLoss,
      };
    }
    case "file":
      if (file.path !== null) return { kind: "file", path: file.path, loop: file.loop };
      findings.addAt("file.path", "expected the file to play (source is file), got nothing");
      return undefined;
    case "rtsp": {
      const url = await readSecret(rtsp.url, rtsp.urlFile, "rtsp.url", findings);
      if (url !== undefined) return { kind: "rtsp", url, transport: rtsp.transport };
      findings.addAt("rtsp.url", "expected the camera's address (source is rtsp), got nothing");
      return undefined;
    }
  }
}

async function buildLogin(spot: ConfigValues["spot"], findings: Findings): Promise<SpotLogin | undefined> {
  const { username, payload } = spot;
  const password = await readSecret(spot.password, spot.passwordFile, "spot.password", findings);
  const secret = await readSecret(payload.secret, payload.secretFile, "spot.payload.secret", findings);
  const user = username !== null && password !== undefined;
  if (user && payload.guid === null && secret === undefined) return { kind: "password", username, password };
  if (payload.guid !== null && secret !== undefined && username === null && password === undefined)
    return { kind: "payload", guid: payload.guid, secret };
  const got = Object.entries({ username, password, "payload.guid": payload.guid, "payload.secret": secret })
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name]) => name);
  findings.addAt(
    "spot",
    `expected username and password, or payload.guid and payload.secret, got ${got.length === 0 ? "none of them" : got.join(", ")}`,
  );
  return undefined;
}

function buildTrust(values: ConfigValues["spot"]["tls"], path: string, findings: Findings): Trust {
  const { caFile, fingerprint, insecure } = values;
  const ways: Trust[] = [];
  if (caFile !== null) ways.push({ kind: "ca", file: caFile });
  if (fingerprint !== null)
    ways.push({ kind: "fingerprint", sha256: fingerprint.replaceAll(":", "").toLowerCase() });
  if (insecure) ways.push({ kind: "insecure" });
  if (ways.length > 1)
    findings.addAt(path, `expected at most one of caFile, fingerprint and insecure, got ${ways.length}`);
  return ways[0] ?? { kind: "system" };
}
