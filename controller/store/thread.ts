import {Worker} from 'node:worker_threads';
import {storeWorkerPath} from '../home.ts';
import {StoreError} from './errors.ts';
import type {Reply, Request, WorkerSetup} from './messages.ts';

type Waiting = {resolve: (value: unknown) => void; reject: (error: StoreError) => void};

/** One thread of the store, seen from the main thread: a request, and a promise of its answer. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onCrash: (error: StoreError) => void;
  #nextId = 1;
  #end: StoreError | null = null;

  private constructor(worker: Worker, onCrash: (error: StoreError) => void) {
    this.#worker = worker;
    this.#onCrash = onCrash;
  }

  /** Rejects with `STORE_UNUSABLE` or `STORE_UNAVAILABLE` when the file cannot be opened. */
  static start(setup: WorkerSetup, onCrash: (error: StoreError) => void): Promise<StoreThread> {
    const worker = new Worker(storeWorkerPath, {workerData: setup, name: `store ${setup.role}`});
    const thread = new StoreThread(worker, onCrash);
    return new Promise((resolve, reject) => {
      worker.on('message', (reply: Reply) => {
        if (reply.t === 'ready') resolve(thread);
        else if (reply.t === 'unusable') {
          const error = new StoreError(reply.code, reply.message);
          thread.#end = error;
          reject(error);
          worker.terminate();
        } else thread.#settle(reply);
      });
      worker.on('error', error => {
        thread.#crashed(error.message);
        reject(thread.#end);
      });
      worker.on('exit', () => thread.#crashed('it ended'));
    });
  }

  /** How many requests wait for their answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  ask(name: string, parameters: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#end !== null) return reject(this.#end);
      const id = this.#nextId++;
      this.#waiting.set(id, {resolve, reject});
      this.#worker.postMessage({id, name, parameters} satisfies Request);
    });
  }

  /** Carries out what was asked before, closes the file and ends the thread. */
  async close(): Promise<void> {
    if (this.#end !== null) return;
    const closed = this.ask('close', []);
    this.#end = new StoreError('STORE_CLOSED', 'the store is closed');
    await closed;
    await this.#worker.terminate();
  }

  #settle(reply: Extract<Reply, {id: number}>): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.t === 'answer') waiting?.resolve(reply.value);
    else waiting?.reject(new StoreError(reply.code, reply.message));
  }

  #crashed(why: string): void {
    const error = new StoreError('STORE_CLOSED', `a thread of the store failed: ${why}`);
    for (const {reject} of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    if (this.#end !== null) return;
    this.#end = error;
    this.#onCrash(error);
  }
}
