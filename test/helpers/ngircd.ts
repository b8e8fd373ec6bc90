import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./nginx.ts";

/** What Twitch would put into the tags of somebody's lines. */
export interface Viewer {
  readonly badges?: string;
  readonly userId?: string;
  /** The number of another channel that a shared chat line came from. */
  readonly sourceRoomId?: string;
}

/**
 * A real ngircd, and in front of it, at port 6667 of an own loopback address, a line proxy that adds what Twitch's
 * servers add: the twitch.tv capabilities, tags on messages, ROOMSTATE on joining, a check of the token.
 */
export interface TwitchIrc extends AsyncDisposable {
  /** The address at whose port 6667 it is found. */
  readonly host: string;
  /** Somebody comes into #channel; gives what writes a line as them. */
  join(name: string, about?: Viewer): Promise<(text: string) => void>;
  /** What stood in the channel, read by a person there. */
  readonly said: readonly string[];
  /** Ids of lines that the bot's lines were answers to. */
  readonly repliedTo: readonly string[];
  readonly logins: number;
  /** Cuts the bot's connection. */
  cut(): void;
}

export interface TwitchIrcOptions {
  readonly channel: string;
  /** Whether this is a token that Twitch would take. */
  readonly takes: (accessToken: string) => boolean;
}

const roomId = "100";

export async function startTwitchIrc({ channel, takes }: TwitchIrcOptions): Promise<TwitchIrc> {
  const directory = await mkdtemp(join(tmpdir(), "spotlive-ngircd-"));
  const port = await freePort();
  const configuration = join(directory, "ngircd.conf");
  await writeFile(configuration, ngircdConfiguration(port));
  const ngircd = await launch(configuration, port);
  const viewers = new Map<string, Viewer>();
  const [said, repliedTo]: [string[], string[]] = [[], []];
  const sockets = new Set<Socket>();
  const bots = new Set<Socket>();
  let logins = 0;

  const proxy = createServer((bot) => {
    const server = connect(port, "127.0.0.1");
    for (const socket of [bot, server]) {
      sockets.add(socket);
      socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    }
    bots.add(bot);
    bot.on("close", () => bots.delete(bot) && server.destroy());
    server.on("close", () => bot.destroy());
    onLine(bot, (line) => {
      const [, tags = "", rest = ""] = /^(?:@(\S+) )?(.*)$/.exec(line) ?? [];
      const [command, argument = ""] = rest.split(" ", 2);
      if (command === "CAP") {
        const wanted = rest.slice(rest.indexOf(":"));
        if (argument === "LS") bot.write(":tmi.twitch.tv CAP * LS :twitch.tv/tags twitch.tv/commands\r\n");
        if (argument === "REQ") bot.write(`:tmi.twitch.tv CAP * ACK ${wanted}\r\n`);
        return;
      }
      if (command === "PASS") {
        logins += 1;
        if (!takes(argument.replace(/^:?oauth:/, "")))
          bot.end(":tmi.twitch.tv NOTICE * :Login authentication failed\r\n");
        return;
      }
      const parent = /reply-parent-msg-id=([^;]+)/.exec(tags)?.[1];
      if (parent !== undefined) repliedTo.push(parent);
      server.write(`${rest}\r\n`);
    });
    onLine(server, (line) => {
      const [, nick = "", command = ""] = /^:(\S+?)(?:!\S+)? (\S+)/.exec(line) ?? [];
      bot.write(`${command === "PRIVMSG" ? tagsOf(nick, viewers.get(nick) ?? {}) : ""}${line}\r\n`);
      if (command === "JOIN")
        bot.write(
          `@emote-only=0;followers-only=-1;r9k=0;room-id=${roomId};slow=0;subs-only=0 :tmi.twitch.tv ROOMSTATE #${channel}\r\n`,
        );
    });
  });
  const host = await listenSomewhere(proxy);

  const enter = async (name: string): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1");
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    const joined = Promise.withResolvers<void>();
    onLine(socket, (line) => {
      if (line.startsWith("PING")) socket.write(line.replace("PING", "PONG") + "\r\n");
      if (line.includes(" 366 ")) joined.resolve();
      const [, from, text = ""] = /^:(\S+?)!\S+ PRIVMSG \S+ :(.*)$/.exec(line) ?? [];
      if (name === "reader" && from !== undefined && !viewers.has(from)) said.push(text);
    });
    socket.write(`NICK ${name}\r\nUSER ${name} 0 * :${name}\r\nJOIN #${channel}\r\n`);
    await joined.promise;
    return socket;
  };
  await enter("reader");

  return {
    host,
    async join(name, about = {}) {
      viewers.set(name, about);
      const socket = await enter(name);
      return (text) => void socket.write(`PRIVMSG #${channel} :${text}\r\n`);
    },
    said,
    repliedTo,
    get logins() {
      return logins;
    },
    cut() {
      for (const bot of bots) bot.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
      ngircd.kill("SIGKILL");
      if (ngircd.exitCode === null && ngircd.signalCode === null) await once(ngircd, "exit");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function tagsOf(nick: string, { badges = "", userId = `id-${nick}`, sourceRoomId }: Viewer): string {
  const source = sourceRoomId === undefined ? "" : `;source-room-id=${sourceRoomId}`;
  return `@badges=${badges};display-name=${nick};id=${randomUUID()};room-id=${roomId}${source};user-id=${userId} `;
}

function onLine(socket: Socket, take: (line: string) => void): void {
  createInterface({ input: socket, crlfDelay: Infinity }).on("line", take);
}

function ngircdConfiguration(port: number): string {
  return `[Global]
Name = irc.test.local
Info = test
Listen = 127.0.0.1
Ports = ${port}
MotdPhrase = "hello"
ServerUID = root
ServerGID = root
[Limits]
MaxConnectionsIP = 0
MaxNickLength = 25
[Options]
DNS = no
Ident = no
PAM = no
`;
}

async function launch(configuration: string, port: number): Promise<ChildProcess> {
  const ngircd = spawn("/usr/sbin/ngircd", ["-n", "-f", configuration], { stdio: "ignore" });
  ngircd.on("error", () => {});
  while (!(await accepts(port))) {
    if (ngircd.exitCode !== null || ngircd.pid === undefined)
      throw new Error("ngircd did not start: apt-get install ngircd");
    await sleep(20);
  }
  return ngircd;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** The port is fixed in the IRC library, so a free address is looked for instead. */
async function listenSomewhere(server: Server): Promise<string> {
  for (let last = 1; last < 255; last += 1) {
    const host = `127.66.6.${last}`;
    server.listen(6667, host);
    const taken = await once(server, "listening").then(
      () => false,
      () => true,
    );
    if (!taken) return host;
  }
  throw new Error("Every address of 127.66.6.0/24 is in use at port 6667.");
}
