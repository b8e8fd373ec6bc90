import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { Aedes } from "aedes";
import { toFault } from "../domain/fault.ts";

/** A small MQTT broker on loopback, for trying things out; it keeps nothing and asks nobody who they are. */
export interface Broker extends AsyncDisposable {
  /** `mqtt://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
}

/** Starts a broker (MQTT 3.1.1) on 127.0.0.1; port 0, the default, lets the kernel choose. */
export async function startBroker(port = 0): Promise<Broker> {
  const broker = await Aedes.createBroker();
  const server = createServer((socket) => broker.handle(socket));
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    throw toFault(error, "internal", "The MQTT broker could not listen");
  }
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    url: `mqtt://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      server.close();
    },
  };
}
