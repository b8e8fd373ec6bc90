import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openConfigFile } from "../../src/config/config-file.ts";
import { isWithoutChromium } from "../helpers/chromium.ts";
import { openBrowser, startDashboard } from "../helpers/dashboard.ts";

const before = `# The robot in the hall.
autostart: never
source: file
file:
  path: /dev/null
mqtt:
  url: mqtt://127.0.0.1
  username: robot
  password: canary-of-mqtt
outputs:
  - name: twitch
    streamKey: canary-of-twitch
`;

describe.skipIf(isWithoutChromium)("the settings", () => {
  it("are changed as a whole or not at all, with what is wrong beside each, and no secret is ever shown", async () => {
    const folder = await mkdtemp(join(tmpdir(), "spotlive-settings-"));
    try {
      const path = join(folder, "spotlive.yaml");
      await writeFile(path, before);
      const file = await openConfigFile(path, {});
      await using http = await startDashboard({
        settings: {
          describe: () => file.describe(),
          change: (changes) => file.change(changes, () => undefined),
        },
      });
      await using browser = await openBrowser();
      await using watched = await browser.page();
      const { page, shoot } = watched;
      let told = "";
      page.on("response", (response) => {
        if (!response.url().includes("/api/config")) return;
        response.text().then(
          (text) => (told += text),
          () => {},
        );
      });
      await page.goto(`${http.url}/#settings`);
      const key = (name: string) => page.locator(".key", { has: page.getByText(name, { exact: true }) });

      await page.getByLabel("Look for").fill("hold.max");
      await key("hold.max").getByRole("textbox").fill("77");
      await page.getByLabel("Look for").fill("outputs");
      await key("outputs[0].url").getByRole("textbox").fill("not an address");
      await page.getByRole("button", { name: "Save 2 changes" }).click();
      await key("outputs[0].url").locator(".problem svg").waitFor();
      await page.getByText("Nothing was saved").waitFor();
      await shoot("settings-refused-desktop-dark");
      expect(await readFile(path, "utf8")).toBe(before);

      await page.getByRole("button", { name: "Drop 2 changes" }).click();
      await page.getByLabel("Look for").fill("mqtt.password");
      await key("mqtt.password").getByPlaceholder("set; type to replace it").fill("zebra-9f3b27");
      await page.getByLabel("Look for").fill("hold.max");
      await key("hold.max").getByRole("textbox").fill("77");
      await page.getByRole("button", { name: "Save 2 changes" }).click();
      await page.getByText("Saved. Restart spotlive for it to count.").waitFor();
      const after = await readFile(path, "utf8");
      expect(after).toContain("# The robot in the hall.");
      expect(after).toMatch(/hold:\n\s+max: 77/);
      expect(after).toContain("password: zebra-9f3b27");
      expect(await key("hold.max").getByRole("textbox").inputValue()).toBe("77");
      expect(told).toContain("hold.max");
      expect(told).not.toMatch(/canary|zebra/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
