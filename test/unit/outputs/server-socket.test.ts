import { describe, expect, it } from "vitest";
import { parseRtmpUrl } from "../../../src/outputs/server-socket.ts";

describe("an output's URL", () => {
  it.each([
    ["rtmp://host/app", { secure: false, host: "host", port: 1935, app: "app", tcUrl: "rtmp://host/app" }],
    ["rtmps://host/a/b", { secure: true, host: "host", port: 443, app: "a/b", tcUrl: "rtmps://host/a/b" }],
    [
      "rtmp://[::1]:77/app/",
      { secure: false, host: "::1", port: 77, app: "app", tcUrl: "rtmp://[::1]:77/app" },
    ],
    ["rtmp://h/app?x=1", { secure: false, host: "h", port: 1935, app: "app?x=1", tcUrl: "rtmp://h/app?x=1" }],
  ])("%s is read", (url, expected) => {
    expect(parseRtmpUrl(url)).toEqual(expected);
  });

  it.each(["", "host/app", "http://host/app", "rtmp://host", "rtmp:///app"])("%j is refused", (url) => {
    expect(() => parseRtmpUrl(url)).toThrow("Expected");
  });
});
