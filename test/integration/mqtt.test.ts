import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Aedes } from "aedes";
import fc from "fast-check";
import { connectAsync } from "mqtt";
import { expect, test } from "vitest";
import { connectOperator, startMosquitto, until } from "../helpers/mosquitto.ts";
import { startDevice } from "../unit/control/mqtt/device.ts";

const look = { kind: "camera", action: { kind: "look", pan: -10, tilt: 0, zoom: 1 } };

test("start, stop and a camera move from `mosquitto_pub` act once each", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await using operator = await connectOperator(broker.url);
  await operator.seen(`${device.root}/telemetry`);

  const state = JSON.parse((await operator.seen(`${device.root}/state`)).text);
  expect(state).toMatchObject({ stream: "OFF", live: "OFF", phase: "idle" });
  await mosquittoPub(broker.port, `${device.root}/stream/set`, "ON");
  await operator.seen(`${device.root}/state`, (text) => JSON.parse(text).live === "ON");
  await mosquittoPub(broker.port, `${device.root}/look/set`, "left");
  await mosquittoPub(broker.port, `${device.root}/command`, '{"kind":"stop"}');
  await until(() => device.line.effects.length === 3);

  expect(device.line.effects).toEqual([{ kind: "start" }, look, { kind: "stop" }]);
  expect(device.line.requests.every(({ origin, by }) => origin === "mqtt" && by === undefined)).toBe(true);
});

test("the same id, and the same correlation data, is carried out once and answered each time", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await using operator = await connectOperator(broker.url);
  await operator.seen(`${device.root}/telemetry`);

  for (let time = 0; time < 2; time += 1)
    await operator.publish(`${device.root}/command`, '{"kind":"start","id":"a1"}');
  const properties = { responseTopic: "answers/1", correlationData: Buffer.from("c7") };
  for (let time = 0; time < 2; time += 1)
    await operator.publish(`${device.root}/look/set`, "left", { properties });
  await until(() => operator.messages.filter(({ topic }) => topic === "answers/1").length === 2);

  expect(device.line.effects).toEqual([{ kind: "start" }, look]);
  const result = JSON.parse((await operator.seen(`${device.root}/result`)).text);
  expect(result).toMatchObject({ ok: true, id: "a1" });
  const answer = await operator.seen("answers/1");
  expect(answer.packet.properties?.correlationData?.toString()).toBe("c7");
  expect(answer.packet.retain).toBe(false);
});

test("a packet that is delivered again is the same request", async () => {
  await using peer = await startOneManBroker();
  await using device = startDevice(peer.url);
  await peer.subscribed();
  const topic = `${device.root}/look/set`;
  peer.publish(topic, "left", { messageId: 7, dup: false });
  peer.publish(topic, "left", { messageId: 7, dup: true });
  peer.publish(topic, "left", { messageId: 8, dup: false });
  await until(() => device.line.requests.length === 3);
  expect(device.line.effects).toEqual([look, look]);
});

test("a retained command is refused, at once and after a new connection", async () => {
  await using broker = await startMosquitto();
  await using operator = await connectOperator(broker.url);
  await operator.publish("spotlive/spot1/stream/set", "ON", { retain: true });
  await operator.publish("spotlive/spot1/command", '{"kind":"start"}', { retain: true });
  for (let connection = 0; connection < 2; connection += 1) {
    await using device = startDevice(broker.url);
    await device.connected();
    await operator.publish("spotlive/spot1/stream/set", "ON", { retain: true });
    // Messages keep their order: once this one had its effect, the others would have had theirs.
    await operator.publish(`${device.root}/look/set`, "left");
    await until(() => device.line.effects.length > 0);
    expect(device.line.effects).toEqual([look]);
    expect(device.line.logText()).toContain("A retained command on spotlive/spot1/stream/set was refused");
  }
});

test("a command that expired on its way is not carried out", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await using operator = await connectOperator(broker.url);
  await operator.seen(`${device.root}/telemetry`);
  await operator.publish(
    `${device.root}/command`,
    '{"kind":"start","id":"old","expiresAt":"2020-01-01T00:00:00Z"}',
  );
  const { text } = await operator.seen(`${device.root}/result`);
  expect(JSON.parse(text)).toMatchObject({ ok: false, id: "old", fault: { code: "expired" } });
  const before = performance.now() * 1000;
  await operator.publish(`${device.root}/stream/set`, "OFF", { properties: { messageExpiryInterval: 2 } });
  await until(() => device.line.requests.length === 2);
  expect((device.line.requests[1]?.expiresAt ?? Infinity) - before).toBeLessThan(4_000_000);
  expect(device.line.effects).toEqual([{ kind: "stop" }]);
});

