import type { Architecture } from "../deb/node.ts";

/** How a board finds its kernel: UEFI and GRUB, the firmware of a Raspberry Pi, or the extlinux.conf of U-Boot. */
export type BootChain = "uefi" | "raspberry-pi" | "extlinux";

/** What a root file system is made from. */
export type Base =
  | {
      readonly kind: "debian";
      /** Debian packages of this board alone. */
      readonly packages: readonly string[];
      /** Taken from the suite's backports. */
      readonly backports: readonly string[];
    }
  /** Given by the user with --base. */
  | { readonly kind: "raspberry-pi-os" | "l4t" };

/** How firmware, and people's computers, recognise the partition `boot`. */
export interface BootPartition {
  /** Of its entry in the GUID partition table: `efi` is hidden from people by some systems, and wanted by some firmware. */
  readonly type: "efi" | "basic-data";
  /** It is named in the older table (MBR) too. */
  readonly inMbr: boolean;
}

export interface Board {
  readonly name: string;
  readonly architecture: Architecture;
  readonly chain: BootChain;
  readonly bootPartition: BootPartition;
  /** Without --base; undefined where the board's codecs or its boot need a system that only its maker has. */
  readonly debian: Extract<Base, { kind: "debian" }> | undefined;
  /** What --base gives; undefined where the board needs none. */
  readonly vendor: Exclude<Base, { kind: "debian" }> | undefined;
  /** Groups of the playbook. */
  readonly groups: readonly string[];
  /** The system that its maker gives has a C library that is too old for Node.js. */
  readonly ownLibc: boolean;
  /** The codecs in its hardware are reached through GStreamer. */
  readonly gstreamer: boolean;
  /** Words for the kernel besides those that every board gets. */
  readonly consoles: readonly string[];
}

const uefi = {
  chain: "uefi",
  bootPartition: { type: "efi", inMbr: false },
  vendor: undefined,
  groups: ["generic"],
  ownLibc: false,
  gstreamer: false,
} as const satisfies Partial<Board>;

const raspberryPi = {
  architecture: "arm64",
  chain: "raspberry-pi",
  vendor: { kind: "raspberry-pi-os" },
  groups: ["raspberry_pi"],
  ownLibc: false,
  gstreamer: false,
  consoles: ["console=ttyS1,115200", "console=tty0"],
} as const satisfies Omit<Board, "name" | "debian" | "bootPartition">;

const jetson = {
  architecture: "arm64",
  chain: "extlinux",
  // U-Boot takes a partition of this type for one to boot from.
  bootPartition: { type: "efi", inMbr: false },
  debian: undefined,
  vendor: { kind: "l4t" },
  groups: ["jetson"],
  gstreamer: true,
  consoles: ["console=ttyS0,115200n8", "console=tty0"],
} as const satisfies Omit<Board, "name" | "ownLibc">;

const firmware = ["raspi-firmware", "firmware-brcm80211"];

export const boards: readonly Board[] = [
  {
    ...uefi,
    name: "generic-arm64",
    architecture: "arm64",
    consoles: ["console=tty0", "console=ttyAMA0"],
    debian: {
      kind: "debian",
      packages: ["linux-image-arm64", "grub-efi-arm64-bin", "grub-common"],
      backports: [],
    },
  },
  {
    ...uefi,
    name: "generic-amd64",
    architecture: "amd64",
    consoles: ["console=tty0", "console=ttyS0,115200"],
    debian: {
      kind: "debian",
      packages: ["linux-image-amd64", "grub-efi-amd64-bin", "grub-common"],
      backports: [],
    },
  },
  ...["raspberry-pi-3", "raspberry-pi-4"].map((name) => ({
    ...raspberryPi,
    name,
    // The ROM of the 3, and the boot loader in a 4 that nobody has updated since 2020, know no GUID partition table.
    bootPartition: { type: "basic-data", inMbr: true } as const,
    debian: { kind: "debian", packages: ["linux-image-arm64", ...firmware], backports: [] } as const,
  })),
  {
    ...raspberryPi,
    name: "raspberry-pi-5",
    bootPartition: { type: "basic-data", inMbr: false },
    // Its ethernet is behind a chip (RP1) that the kernel of the suite does not know.
    debian: { kind: "debian", packages: firmware, backports: ["linux-image-arm64"] },
    consoles: ["console=ttyAMA10,115200", "console=tty0"],
  },
  ...["jetson-nano", "jetson-nano-2gb"].map((name) => ({ ...jetson, name, ownLibc: true })),
  {
    ...jetson,
    name: "jetson-orin-nano",
    // Its firmware is UEFI.
    chain: "uefi",
    groups: ["jetson", "jetson_uefi"],
    ownLibc: false,
    consoles: ["console=ttyTCU0,115200", "console=tty0"],
  },
];

/** Throws when there is no such board. */
export function findBoard(name: string | undefined): Board {
  const board = boards.find((board) => board.name === name);
  if (board !== undefined) return board;
  const names = boards.map(({ name }) => name).join(", ");
  throw new Error(`--board takes one of ${names}; got ${JSON.stringify(name ?? "nothing")}.`);
}
