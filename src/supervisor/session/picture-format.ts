import { toFault } from "../../domain/fault.ts";
import type { VideoUnit } from "../../domain/media.ts";
import type { Report } from "../../domain/status.ts";
import { nalType, typeOf } from "../../media/h264.ts";
import { parseSps, profileName } from "../../media/sps.ts";

/** Reports size and profile of the pictures it is shown, whenever their parameter sets change. Never throws. */
export function createFormatTeller(report: Report): (unit: VideoUnit) => void {
  let told: Uint8Array | undefined;
  return ({ keyframe, nalus }) => {
    const sps = keyframe ? nalus.find((nalu) => typeOf(nalu) === nalType.sps) : undefined;
    if (sps === undefined || (told !== undefined && Buffer.compare(sps, told) === 0)) return;
    told = sps;
    try {
      const parameters = parseSps(sps);
      const { width, height } = parameters;
      report({ type: "picture", width, height, profile: profileName(parameters) });
    } catch (error) {
      const text = `The picture's format cannot be read: ${toFault(error).message}`;
      report({ type: "notice", part: "session", severity: "warning", text });
    }
  };
}
