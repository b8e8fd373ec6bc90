import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { connect, createServer as createTcpServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface NginxOptions {
  /** Decides about a publisher: its stream key and the other form fields of nginx's `on_publish`. Default: yes. */
  readonly allow?: (streamKey: string, fields: URLSearchParams) => boolean;
}

/** A real nginx with its RTMP module on a loopback port, recording every stream. Disposal ends it by its pid. */
export interface NginxRtmp extends AsyncDisposable {
  readonly port: number;
  /** `rtmp://127.0.0.1:PORT/app`. */
  readonly url: string;
  readonly pid: number;
  /** What nginx told about each publisher that asked, oldest first. */
  readonly publishes: readonly URLSearchParams[];
  /** Resolves with the file once the recording of the stream is complete. */
  recording(streamKey: string): Promise<string>;
  /** The statistics page, XML. */
  stat(): Promise<string>;
  /** Closes a publisher's connection from the server's side. */
  drop(streamKey: string): Promise<void>;
  /** Ends nginx at once, as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

const modulePath = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

export async function startNginxRtmp(options: NginxOptions = {}): Promise<NginxRtmp> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-nginx-"));
  await mkdir(join(directory, "recordings"));
  const publishes: URLSearchParams[] = [];
  const finished = new Set<string>();
  const waiting = new Map<string, () => void>();
  const hooks = await startHooks((path, fields) => {
    const name = fields.get("name") ?? "";
    if (path === "/publish") {
      publishes.push(fields);
      return options.allow?.(name, fields) ?? true;
    }
    finished.add(name);
    waiting.get(name)?.();
    return true;
  });
  const [port, httpPort] = [await freePort(), await freePort()];
  const configuration = join(directory, "nginx.conf");
  await writeFile(configuration, nginxConfiguration(directory, port, httpPort, portOf(hooks)));
  let nginx = await launch(directory, configuration, port);

  return {
    port,
    url: `rtmp://127.0.0.1:${port}/app`,
    get pid() {
      return nginx.pid ?? 0;
    },
    publishes,
    async recording(streamKey) {
      const file = join(directory, "recordings", `${streamKey}.flv`);
      if (!finished.has(streamKey)) await new Promise<void>((resolve) => waiting.set(streamKey, resolve));
      return file;
    },
    async stat() {
      return (await fetch(`http://127.0.0.1:${httpPort}/stat`)).text();
    },
    async drop(streamKey) {
      await fetch(`http://127.0.0.1:${httpPort}/control/drop/publisher?app=app&name=${streamKey}`);
    },
    kill: () => end(nginx),
    async start() {
      nginx = await launch(directory, configuration, port);
    },
    async [Symbol.asyncDispose]() {
      await end(nginx);
      hooks.closeAllConnections();
      await new Promise((resolve) => hooks.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function nginxConfiguration(directory: string, port: number, httpPort: number, hookPort: number): string {
  return `load_module ${modulePath};
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log warn;
events { worker_connections 128; }
rtmp {
  server {
    listen 127.0.0.1:${port};
    max_message 8M;
    ping 1s;
    application app {
      live on;
      record all;
      record_path ${directory}/recordings;
      on_publish http://127.0.0.1:${hookPort}/publish;
      on_record_done http://127.0.0.1:${hookPort}/record_done;
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

async function launch(directory: string, configuration: string, port: number): Promise<ChildProcess> {
  if (!existsSync(modulePath))
    throw new Error(`${modulePath} is missing: apt-get install nginx libnginx-mod-rtmp`);
  const log = join(directory, "error.log");
  const nginx = spawn("nginx", ["-p", directory, "-c", configuration, "-e", log], { stdio: "ignore" });
  nginx.on("error", () => {});
  while (!(await accepts(port))) {
    if (nginx.exitCode !== null || nginx.pid === undefined) {
      throw new Error(`nginx did not start: ${await readFile(log, "utf8").catch(() => "no log")}`);
    }
    await sleep(20);
  }
  return nginx;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function end(nginx: ChildProcess): Promise<void> {
  if (nginx.exitCode !== null || nginx.signalCode !== null) return;
  nginx.kill("SIGKILL");
  await once(nginx, "exit");
}