test("after a restart of the broker all that is retained comes back, and nothing of the time between", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await device.connected();
  await broker.kill();
  await until(() => device.line.logged.some(({ code }) => code === "surface-unreachable"));
  for (const fps of [11, 12, 13]) {
    device.line.change({ source: { name: "spot", state: "running", fps, bitsPerSecond: 1 } });
    await sleep(5);
  }
  await broker.start();
  await using operator = await connectOperator(broker.url);
  await device.connected(2);
  for (const topic of ["availability", "state", "telemetry"]) await operator.seen(`${device.root}/${topic}`);
  await operator.seen("homeassistant/device/spot1/config", (text) => text.startsWith("{"));
  expect(operator.messages.find(({ topic }) => topic.endsWith("/availability"))?.text).toBe("online");
  const telemetry = operator.messages.filter(({ topic }) => topic.endsWith("/telemetry"));
  expect(telemetry.map(({ text }) => JSON.parse(text).fps)).toEqual([13]);
  await operator.publish(`${device.root}/stream/set`, "ON");
  await until(() => device.line.effects.length === 1);
});

test("Home Assistant's birth message brings the discovery again; counters come once a second at most", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await using operator = await connectOperator(broker.url);
  await operator.seen("homeassistant/device/spot1/config");
  const again = operator.next("homeassistant/device/spot1/config");
  await operator.publish("homeassistant/status", "online");
  expect(JSON.parse((await again).text).cmps.camera_left).toMatchObject({ pl_prs: "left" });

  const before = operator.messages.filter(({ topic }) => topic.endsWith("/telemetry")).length;
  const startedMs = performance.now();
  for (let fps = 1; performance.now() - startedMs < 2200; fps += 1) {
    device.line.change({ source: { name: "spot", state: "running", fps, bitsPerSecond: 1 } });
    await sleep(20);
  }
  const after = operator.messages.filter(({ topic }) => topic.endsWith("/telemetry")).length;
  expect(after - before).toBeGreaterThanOrEqual(1);
  expect(after - before).toBeLessThanOrEqual(3);
});

test("without a discovery prefix, the device is taken out of Home Assistant", async () => {
  await using broker = await startMosquitto();
  await using operator = await connectOperator(broker.url);
  {
    await using device = startDevice(broker.url);
    await operator.seen("homeassistant/device/spot1/config");
    await device.connected();
  }
  const removal = operator.next("homeassistant/device/spot1/config");
  await using device = startDevice(broker.url, { homeAssistant: false });
  expect((await removal).text).toBe("");
  await using newcomer = await connectOperator(broker.url);
  await newcomer.seen(`${device.root}/state`);
  expect(newcomer.messages.filter(({ topic }) => topic.startsWith("homeassistant/"))).toEqual([]);
});

test("it says offline when it leaves, and the broker says it when the connection is cut", async () => {
  await using broker = await startMosquitto();
  await using operator = await connectOperator(broker.url);
  const availability = "spotlive/spot1/availability";
  {
    await using device = startDevice(broker.url);
    await operator.seen(availability, (text) => text === "online");
    await device.connected();
  }
  const left = operator.messages.filter(({ topic }) => topic === availability).map(({ text }) => text);
  expect(left.at(-1) ?? (await operator.next(availability)).text).toBe("offline");

  await using cable = await startCable(broker.port);
  await using device = startDevice(cable.url);
  const online = operator.next(availability);
  await device.connected();
  await online;
  const offline = operator.next(availability);
  cable.cut();
  expect((await offline).text).toBe("offline");
  await until(() => device.connects() === 2);
});

test("a second client with the same id is noticed", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await device.connected();
  const rival = await connectAsync(broker.url, { clientId: "spotlive-spot1", reconnectPeriod: 20 });
  rival.on("error", () => {});
  try {
    await until(() => device.line.logText().includes("Another client may use the same device id"));
  } finally {
    await rival.endAsync(true);
  }
});

test("a broker that knows only MQTT 3.1.1 is served too, and its retained commands are refused", async () => {
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await using operator = await connectOperator(url, { protocolVersion: 4 });
    await operator.publish("spotlive/spot1/stream/set", "ON", { retain: true });
    await using device = startDevice(url);
    await device.connected();
    expect(device.line.logText()).toContain("with MQTT 3.1.1");
    await operator.seen(`${device.root}/state`);
    await operator.publish(`${device.root}/look/set`, "left");
    await until(() => device.line.effects.length > 0);
    expect(device.line.effects).toEqual([look]);
  } finally {
    await new Promise<void>((resolve) => aedes.close(resolve));
    await new Promise((resolve) => server.close(resolve));
  }
});

test("the next broker of a cluster is tried when one is away", async () => {
  await using broker = await startMosquitto();
  const away = await startMosquitto();
  await away[Symbol.asyncDispose]();
  await using device = startDevice(broker.url, { brokers: [away.url, broker.url] });
  await device.connected();
  expect(device.line.logged[0]).toMatchObject({ level: "warn", code: "surface-unreachable" });
});

