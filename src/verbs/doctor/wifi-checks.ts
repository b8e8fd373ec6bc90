import { existsSync } from "node:fs";
import { Fault } from "../../domain/fault.ts";
import { ok, unknown, warning } from "./check.ts";
import type { Check, Finding } from "./check.ts";
import type { DoctorContext } from "./context.ts";

const programMs = 3000;
/** Debian keeps it out of a user's PATH. */
const places = ["/usr/sbin/iw", "/sbin/iw", "/usr/bin/iw"];

/** Whether the WiFi sleeps between packets, which costs a stream tenths of a second again and again. */
export function wifiChecks(context: DoctorContext, iw = places.find(existsSync) ?? "iw"): readonly Check[] {
  const id = "wifi-power-saving";
  return [{ id, run: () => checkPowerSaving(id, context, iw), fix: () => turnOff(context, iw) }];
}

const meaning = "A WiFi that sleeps between packets delays them, and the uplink seems slower than it is.";
const remedy =
  "sudo spotlive doctor --fix turns it off until the next start; for good: a file in /etc/NetworkManager/conf.d with [connection] wifi.powersave = 2.";

async function checkPowerSaving(id: string, context: DoctorContext, iw: string): Promise<readonly Finding[]> {
  const devices = await wirelessDevices(context);
  if (devices.length === 0) return [ok(id, "There is no WiFi device.")];
  const configured = await readNetworkManager(context);
  if (!context.root.isThisMachine)
    return [
      configured === undefined
        ? unknown(
            id,
            `${devices.join(", ")}: NetworkManager has no setting, and only the files of that machine are here.`,
          )
        : judge(
            id,
            configured ? devices : [],
            `NetworkManager's setting is wifi.powersave = ${configured ? 3 : 2}.`,
          ),
    ];
  const states = await Promise.all(devices.map((device) => powerSaving(device, context, iw)));
  const told = devices.map((device, index) => `${device}: ${stateWord(states[index])}`).join(", ");
  if (states.every((state) => state === undefined))
    return [unknown(id, `${told}.`, "Install iw (apt-get install iw), which can tell.")];
  return [
    judge(
      id,
      devices.filter((_, index) => states[index] === true),
      `${told}.`,
    ),
  ];
}

function judge(id: string, sleeping: readonly string[], evidence: string): Finding {
  return sleeping.length === 0 ? ok(id, evidence) : warning(id, evidence, meaning, remedy);
}

const stateWord = (state: boolean | undefined): string =>
  state === undefined ? "not told" : state ? "power saving is on" : "power saving is off";

/** Devices of cfg80211 have this link. */
async function wirelessDevices({ root }: DoctorContext): Promise<readonly string[]> {
  const paths = await root.expand("/sys/class/net/*/phy80211");
  return paths.flatMap((path) => path.split("/").at(-2) ?? []);
}

async function powerSaving(device: string, { run }: DoctorContext, iw: string): Promise<boolean | undefined> {
  const answer = await run(iw, ["dev", device, "get", "power_save"], programMs);
  const word =
    answer.kind === "ended" ? /Power save: (on|off)/.exec(answer.output.toString("latin1"))?.[1] : undefined;
  return word === undefined ? undefined : word === "on";
}

/** 2 is off, 3 is on (NetworkManager.conf(5), nm-settings(5)); the last file that says something counts. */
async function readNetworkManager({ root }: DoctorContext): Promise<boolean | undefined> {
  let found: boolean | undefined;
  for (const path of await root.expand("/etc/NetworkManager/conf.d/*.conf")) {
    const value = /^\s*wifi\.powersave\s*=\s*([23])\s*$/m.exec((await root.text(path)) ?? "")?.[1];
    if (value !== undefined) found = value === "3";
  }
  return found;
}

async function turnOff(context: DoctorContext, iw: string): Promise<string> {
  if (!context.root.isThisMachine)
    throw new Fault("not-supported", "only the files of that machine are here");
  const off: string[] = [];
  for (const device of await wirelessDevices(context)) {
    const answer = await context.run(iw, ["dev", device, "set", "power_save", "off"], programMs);
    if (answer.kind !== "ended") throw new Fault("child-failed", `${answer.text} It takes root.`);
    off.push(device);
  }
  return `Turned power saving off for ${off.join(", ")}, until the next start.`;
}
