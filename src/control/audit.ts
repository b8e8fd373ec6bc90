import { appendFile, mkdir, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { CommandRequest, Result, Submit } from "../domain/command.ts";
import { toFault } from "../domain/fault.ts";
import type { Report } from "../domain/status.ts";

export interface AuditOptions {
  readonly path: string;
  /** Bytes after which a file is put aside as `.1`, the older ones moving on; 1 MiB if absent. */
  readonly rotateBytes?: number;
  readonly report: Report;
}

/** One line of the log. */
export interface AuditRecord {
  /** ISO 8601. */
  readonly time: string;
  readonly id: string;
  readonly origin: string;
  readonly by?: string;
  readonly command: CommandRequest["command"];
  readonly ok: boolean;
  readonly code?: string;
  readonly message?: string;
}

const keptFiles = 4;
/** A flood of refused requests must not fill the memory: more waiting lines than this are dropped and counted. */
const mostWaiting = 500;

/**
 * Wraps `submit` so that every request but `status` leaves one JSON line: who asked for what, and what came of it.
 * Writing never delays an answer; a full disk costs the log and is told once.
 */
export function auditCommands(submit: Submit, options: AuditOptions): Submit {
  const write = createWriter(options);
  return async (request) => {
    const result = await submit(request);
    if (request.command.kind !== "status") write(record(request, result));
    return result;
  };
}

function record(request: CommandRequest, result: Result): AuditRecord {
  const { id, origin, by, command } = request;
  return {
    time: new Date().toISOString(),
    id,
    origin,
    ...(by !== undefined && { by }),
    command,
    ok: result.ok,
    ...(!result.ok && { code: result.fault.code, message: result.fault.message }),
  };
}

function createWriter({ path, rotateBytes = 1_048_576, report }: AuditOptions): (line: AuditRecord) => void {
  let waiting: string[] = [];
  let dropped = 0;
  let failed = false;
  let writing: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting;
      waiting = [];
      try {
        await mkdir(dirname(path), { recursive: true });
        await rotate(path, rotateBytes);
        await appendFile(path, lines.join(""), { mode: 0o600 });
        if (dropped > 0) await appendFile(path, `${JSON.stringify({ dropped })}\n`);
        dropped = 0;
        failed = false;
      } catch (error) {
        const text = `Commands are not being recorded in ${path}: ${toFault(error).message}`;
        if (!failed) report({ type: "notice", part: "audit", severity: "warning", text });
        failed = true;
      }
    }
    writing = undefined;
  };

  return (line) => {
    if (waiting.length >= mostWaiting) {
      dropped += 1;
      return;
    }
    waiting.push(`${JSON.stringify(line)}\n`);
    writing ??= drain();
  };
}

async function rotate(path: string, rotateBytes: number): Promise<void> {
  const size = await stat(path).then(
    (file) => file.size,
    () => 0,
  );
  if (size < rotateBytes) return;
  for (let number = keptFiles - 1; number >= 1; number -= 1) {
    await rename(`${path}.${number}`, `${path}.${number + 1}`).catch(() => {});
  }
  await rename(path, `${path}.1`);
}
