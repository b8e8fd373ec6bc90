import { source } from "axe-core";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

/** What axe-core finds wrong with the page as it is now: each rule with the elements that break it. */
export async function accessibilityProblems(page: Page): Promise<readonly string[]> {
  await page.evaluate(source);
  // Contrast is that of the colours at the end of their changes.
  await page.evaluate("Promise.all(document.getAnimations().map(({ finished }) => finished))");
  const { violations } = (await page.evaluate("axe.run()")) as AxeResults;
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}
