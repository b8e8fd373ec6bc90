import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { CommandLine } from "../../src/simulator/namespace.ts";

export interface NginxOptions {
  /** Decides about a publisher: its stream key and the other form fields of nginx's `on_publish`. Default: yes. */
  readonly allow?: (streamKey: string, fields: URLSearchParams) => boolean;
  /** Puts nginx into a network namespace: every publisher is then taken, and `publishes` stays empty. */
  readonly enter?: (command: CommandLine) => CommandLine;
  /** The address for RTMP; 127.0.0.1 if absent. */
  readonly listen?: string;
  /** Writes HLS too: 2 s segments of which the playlist names the last 20 s, or as many seconds as this says. */
  readonly hls?: boolean | number;
}

/** A real nginx with its RTMP module on a loopback port, recording every stream. Disposal ends it by its pid. */
export interface NginxRtmp extends AsyncDisposable {
  readonly port: number;
  /** `rtmp://ADDRESS:PORT/app`. */
  readonly url: string;
  readonly pid: number;
  /** Where STREAMKEY.m3u8 and its segments are, with `hls`. */
  readonly hlsDirectory: string;
  /** What nginx told about each publisher that asked, oldest first. */
  readonly publishes: readonly URLSearchParams[];
  /** The recording of a stream, which may not be complete or not be there yet. */
  fileOf(streamKey: string): string;
  /** Resolves with the file once the recording of the stream is complete. */
  recording(streamKey: string): Promise<string>;
  /** Lengths of the segments in the stream's HLS playlist, seconds, oldest first. */
  segments(streamKey: string): Promise<number[]>;
  /** The statistics page, XML. */
  stat(): Promise<string>;
  /** Closes a publisher's connection from the server's side. */
  drop(streamKey: string): Promise<void>;
  /** Hangs nginx until disposal: connections stay, and what comes fills their receive windows (SIGSTOP, SIGCONT). */
  hang(): Disposable;
  /** Ends nginx at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

const modulePath = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

export async function startNginxRtmp(options: NginxOptions = {}): Promise<NginxRtmp> {
  const { enter, listen = "127.0.0.1" } = options;
  const directory = await mkdtemp(join(tmpdir(), "spotlive-nginx-"));
  await mkdir(join(directory, "recordings"));
  const publishes: URLSearchParams[] = [];
  const finished = new Set<string>();
  const waiting = new Map<string, () => void>();
  // From inside a namespace nginx could not ask.
  const hooks =
    enter === undefined
      ? await startHooks((path, fields) => {
          const name = fields.get("name") ?? "";
          if (path === "/publish") {
            publishes.push(fields);
            return options.allow?.(name, fields) ?? true;
          }
          finished.add(name);
          waiting.get(name)?.();
          return true;
        })
      : undefined;
  const [port, httpPort] = [await freePort(), await freePort()];
  const configuration = join(directory, "nginx.conf");
  const hookPort = hooks && portOf(hooks);
  const hls = options.hls === true ? 20 : Number(options.hls ?? 0);
  await writeFile(configuration, nginxConfiguration({ directory, listen, port, httpPort, hookPort, hls }));
  const start = (): Promise<ChildProcess> => launch(directory, configuration, port, enter);
  let nginx = await start();
  const fileOf = (streamKey: string): string => join(directory, "recordings", `${streamKey}.flv`);
  const get = (path: string): Promise<string> => fetchText(`http://127.0.0.1:${httpPort}${path}`, enter);

  return {
    port,
    url: `rtmp://${listen}:${port}/app`,
    get pid() {
      return nginx.pid ?? 0;
    },
    hlsDirectory: join(directory, "hls"),
    publishes,
    fileOf,
    async recording(streamKey) {
      const file = fileOf(streamKey);
      if (hooks === undefined) await untilWritten(file, nginx);
      else if (!finished.has(streamKey))
        await new Promise<void>((resolve) => waiting.set(streamKey, resolve));
      return file;
    },
    async segments(streamKey) {
      const playlist = await readFile(join(directory, "hls", `${streamKey}.m3u8`), "utf8");
      return [...playlist.matchAll(/^#EXTINF:([\d.]+)/gm)].map(([, seconds]) => Number(seconds));
    },
    stat: () => get("/stat"),
    async drop(streamKey) {
      await get(`/control/drop/publisher?app=app&name=${streamKey}`);
    },
    hang() {
      const hung = nginx; // one process: there is no master, and so no workers
      hung.kill("SIGSTOP");
      return { [Symbol.dispose]: () => void hung.kill("SIGCONT") };
    },
    kill: () => end(nginx),
    async start() {
      nginx = await start();
    },
    async [Symbol.asyncDispose]() {
      await end(nginx);
      hooks?.closeAllConnections();
      if (hooks !== undefined) await new Promise((resolve) => hooks.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface Layout {
  readonly directory: string;
  readonly listen: string;
  readonly port: number;
  readonly httpPort: number;
  readonly hookPort: number | undefined;
  /** Seconds that the playlist names; 0: no HLS. */
  readonly hls: number;
}

