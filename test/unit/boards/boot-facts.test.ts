import { describe, expect, it } from "vitest";
import { cardErrors, parseSpeed, readBootFacts } from "../../../src/boards/boot-facts.ts";
import { openRoot } from "../../../src/boards/root.ts";
import { makeFakeRoot } from "../../helpers/fake-root.ts";

const routes = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
eth0\t0032A8C0\t00000000\t0001\t0\t0\t2000\t00FFFFFF\t0\t0\t0
`;

describe("what a board tells for the boot report", () => {
  it("is board, card, file systems and links", async () => {
    await using fake = await makeFakeRoot({
      "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
      "/proc/sys/kernel/osrelease": "6.12.0-arm64\n",
      "/sys/block/mmcblk0/device/name": "SD32G\n",
      "/sys/block/mmcblk0/device/type": "SD\n",
      "/sys/block/mmcblk0/size": "62333952\n",
      "/sys/kernel/debug/mmc0/ios": "clock:\t\t50000000 Hz\nvdd:\t\t21\ntiming spec:\t2 (sd high-speed)\n",
      "/sys/kernel/debug/mmc0/err_stats":
        "# Command Timeout Occurred:\t 0\n# Data CRC Errors Occurred:\t 12\n",
      "/sys/fs/ext4/mmcblk0p4/errors_count": "3\n",
      "/sys/fs/ext4/mmcblk0p2/errors_count": "0\n",
      "/sys/class/net/eth0/operstate": "up\n",
      "/sys/class/net/wlan0/operstate": "up\n",
      "/sys/class/net/lo/operstate": "unknown\n",
      "/proc/net/route": routes,
    });
    expect(await readBootFacts(openRoot(fake.directory))).toEqual([
      ["Board", "Raspberry Pi 4 Model B Rev 1.4; Linux 6.12.0-arm64"],
      [
        "Card",
        "mmcblk0: SD SD32G, 31.9 GB, 50 MHz (sd high-speed), ERRORS since power-on (12 x Data CRC Errors): try another card, reader contact or power supply",
      ],
      ["File systems", "mmcblk0p2: no errors; mmcblk0p4: 3 ERRORS noted: it needs a check (e2fsck)"],
      ["Links", "eth0 up, wlan0 up"],
      ["Way to the internet", "wlan0 by 192.168.1.1"],
    ]);
  });

  it("is little where there is nothing, and nothing from nonsense", async () => {
    await using fake = await makeFakeRoot({ "/sys/fs/ext4/sda1/errors_count": "many" });
    expect(await readBootFacts(openRoot(fake.directory))).toEqual([
      ["Board", "unknown"],
      ["File systems", "sda1: unreadable"],
      ["Links", "none"],
      ["Way to the internet", "NONE: no default route"],
    ]);
    expect(parseSpeed("clock: fast")).toBeUndefined();
    expect(cardErrors("\0\n:::\n")).toBe("no errors");
  });
});
