import { expect, test } from "vitest";
import { renderMqttDocs } from "../../../../src/control/mqtt/describe.ts";

test("`docs/mqtt.md` is what the code says (vitest -u writes it)", async () => {
  await expect(renderMqttDocs()).toMatchFileSnapshot("../../../../docs/mqtt.md");
});
