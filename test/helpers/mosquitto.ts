import { randomBytes } from "node:crypto";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync, type IClientOptions, type IClientPublishOptions, type IPublishPacket } from "mqtt";
import { freePort } from "./nginx.ts";

export interface MosquittoOptions {
  /** Names and passwords; without any, everybody may do everything. */
  readonly users?: Readonly<Record<string, string>>;
  /** Lines of an access control file. */
  readonly acl?: readonly string[];
  readonly tls?: {
    readonly certificate: string;
    readonly key: string;
    readonly ca: string;
    readonly askForCertificate?: boolean;
  };
}

/** A real Mosquitto on a loopback port, with its own memory kept over a restart. Disposal ends it by its pid. */
export interface Mosquitto extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Ends it at once, as a power cut would. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** What it logged. */
  log(): Promise<string>;
}

export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-mosquitto-"));
  const port = await freePort();
  const configuration = join(directory, "mosquitto.conf");
  await writeFile(configuration, await configure(directory, port, options));
  let broker = await launch(configuration, directory, port);
  return {
    port,
    url: `${options.tls === undefined ? "mqtt" : "mqtts"}://127.0.0.1:${port}`,
    kill: () => end(broker),
    async start() {
      broker = await launch(configuration, directory, port);
    },
    log: () => readFile(join(directory, "log"), "utf8"),
    async [Symbol.asyncDispose]() {
      await end(broker);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function configure(directory: string, port: number, options: MosquittoOptions): Promise<string> {
  const { users, acl, tls } = options;
  const lines = [
    `listener ${port} 127.0.0.1`,
    "socket_domain ipv4",
    `user ${userInfo().username}`,
    `log_dest file ${join(directory, "log")}`,
    "log_type all",
    `allow_anonymous ${users === undefined}`,
  ];
  const add = async (name: string, content: string): Promise<string> => {
    const path = join(directory, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  if (users !== undefined) {
    const file = await add(
      "passwords",
      Object.entries(users)
        .map((pair) => `${pair.join(":")}\n`)
        .join(""),
    );
    const hashed = spawnSync("mosquitto_passwd", ["-U", file]);
    if (hashed.status !== 0) throw new Error(`mosquitto_passwd failed: ${hashed.stderr.toString()}`);
    lines.push(`password_file ${file}`);
  }
  if (acl !== undefined) lines.push(`acl_file ${await add("acl", `${acl.join("\n")}\n`)}`);
  if (tls !== undefined) {
    lines.push(`cafile ${await add("ca.pem", tls.ca)}`, `certfile ${await add("own.pem", tls.certificate)}`);
    lines.push(`keyfile ${await add("own.key", tls.key)}`);
    if (tls.askForCertificate === true) lines.push("require_certificate true");
  }
  return `${lines.join("\n")}\n`;
}

async function launch(configuration: string, directory: string, port: number): Promise<ChildProcess> {
  const broker = spawn("mosquitto", ["-c", configuration], { stdio: "ignore" });
  broker.on("error", () => {});
  while (!(await accepts(port))) {
    if (broker.exitCode !== null || broker.pid === undefined) {
      const log = await readFile(join(directory, "log"), "utf8").catch(() => "is it installed?");
      throw new Error(`mosquitto did not start: ${log}`);
    }
    await sleep(20);
  }
  return broker;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

export interface Message {
  readonly topic: string;
  readonly text: string;
  readonly packet: IPublishPacket;
}

/** Somebody else at the broker: sees everything, publishes what it likes. */
export interface Operator extends AsyncDisposable {
  readonly messages: readonly Message[];
  publish(topic: string, payload: string, options?: IClientPublishOptions): Promise<void>;
  /** The first message on a topic, old or new, that the test accepts. */
  seen(topic: string, accept?: (text: string) => boolean): Promise<Message>;
  /** The next message on a topic from now on. */
  next(topic: string): Promise<Message>;
}

export async function connectOperator(url: string, options: IClientOptions = {}): Promise<Operator> {
  const client = await connectAsync(url, {
    protocolVersion: 5,
    clientId: `operator-${randomBytes(4).toString("hex")}`,
    reconnectPeriod: 50,
    ...options,
  });
  client.on("error", () => {});
  const messages: Message[] = [];
  client.on("message", (topic, payload, packet) =>
    messages.push({ topic, text: payload.toString(), packet }),
  );
  await client.subscribeAsync("#", { qos: 1 });
  const find = async (accept: (message: Message) => boolean, from: number): Promise<Message> => {
    await until(() => messages.slice(from).some(accept));
    const found = messages.slice(from).find(accept);
    if (found === undefined) throw new Error("gone");
    return found;
  };
  return {
    messages,
    async publish(topic, payload, publishOptions = {}) {
      await client.publishAsync(topic, payload, { qos: 1, ...publishOptions });
    },
    seen: (topic, accept = () => true) =>
      find((message) => message.topic === topic && accept(message.text), 0),
    next: (topic) => find((message) => message.topic === topic, messages.length),
    async [Symbol.asyncDispose]() {
      await client.endAsync(true);
    },
  };
}

/** Waits for a condition; fails with its text after 30 s. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Never came true: ${condition.toString()}`);
    await sleep(5);
  }
}