function nginxConfiguration(layout: Layout): string {
  const { directory, listen, port, httpPort, hookPort, hls } = layout;
  const hooks = `on_publish http://127.0.0.1:${hookPort}/publish;
      on_record_done http://127.0.0.1:${hookPort}/record_done;`;
  const hlsWords = `hls on; hls_path ${directory}/hls; hls_fragment 2s; hls_playlist_length ${hls}s;`;
  return `load_module ${modulePath};
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log warn;
events { worker_connections 128; }
rtmp {
  server {
    listen ${listen}:${port};
    max_message 8M;
    application app {
      live on;
      record all;
      record_path ${directory}/recordings;
      ${hookPort === undefined ? "" : hooks}
      ${hls > 0 ? hlsWords : ""}
    }
  }
}
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  server {
    listen 127.0.0.1:${httpPort};
    location /stat { rtmp_stat all; }
    location /control { rtmp_control all; }
  }
}
`;
}

/** nginx asks here whether a publisher may publish. */
async function startHooks(answer: (path: string, fields: URLSearchParams) => boolean): Promise<Server> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes: Buffer) => (body += bytes.toString()));
    request.on("end", () => {
      response.statusCode = answer(request.url ?? "", new URLSearchParams(body)) ? 200 : 403;
      response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** A port that was free a moment ago, for servers that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function launch(
  directory: string,
  configuration: string,
  port: number,
  enter: (command: CommandLine) => CommandLine = (command) => command,
): Promise<ChildProcess> {
  if (!existsSync(modulePath))
    throw new Error(`${modulePath} is missing: apt-get install nginx libnginx-mod-rtmp`);
  const log = join(directory, "error.log");
  const [program, ...argv] = enter(["nginx", "-p", directory, "-c", configuration, "-e", log]);
  const nginx = spawn(program, argv, { stdio: "ignore" });
  nginx.on("error", () => {});
  while (!(await listens(nginx.pid, port))) {
    if (nginx.exitCode !== null || nginx.pid === undefined) {
      throw new Error(`nginx did not start: ${await readFile(log, "utf8").catch(() => "no log")}`);
    }
    await sleep(20);
  }
  return nginx;
}

/** Whether somebody listens on the port in the network namespace of a process. */
async function listens(pid: number | undefined, port: number): Promise<boolean> {
  const table = await readFile(`/proc/${pid}/net/tcp`, "latin1").catch(() => "");
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, "0");
  return new RegExp(`^ *\\d+: [0-9A-F]{8}:${hexadecimal} \\S+ 0A `, "m").test(table);
}

const fetchScript = "fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t))";

/** The text at a URL, fetched in the namespace that `enter` leads to. */
async function fetchText(url: string, enter: NginxOptions["enter"]): Promise<string> {
  if (enter === undefined) return (await fetch(url)).text();
  const [program, ...argv] = enter([process.execPath, "-e", fetchScript, url]);
  return (await promisify(execFile)(program, argv)).stdout;
}

/** Resolves when nginx has the file no longer open, which it then has written. */
async function untilWritten(file: string, nginx: ChildProcess): Promise<void> {
  const isOpen = async (): Promise<boolean> => {
    const folder = `/proc/${nginx.pid}/fd`;
    const names = await readdir(folder).catch(() => []);
    const targets = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => "")));
    return targets.includes(file);
  };
  while (!existsSync(file) || (await isOpen())) await sleep(50);
}

async function end(nginx: ChildProcess): Promise<void> {
  if (nginx.exitCode !== null || nginx.signalCode !== null) return;
  nginx.kill("SIGKILL");
  await once(nginx, "exit");
}
