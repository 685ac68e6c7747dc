import {createHash, randomUUID} from 'node:crypto';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type ApiOptions, createApi} from '../../controller/api/app.ts';
import type {WireFinding} from '../../controller/protocol/batch.ts';
import {packDocument} from '../../controller/protocol/codec.ts';
import type {InventoryDocument, RulesDocument} from '../../controller/protocol/documents.ts';
import {listenForApi} from '../../controller/server/api-listener.ts';
import {openStore} from '../../controller/store/open.ts';
import type {Store} from '../../controller/store/store.ts';

type Ends = {teardown(end: () => Promise<void>): void};

export type Site = {
  store: Store;
  url: string;
  /** An API token. */
  token(scope: 'read' | 'admin', expiresInMs?: number): Promise<string>;
  /** Enrols a host and gives its id. */
  host(name: string): Promise<string>;
  /** The next steps of a host's stream: the first call begins it. */
  report(host: string, findings: WireFinding[], at?: string): Promise<void>;
  gone(host: string, rule: string, subject: string): Promise<void>;
  rules(host: string, document: RulesDocument): Promise<void>;
  inventory(host: string, document: InventoryDocument): Promise<void>;
  ask(path: string, init?: RequestInit & {token?: string}): Promise<Response>;
  stop(): Promise<void>;
};

/** A real store, filled by the calls that connections make, and the API on a port of its own. */
export async function makeSite(t: Ends, options: Partial<ApiOptions> = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'reeve-site-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  const store = await openStore(join(folder, 'controller.db'), error => {
    throw error;
  });
  const api = createApi({
    store,
    log: () => {},
    names: ['reeve.example'],
    page: null,
    liveness: null,
    ticket: token => `ticket of ${token}`,
    version: '0.0.0-test',
    ...options,
  });
  const listener = await listenForApi(api, {host: '127.0.0.1', port: 0, tls: null});
  const url = `http://127.0.0.1:${listener.port}`;
  const now = options.now ?? Date.now;
  const last = new Map<string, number>();

  const steps = async (host: string, items: Array<{[key: string]: unknown}>, at: string) => {
    const from = (last.get(host) ?? 0) + 1;
    const all = [...(from === 1 ? [{t: 'reset'}] : []), ...items].map((item, index) => ({n: from + index, ...item}));
    const to = from + all.length - 1;
    last.set(host, to);
    for (let index = 0; index < all.length; index += 1000) {
      const chunk = all.slice(index, index + 1000);
      const [first, end] = [from + index, from + index + chunk.length - 1];
      const batch = {v: 1, agent: host, epoch: 1, from: first, to: end, at, items: chunk} as never;
      const stored = await store.storeBatch(host, batch, now());
      if (stored.state !== 'stored') throw new Error(`not stored: ${JSON.stringify(stored)}`);
    }
    return to;
  };
  const document = (kind: 'rules' | 'inventory') => async (host: string, value: object) => {
    const plain = Buffer.from(JSON.stringify(value));
    const digest = createHash('sha256').update(plain).digest('hex');
    await store.keepDocument({kind, digest, bytes: plain.length, body: packDocument(plain), host, now: now()});
  };
  let stopped: Promise<void> | null = null;
  const stop = () => {
    stopped ??= listener.stop().then(() => store.close());
    return stopped;
  };
  t.teardown(stop);
  return {
    store,
    url,
    async token(scope, expiresInMs = 3_600_000) {
      const wanted = {kind: 'api', name: scope, scope, uses: null, createdBy: 'test'} as const;
      return (await store.createToken({...wanted, expiresAt: now() + expiresInMs}, now())).token;
    },
    async host(name) {
      const wanted = {kind: 'enrol', name, scope: 'enrol', uses: 1, createdBy: 'test'} as const;
      const {token} = await store.createToken({...wanted, expiresAt: now() + 60_000}, now());
      const publicKey = createHash('sha256').update(randomUUID()).digest();
      const made = await store.enrol({token, publicKey, name, now: now()});
      if ('refused' in made) throw new Error(made.refused);
      return made.id;
    },
    async report(host, findings, at = new Date(now()).toISOString()) {
      await steps(
        host,
        findings.map(f => ({t: 'set', f})),
        at,
      );
    },
    async gone(host, rule, subject) {
      await steps(host, [{t: 'gone', rule, subject}], new Date(now()).toISOString());
    },
    rules: document('rules'),
    inventory: document('inventory'),
    ask: (path, {token, ...init} = {}) =>
      fetch(`${url}${path}`, {
        ...init,
        headers: {...(token === undefined ? {} : {Authorization: `Bearer ${token}`}), ...(init.headers ?? {})},
      }),
    stop,
  };
}

/** A finding with what a test does not care about filled in. */
export function wire(change: Partial<WireFinding> & {rule: string}): WireFinding {
  return {
    pack: 'linux-baseline',
    severity: 'medium',
    subject: '/etc/passwd',
    verdict: 'fail',
    expected: {mode: '0644'},
    actual: {mode: '0666'},
    wrong: ['mode'],
    where: ['/etc/passwd'],
    scope: 'effective',
    ...change,
  };
}

export const rulesOf = (...rules: Array<Partial<RulesDocument['rules'][number]> & {id: string}>): RulesDocument => ({
  v: 1,
  packs: [{name: 'linux-baseline', version: '1.0.0', title: 'Linux baseline', digest: 'a'.repeat(64)}],
  rules: rules.map(rule => ({
    pack: 'linux-baseline',
    severity: 'medium',
    title: `title of ${rule.id}`,
    why: `why ${rule.id}`,
    ...rule,
  })),
});

export const inventory: InventoryDocument = {
  v: 1,
  reeve: '0.1.0',
  hostname: 'web-1',
  os: {id: 'debian', name: 'Debian GNU/Linux', version: '12', kernel: '6.1.0-28-amd64', arch: 'x64'},
  machine: {maker: 'QEMU', model: 'Standard PC', virtual: 'kvm'},
  cpu: {model: 'AMD EPYC', cores: 4},
  memoryBytes: 8 * 1024 ** 3,
  disks: [{mount: '/', type: 'ext4', bytes: 64 * 1024 ** 3}],
  networks: [{name: 'eth0', addresses: ['10.0.0.4'], mac: '52:54:00:12:34:56'}],
};
