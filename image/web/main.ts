/** `npm run web`: builds the dashboard into dist/web. */
import { join } from "node:path";
import { checkout } from "../deb/tools.ts";
import { writePage } from "./write-page.ts";

try {
  const { compressedBytes } = await writePage(join(checkout, "dist/web"));
  console.log(`dist/web: ${(compressedBytes / 1000).toFixed(1)} kB compressed`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
