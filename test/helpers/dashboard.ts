import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { writePage } from "../../image/web/write-page.ts";
import { createJournal } from "../../src/control/journal.ts";
import type { Journal } from "../../src/control/journal.ts";
import { createMask } from "../../src/lib/log.ts";
import type { HttpOptions } from "../../src/control/http/options.ts";
import { productFile } from "../../src/lib/product-files.ts";
import { options, program } from "./chromium.ts";
import { startHttp } from "./http-surface.ts";
import type { RunningHttp } from "./http-surface.ts";

/** Where tests leave what they saw, for people. */
const screenshots = productFile("dist/screenshots");

export const screens = {
  desktop: { width: 1440, height: 900 },
  tablet: { width: 900, height: 1180 },
  phone: { width: 390, height: 844 },
} as const;

/** A real browser before the page. Disposal ends it. */
export interface PageBrowser extends AsyncDisposable {
  /** Opens a page of its own, as a person with such a screen sees it. What the browser complains of is kept. */
  page(options?: BrowserContextOptions): Promise<WatchedPage>;
}

/** Disposal closes it. */
export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** What was written to the console as an error, refused by the page's policy, or thrown and not caught. */
  readonly complaints: string[];
  /** Writes `dist/screenshots/NAME.png`. */
  shoot(name: string): Promise<void>;
}

export async function openBrowser(): Promise<PageBrowser> {
  if (program === undefined) throw new Error("no Chromium: apt-get install chromium-headless-shell");
  const browser: Browser = await chromium.launch({
    executablePath: program,
    args: [...options, "--allow-loopback-in-peer-connection", "--autoplay-policy=no-user-gesture-required"],
    chromiumSandbox: process.getuid?.() !== 0,
  });
  return {
    async page(options = {}) {
      const context = await browser.newContext({
        viewport: screens.desktop,
        colorScheme: "dark",
        ...options,
      });
      context.setDefaultTimeout(20_000);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      return {
        page,
        complaints,
        async shoot(name) {
          await mkdir(screenshots, { recursive: true });
          await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
        },
        [Symbol.asyncDispose]: () => context.close(),
      };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

export interface RunningDashboard extends RunningHttp {
  readonly journal: Journal;
}

/** The HTTP surface with the page as it is in the sources now, before a line in memory. */
export async function startDashboard(options: Partial<HttpOptions> = {}): Promise<RunningDashboard> {
  const pageFolder = await mkdtemp(join(tmpdir(), "spotlive-web-"));
  const remove = (): Promise<void> => rm(pageFolder, { recursive: true, force: true });
  try {
    await writePage(pageFolder);
    const journal = createJournal(createMask());
    const http = await startHttp({ maxEventClients: 20, pageFolder, journal, ...options });
    return {
      ...{ ...http, journal },
      async [Symbol.asyncDispose]() {
        await http[Symbol.asyncDispose]();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