test("it ends at once at a broker that says nothing, before the connection and in it", async () => {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const device = startDevice(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await until(() => accepted.length > 0);
  const startedMs = performance.now();
  await device[Symbol.asyncDispose]();
  await using peer = await startOneManBroker();
  const other = startDevice(peer.url);
  await peer.subscribed();
  await other[Symbol.asyncDispose]();
  expect(performance.now() - startedMs).toBeLessThan(4000);
  for (const socket of accepted) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test("a flood of camera moves does not keep the lock out", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await using operator = await connectOperator(broker.url);
  await operator.seen(`${device.root}/telemetry`);
  const flood = Array.from({ length: 2000 }, () =>
    operator.publish(`${device.root}/look/set`, "left", { qos: 0 }),
  );
  const lock = operator.publish(`${device.root}/lock/set`, "ON");
  await Promise.all([...flood, lock]);
  await until(() => device.line.effects.some(({ kind }) => kind === "lock"));
  await operator.seen(`${device.root}/state`, (text) => JSON.parse(text).locked === "ON");
});

test("whatever comes in, only valid commands go on, and the next one still works", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await using operator = await connectOperator(broker.url);
  await operator.seen(`${device.root}/telemetry`);
  const levels = fc.constantFrom(
    "command",
    "look/set",
    "zoom/set",
    "stream/set",
    "x/set",
    "self-test/set",
    "clip/set",
  );
  const payloads = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('{"kind":"status"}', "left", "3", "NaN", "[".repeat(9000)),
  );
  const properties = fc.record(
    {
      responseTopic: fc.stringMatching(/^[a-z$/]{1,20}$/),
      correlationData: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
    },
    { requiredKeys: [] },
  );
  for (const [level, payload, given] of fc.sample(fc.tuple(levels, payloads, properties), 400))
    await operator.publish(`${device.root}/${level}`, payload, { properties: given });
  await operator.publish(`${device.root}/command`, '{"kind":"keyframe","id":"the-last"}');
  await until(() => device.line.effects.some(({ kind }) => kind === "keyframe"));
  expect(device.connects()).toBe(1);
  const possible = ["status", "camera", "clip", "keyframe", "start", "stop"];
  expect(device.line.requests.filter(({ command }) => !possible.includes(command.kind))).toEqual([]);
});

test("a command has its effect soon", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await using operator = await connectOperator(broker.url);
  await operator.seen(`${device.root}/telemetry`);
  const delaysMs: number[] = [];
  for (let count = 1; count <= 300; count += 1) {
    const startedMs = performance.now();
    const done = new Promise<void>((resolve) => {
      const { submit } = device.line.context;
      Object.assign(device.line.context, {
        submit: (request: Parameters<typeof submit>[0]) => {
          delaysMs.push(performance.now() - startedMs);
          Object.assign(device.line.context, { submit });
          resolve();
          return submit(request);
        },
      });
    });
    await operator.publish(`${device.root}/look/set`, "left", { qos: 0 });
    await done;
  }
  delaysMs.sort((a, b) => a - b);
  const [p50, p99] = [delaysMs[150] ?? 0, delaysMs[297] ?? 0];
  console.log(`MQTT command to effect: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
  expect(p99).toBeLessThan(1000);
});

async function mosquittoPub(port: number, topic: string, payload: string): Promise<void> {
  const child = spawn("mosquitto_pub", [
    "-h",
    "127.0.0.1",
    "-p",
    `${port}`,
    "-q",
    "1",
    "-t",
    topic,
    "-m",
    payload,
  ]);
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
}

/** A proxy whose connections can be cut without a word of farewell. */
async function startCable(port: number): Promise<AsyncDisposable & { readonly url: string; cut(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTcp(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => [near, far].forEach((one) => one.destroy()));
    }
    near.pipe(far).pipe(near);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Speaks just enough MQTT 5 to one device to deliver a packet twice, which real brokers do only after an outage. */
async function startOneManBroker() {
  const subscribed = Promise.withResolvers<void>();
  let device: Socket | undefined;
  const server = createServer((socket) => {
    device = socket.on("error", () => {});
    let pending = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      pending = Buffer.concat([pending, bytes]);
      for (;;) {
        // A fixed header is a byte of type and flags, and a length in groups of seven bits.
        const lengthBytes = ((pending[1] ?? 0x80) & 0x80) === 0 ? 1 : 2;
        const length = ((pending[1] ?? 0) & 0x7f) + (lengthBytes === 2 ? (pending[2] ?? 0) * 128 : 0);
        const end = 1 + lengthBytes + length;
        if (pending.length < 2 || pending.length < end) return;
        const [type, body] = [(pending[0] ?? 0) >> 4, pending.subarray(1 + lengthBytes, end)];
        pending = pending.subarray(end);
        if (type === 1) socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
        if (type === 8) {
          const filters = body.includes("homeassistant") ? [0] : [1, 1];
          socket.write(Buffer.from([0x90, 3 + filters.length, body[0] ?? 0, body[1] ?? 0, 0, ...filters]));
          subscribed.resolve();
        }
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    subscribed: () => subscribed.promise,
    publish(
      topic: string,
      payload: string,
      { messageId, dup }: { readonly messageId: number; readonly dup: boolean },
    ): void {
      const body = Buffer.from(
        `\0${String.fromCharCode(topic.length)}${topic}\0${String.fromCharCode(messageId)}\0${payload}`,
      );
      device?.write(Buffer.concat([Buffer.from([dup ? 0x3a : 0x32, body.length]), body]));
    },
    async [Symbol.asyncDispose]() {
      device?.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
