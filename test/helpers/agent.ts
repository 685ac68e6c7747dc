import {generateKeyPairSync, randomUUID} from 'node:crypto';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {createConnection, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {LoadedSite} from '../../agent/checker/messages.ts';
import type {CheckRound, Checks, ChecksListener} from '../../agent/daemon/contracts.ts';
import {type Daemon, type DaemonOptions, startDaemon} from '../../agent/daemon/daemon.ts';
import {encodeFrame, FrameReader} from '../../agent/ipc/frames.ts';
import type {FromAgent, FromLink} from '../../agent/ipc/link-messages.ts';
import {openBatch} from '../../controller/protocol/codec.ts';
import {makeToken, writeJoinTicket} from '../../controller/protocol/join.ts';
import type {Position} from '../../controller/protocol/messages.ts';
import {publicKeyFromRaw} from '../../controller/protocol/signing.ts';
import type {Finding} from '../../policies/finding.ts';

/** A folder of the test's own, removed when it ends. */
export function scratch(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'reeve-agent-'));
  t.teardown(() => rmSync(path, {recursive: true, force: true}));
  return path;
}

/** Checks that judge when the test says so, and find what it says. */
export type DrivenChecks = Checks & {listener: ChecksListener; asked: Array<string[] | null>};

export function drivenChecks(listener: ChecksListener): DrivenChecks {
  const asked: Array<string[] | null> = [];
  return {
    listener,
    asked,
    start: async () => {},
    checkNow: async packs => void asked.push(packs),
    reload: async () => {},
    stop: async () => {},
    status: () => ({running: null, packs: [], watched: {paths: 0, rules: 0, problem: null}}),
  };
}

export type TestAgent = {
  daemon: Daemon;
  checks: DrivenChecks;
  folder: string;
  run: string;
  state: string;
  log: string[];
};

/** The agent in this process, with checks that are driven by hand. It ends with the test. */
export async function startAgent(
  t: ExecutionContext,
  folder = scratch(t),
  options: Partial<DaemonOptions> = {},
): Promise<TestAgent> {
  let checks: DrivenChecks | null = null;
  const log: string[] = [];
  const [run, state] = [join(folder, 'run'), join(folder, 'state')];
  const daemon = await startDaemon({
    stateDir: state,
    runDir: run,
    link: null,
    reeve: '0.0.0',
    hostname: 'host.example',
    log: (level, message, data) => log.push(`${level}: ${message} ${JSON.stringify(data ?? {})}`),
    uid: process.geteuid?.() ?? 0,
    pid: process.pid,
    now: () => new Date(),
    monotonicMs: () => performance.now(),
    makeChecks: listener => {
      checks = drivenChecks(listener);
      return checks;
    },
    ...options,
  });
  t.teardown(() => daemon.stop());
  return {daemon, checks: checks as unknown as DrivenChecks, folder, run, state, log};
}

type Fields = Partial<Pick<Finding, 'rule' | 'subject' | 'severity' | 'pack'>>;

export const passing = (subject: string, fields: Fields = {}, actual = 'ok'): Finding => ({
  rule: 'p.rule',
  pack: 'p',
  severity: 'high',
  subject,
  observedAt: '2026-01-01T00:00:00.000Z',
  costMs: 1,
  verdict: actual === 'ok' ? 'pass' : 'fail',
  expected: {value: 'ok'},
  actual: {value: actual},
  wrong: actual === 'ok' ? [] : ['value'],
  where: ['/etc/somewhere:1'],
  scope: 'effective',
  ...fields,
});

export const round = (findings: Finding[], fields: Partial<CheckRound> = {}): CheckRound => ({
  packs: ['p'],
  rules: ['p.rule'],
  findings,
  killed: new Map(),
  observedAt: '2026-01-01T00:00:00.000Z',
  durationMs: 5,
  ...fields,
});

export const site = (fields: Partial<LoadedSite> = {}): LoadedSite => ({
  event: 'loaded',
  digest: '0'.repeat(64),
  packs: [{name: 'p', version: '1', title: 'a pack', digest: '0'.repeat(64)}],
  rules: [{id: 'p.rule', pack: 'p', severity: 'high', title: 'a rule', why: 'because', budgetMs: 1000, watch: []}],
  checks: {schedule: '0 * * * *', packs: {}, splayMinutes: 0, watch: false},
  site: [],
  notes: [],
  link: {proxy: null, tlsEndsAtProxy: false},
  ...fields,
});

export const ticket = (): string =>
  writeJoinTicket({
    v: 1,
    url: 'wss://controller.example:8443/agent',
    pins: ['a'.repeat(64)],
    fleet: randomUUID(),
    token: makeToken('enrol'),
  });

type Received<T extends FromAgent['t']> = Extract<FromAgent, {t: T}>;

/** The link's end of `link.sock`, as a test uses it. */
export class LinkClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  readonly #reader = new FrameReader();
  readonly #messages: FromAgent[] = [];
  #wake = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise(resolve =>
      socket.on('close', () => {
        this.#wake();
        resolve();
      }),
    );
    socket.on('error', () => {});
    socket.on('data', chunk => {
      const read = this.#reader.push(chunk);
      if (read.ok) this.#messages.push(...(read.values as FromAgent[]));
      this.#wake();
    });
  }

  static async connect(t: ExecutionContext, run: string, {ready = true} = {}): Promise<LinkClient> {
    const socket = createConnection(join(run, 'link.sock'));
    await once(socket, 'connect');
    const client = new LinkClient(socket);
    t.teardown(() => socket.destroy());
    if (ready) client.send({t: 'ready', pid: 1});
    return client;
  }

  send(message: FromLink): void {
    this.socket.write(encodeFrame(message));
  }

  raw(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The next message of this name; those before it are dropped. */
  async next<T extends FromAgent['t']>(
    name: T,
    right: (message: Received<T>) => boolean = () => true,
  ): Promise<Received<T>> {
    for (;;) {
      const at = this.#messages.findIndex(message => message.t === name && right(message as Received<T>));
      if (at >= 0) return this.#messages.splice(0, at + 1).at(-1) as Received<T>;
      if (this.socket.destroyed) throw new Error(`the agent ended the connection before "${name}"`);
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  /** Asks for what follows on a position, and opens it as a controller would. */
  async batch(after: Position | null, agent: string, publicKey: string) {
    this.send({t: 'next', after});
    const {epoch, from, to, payload, signature} = await this.next('batch');
    const sealed = {
      epoch,
      from,
      to,
      payload: Buffer.from(payload, 'base64'),
      signature: Buffer.from(signature, 'base64'),
    };
    const opened = openBatch(sealed, agent, publicKeyFromRaw(Buffer.from(publicKey, 'base64')));
    if (!opened.ok) throw new Error(`${opened.code}: ${opened.reason}`);
    return opened.value;
  }
}

export const testKey = () => generateKeyPairSync('ed25519').privateKey;
