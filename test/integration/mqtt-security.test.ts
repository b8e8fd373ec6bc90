import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Secret } from "../../src/domain/secret.ts";
import { connectOperator, startMosquitto, until } from "../helpers/mosquitto.ts";
import { startDevice } from "../unit/control/mqtt/device.ts";

const users = { device: "device-password", operator: "operator-password" };
const operatorLogin = { username: "operator", password: users.operator };
const login = { username: "device", password: new Secret(users.device) };

interface Pair {
  readonly certificate: string;
  readonly key: string;
}
let folder: string;
let [ca, otherCa, server, client]: readonly Pair[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "spotlive-mqtt-tls-"));
  ca = makeCa("ca");
  otherCa = makeCa("other");
  server = makeCertificate("server", "ca");
  client = makeCertificate("client", "ca");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the right password connects; a wrong one is told without showing it, and tried again slowly", async () => {
  await using broker = await startMosquitto({ users });
  {
    await using device = startDevice(broker.url, login);
    await device.connected();
  }
  await using device = startDevice(broker.url, { ...login, password: new Secret("not-this-one") });
  await until(() => device.line.logged.length > 0);
  const [told] = device.line.logged;
  expect(told).toMatchObject({ level: "warn", code: "surface-refused" });
  expect(told?.msg).toContain("refused user name or password");
  expect(told?.retryInMs).toBeGreaterThan(40_000);
  expect(device.line.logText()).not.toContain("not-this-one");
});

test("a broker's certificate is believed only with its own authority", async () => {
  await using broker = await startMosquitto({ tls: { ...pair(server), ca: pair(ca).certificate } });
  {
    await using device = startDevice(broker.url, { ca: pair(ca).certificate });
    await using operator = await connectOperator(broker.url, { ca: pair(ca).certificate });
    await operator.seen(`${device.root}/availability`, (text) => text === "online");
  }
  for (const options of [{ ca: pair(otherCa).certificate }, {}]) {
    await using device = startDevice(broker.url, options);
    await until(() => device.line.logged.length > 0);
    expect(device.line.logged[0]).toMatchObject({ code: "surface-refused" });
    expect(device.line.logged[0]?.msg).toContain("No trusted connection");
  }
});

test("a client certificate is shown to a broker that asks for one", async () => {
  const tls = { ...pair(server), ca: pair(ca).certificate, askForCertificate: true };
  await using broker = await startMosquitto({ tls });
  const own = { certificate: pair(client).certificate, key: new Secret(pair(client).key) };
  {
    await using device = startDevice(broker.url, { ca: tls.ca, ...own });
    await device.connected();
  }
  await using device = startDevice(broker.url, { ca: tls.ca });
  await until(() => device.line.logged.length > 0);
  expect(device.line.logged[0]).toMatchObject({ code: "surface-refused" });
});

test("a broker that grants the subscription and delivers nothing is noticed", async () => {
  const acl = [
    "user operator",
    "topic readwrite #",
    "user device",
    "topic write spotlive/spot1/#",
    "topic write homeassistant/#",
  ];
  await using broker = await startMosquitto({ users, acl });
  await using device = startDevice(broker.url, login);
  await using operator = await connectOperator(broker.url, operatorLogin);
  await operator.seen(`${device.root}/state`);
  await until(() => device.line.logText().includes("does not deliver commands"));
  expect(device.line.logText()).toContain("the right to read and write spotlive/spot1/#");
});

test("with the rights that the documentation names, everything works without a warning", async () => {
  const acl = [
    ...["user operator", "topic readwrite #", "user device", "topic readwrite spotlive/spot1/#"],
    ...[
      "topic write homeassistant/device/spot1/config",
      "topic read homeassistant/status",
      "topic write answers/#",
    ],
  ];
  await using broker = await startMosquitto({ users, acl });
  await using device = startDevice(broker.url, login);
  await using operator = await connectOperator(broker.url, operatorLogin);
  await operator.seen(`${device.root}/telemetry`);
  await operator.seen(`${device.root}/self-test/set`);
  await operator.seen("homeassistant/device/spot1/config");
  await operator.publish(`${device.root}/stream/set`, "ON", { properties: { responseTopic: "answers/1" } });
  expect(JSON.parse((await operator.seen("answers/1")).text)).toMatchObject({ ok: true });
  const again = operator.next("homeassistant/device/spot1/config");
  await operator.publish("homeassistant/status", "online");
  await again;
  expect(device.line.logged.filter(({ level }) => level === "warn")).toEqual([]);
});

test("an answer that the broker does not let through is told, and does no harm", async () => {
  const acl = [
    "user operator",
    "topic readwrite #",
    "user device",
    "topic readwrite spotlive/spot1/#",
    "topic readwrite homeassistant/#",
  ];
  await using broker = await startMosquitto({ users, acl });
  await using device = startDevice(broker.url, login);
  await using operator = await connectOperator(broker.url, operatorLogin);
  await operator.seen(`${device.root}/telemetry`);
  await operator.publish(`${device.root}/stream/set`, "ON", { properties: { responseTopic: "secret/1" } });
  await until(() => device.line.logText().includes("refused a message to secret/1"));
  await operator.publish(`${device.root}/stream/set`, "OFF");
  await until(() => device.line.effects.length === 2);
});

test("answers never go where commands or configuration are read", async () => {
  await using broker = await startMosquitto();
  await using device = startDevice(broker.url);
  await using operator = await connectOperator(broker.url);
  await operator.seen(`${device.root}/telemetry`);
  const topics = ["homeassistant/device/evil/config", "spotlive/other/command", "spotlive/spot1/look/set"];
  for (const responseTopic of topics)
    await operator.publish(`${device.root}/stream/set`, "ON", { properties: { responseTopic } });
  await operator.publish(`${device.root}/stream/set`, "OFF", { properties: { responseTopic: "answers/1" } });
  await operator.seen("answers/1");
  expect(operator.messages.filter(({ topic }) => topics.includes(topic))).toEqual([]);
});

function pair(made: Pair | undefined): Pair {
  if (made === undefined) throw new Error("not made yet");
  return made;
}

function makeCa(name: string): Pair {
  openssl(
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    [...["-keyout", `${name}.key`, "-out", `${name}.pem`, "-days", "2", "-subj", `/CN=${name}`]],
  );
  return read(name);
}

function makeCertificate(name: string, authority: string): Pair {
  openssl(
    ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    [...["-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`]],
  );
  writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  openssl(
    ["x509", "-req", "-in", `${name}.csr`, "-CA", `${authority}.pem`, "-CAkey", `${authority}.key`],
    [...["-CAcreateserial", "-out", `${name}.pem`, "-days", "2", "-extfile", "names"]],
  );
  return read(name);
}

function read(name: string): Pair {
  const text = (ending: string): string => readFileSync(join(folder, `${name}.${ending}`), "utf8");
  return { certificate: text("pem"), key: text("key") };
}

function openssl(first: readonly string[], rest: readonly string[]): void {
  const { status, stderr } = spawnSync("openssl", [...first, ...rest], { cwd: folder });
  if (status !== 0) throw new Error(`openssl failed: ${stderr.toString()}`);
}
