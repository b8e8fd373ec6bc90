import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkIntegrity } from "../../../image/deb/integrity.ts";
import { architectures, readNodePin } from "../../../image/deb/node.ts";
import { checkout } from "../../../image/deb/tools.ts";

/** Of the three bytes "abc", as FIPS 180-2 gives it. */
const abc = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";

describe("the pinned Node.js", () => {
  it("is taken when it is what was pinned, and refused when one bit differs", () => {
    expect(() => checkIntegrity("node", Buffer.from("abc"), abc)).not.toThrow();
    expect(() => checkIntegrity("node", Buffer.from("abd"), abc)).toThrow(
      /^node is not what was pinned: expected sha512-3a81/,
    );
  });

  it.each(["", "sha512-", abc.replace("sha512", "sha1"), `${abc} `, `${abc} sha1-x`])(
    "is refused when the pin is no pin: %j",
    (pin) => expect(() => checkIntegrity("node", Buffer.from("abc"), pin)).toThrow("expected sha512-"),
  );

  it("is the version that the checkout itself runs on, and has a pin for each architecture", async () => {
    const pin = await readNodePin();
    const text = await readFile(join(checkout, "package.json"), "utf8");
    expect(JSON.parse(text).dependencies.node).toBe(pin.version);
    const [first, second] = architectures.map((architecture) => pin[architecture]);
    expect(first?.integrity).not.toBe(second?.integrity);
  });
});
