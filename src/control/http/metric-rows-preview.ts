import type { PreviewCounters } from "../../domain/preview.ts";
import type { Row } from "./metric-rows.ts";

const preview = (
  kind: Row["kind"],
  name: string,
  help: string,
  read: (counters: PreviewCounters) => number,
): Row => ({
  ...{ name: `preview_${name}`, help, kind },
  read: ({ preview }) => [[preview && read(preview)]],
});

/** What there is to measure of the preview. */
export const previewRows: readonly Row[] = [
  preview("gauge", "viewers", "Viewers of the picture in browsers.", ({ viewers }) => viewers),
  preview(
    "counter",
    "dropped_pictures_total",
    "Pictures not sent to viewers whose connection is too slow.",
    ({ droppedPictures }) => droppedPictures,
  ),
  preview(
    "counter",
    "repeated_packets_total",
    "Packets sent again as a viewer had lost them.",
    ({ repeatedPackets }) => repeatedPackets,
  ),
  preview(
    "counter",
    "keyframe_requests_total",
    "Keyframes asked of the camera for viewers.",
    ({ keyframeRequests }) => keyframeRequests,
  ),
];
