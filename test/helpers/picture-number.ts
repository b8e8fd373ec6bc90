import type { Page } from "playwright-core";
import { codeColumns, codeRows, gridRows, numberOfCells } from "../../src/simulator/robot/picture-code.ts";
import { eventually } from "./eventually.ts";

/** How bright the middle of each cell of the picture's number is, in what the page shows at this moment. */
const readCells = `(() => {
  const video = document.querySelector("video");
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const cells = [];
  for (let column = 0; column < ${codeColumns}; column += 1) {
    const x = Math.floor(((column + 0.5) / ${codeColumns}) * canvas.width);
    const y = Math.floor((${codeRows} / 2 / ${gridRows}) * canvas.height);
    cells.push(context.getImageData(x, y, 1, 1).data[0]);
  }
  return cells;
})()`;

/** The number that the robot has drawn into the picture that is seen now. */
export async function pictureNumber(page: Page): Promise<number> {
  let number: number | undefined;
  await eventually(async () => {
    number = numberOfCells(await page.evaluate<number[]>(readCells));
    return number !== undefined;
  });
  return number ?? -1;
}
