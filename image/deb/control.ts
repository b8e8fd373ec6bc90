import type { Architecture } from "./node.ts";

/**
 * ffmpeg: sources, sound and the picture's last resort. systemd: its sysusers, notify and sysctl programs. iproute2: the
 * rules of several uplinks.
 */
const depends = ["ffmpeg", "iproute2", "systemd (>= 237)"];
/** What the binary of Node.js asks for. */
const libc = ["libc6 (>= 2.28)", "libstdc++6 (>= 8)", "libgcc-s1 | libgcc1"];
const recommends = ["ca-certificates", "v4l-utils"];
/** For the runner of hardware codecs. */
const gstreamerPlugins = ["base", "good", "bad"].map((name) => `gstreamer1.0-plugins-${name}`);
/** For `spotlive demo`. */
const suggests = ["fonts-dejavu-core"];

const description = `keeps a robot's camera live
 spotlive rides on a robot and keeps its camera on Twitch or another ingest:
 the WebRTC stream of a Boston Dynamics Spot CAM in, the same H.264 untouched
 out over RTMP. It waits for clock, robot and internet in any order, holds the
 last picture while the camera is away, and says why when it is not live.
 .
 It brings its own Node.js, which nothing else uses.`;

export interface ControlFacts {
  readonly version: string;
  readonly architecture: Architecture;
  /** What it takes on the disk. */
  readonly kibibytes: number;
  /** Whether Node.js comes with a C library of its own. */
  readonly ownLibc: boolean;
  /** Whether GStreamer's add-on is in it. */
  readonly gstreamer: boolean;
}

/** The control file of the binary package (deb-control(5)). */
export function renderControl(facts: ControlFacts): string {
  const { version, architecture, kibibytes, ownLibc, gstreamer } = facts;
  const fields: Readonly<Record<string, string>> = {
    Package: "spotlive",
    Version: version,
    Architecture: architecture,
    Maintainer: "The spotlive authors <spotlive@localhost>",
    "Installed-Size": String(kibibytes),
    Depends: [...(ownLibc ? [] : libc), ...depends, ...(gstreamer ? gstreamerPlugins : [])].join(", "),
    Recommends: recommends.join(", "),
    Suggests: suggests.join(", "),
    Section: "video",
    Priority: "optional",
    Description: description,
  };
  for (const [name, value] of Object.entries(fields))
    if (/\n(?! \S)/.test(value) || value === "")
      throw new Error(`The field ${name} is no field of a control file: ${JSON.stringify(value)}`);
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

/** The files below /etc, which dpkg leaves as their owner changed them. */
export function renderConffiles(paths: readonly string[]): string {
  return paths
    .filter((path) => path.startsWith("etc/"))
    .map((path) => `/${path}\n`)
    .join("");
}
