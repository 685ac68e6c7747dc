import {once} from 'node:events';
import {type AddressInfo, connect, createServer, type Socket} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';

/**
 * `open` passes all; `cut` has ended every connection and refuses new ones; `stalled` keeps connections and takes new
 * ones, and passes nothing; `slow` passes each piece after a delay.
 */
export type NetworkMode = 'open' | 'cut' | 'stalled' | 'slow';

const slowMs = 150;

/** A TCP proxy on 127.0.0.1 that can be as bad as a network. */
export class BadNetwork {
  mode: NetworkMode = 'open';
  readonly #target: {host: string; port: number};
  readonly #server = createServer(socket => this.#take(socket));
  readonly #sockets = new Set<Socket>();

  private constructor(target: {host: string; port: number}) {
    this.#target = target;
  }

  static async start(target: {host: string; port: number}): Promise<BadNetwork> {
    const network = new BadNetwork(target);
    network.#server.listen(0, '127.0.0.1');
    await once(network.#server, 'listening');
    return network;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  set(mode: NetworkMode): void {
    this.mode = mode;
    if (mode === 'cut') for (const socket of this.#sockets) socket.resetAndDestroy();
    for (const socket of this.#sockets) {
      if (mode === 'stalled') socket.pause();
      else socket.resume();
    }
  }

  async close(): Promise<void> {
    this.set('cut');
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(client: Socket): void {
    if (this.mode === 'cut') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target);
    this.#join(client, server);
    this.#join(server, client);
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    let before = Promise.resolve();
    from.on('data', chunk => {
      before = before.then(() => (this.mode === 'slow' ? sleep(slowMs) : undefined)).then(() => this.#pass(to, chunk));
    });
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      before.then(() => to.destroy());
    });
    if (this.mode === 'stalled') from.pause();
  }

  #pass(to: Socket, chunk: Buffer): void {
    if (!to.destroyed) to.write(chunk);
  }
}
