import {mkdir, readFile, rm} from 'node:fs/promises';
import {hostname} from 'node:os';
import {join} from 'node:path';
import {createApi} from './api/app.ts';
import {readPage} from './api/page.ts';
import type {Config} from './config/schema.ts';
import {Hub} from './connections/hub.ts';
import {writeAtomic} from './files.ts';
import {pagePath} from './home.ts';
import {writeJoinTicket} from './protocol/join.ts';
import type {Log} from './protocol/log.ts';
import {listenForAgents} from './server/agents-listener.ts';
import {type ApiListener, listenForAdmin, listenForApi} from './server/api-listener.ts';
import {openStore} from './store/open.ts';
import {loadIdentity} from './tls/identity.ts';

/** What `ready.json` says, for whoever started the controller. */
export type Ready = {agentsUrl: string; apiUrl: string; pins: string[]; fleet: string; pid: number};

export type ControllerOptions = {
  config: Config;
  /** The state folder: database, key, certificate, admin socket, `ready.json`. */
  state: string;
  version: string;
  log: Log;
  /** A thread of the store died: nothing can be done any more, and the process had better end. */
  onCrash(error: Error): void;
};

export type Controller = {ready: Ready; stop(): Promise<void>};

const dayMs = 24 * 3600 * 1000;
const resyncsPerSecond = 20;

/** Starts everything; resolves when hosts and people can connect. Rejects, with nothing left open, when something cannot. */
export async function startController(options: ControllerOptions): Promise<Controller> {
  const {config, state, log} = options;
  await mkdir(state, {recursive: true, mode: 0o700});
  const readyPath = join(state, 'ready.json');
  const ends: Array<() => Promise<void>> = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse())
      await end().catch(error => log('warning', 'a part did not stop cleanly', {reason: error.message}));
  };
  try {
    const store = await openStore(join(state, 'controller.db'), options.onCrash);
    ends.push(() => store.close());
    const fleet = await store.fleet();
    const names = certificateNames(config);
    const identity = await loadIdentity(state, names, new Date());
    const hub = new Hub({
      store,
      fleet,
      log,
      limits: {...config.limits, resyncsPerSecond},
      allowTlsAtProxy: config.agents.allowTlsAtProxy,
    });
    const agents = await listenForAgents({hub, ...config.agents.listen, identity, limits: config.limits});
    ends.push(async () => {
      agents.stop();
      await hub.drain();
    });
    const agentsUrl = config.agents.url ?? `wss://${reachable(config.agents.listen.host)}:${agents.port}/agent`;
    const pins = [identity.pin];
    const api = createApi({
      store,
      log,
      names: [...names, ...(config.api.url === null ? [] : [new URL(config.api.url).hostname])],
      page: readPage(pagePath),
      liveness: hub,
      ticket: token => writeJoinTicket({v: 1, url: agentsUrl, pins, fleet, token}),
      version: options.version,
    });
    const tls = await apiTls(config, identity);
    const listener: ApiListener = await listenForApi(api, {...config.api.listen, tls});
    ends.push(() => listener.stop());
    const admin = await listenForAdmin(api, join(state, 'admin.sock'));
    ends.push(() => admin.stop());
    ends.push(startPruning(config.retentionDays, before => store.prune(before), log));
    const apiUrl =
      config.api.url ?? `${tls === null ? 'http' : 'https'}://${reachable(config.api.listen.host)}:${listener.port}`;
    const ready = {agentsUrl, apiUrl, pins, fleet, pid: process.pid};
    await writeAtomic(readyPath, `${JSON.stringify(ready)}\n`, 0o644);
    ends.push(() => rm(readyPath, {force: true}));
    log('info', 'ready', {agentsUrl, apiUrl, fleet});
    return {ready, stop};
  } catch (error) {
    await stop();
    throw error;
  }
}

/** By which names hosts and, with the generated certificate, people may reach the controller. */
function certificateNames({agents, api}: Config): string[] {
  const urls = [agents.url, api.url].flatMap(url => (url === null ? [] : [new URL(url).hostname]));
  const own = ['localhost', '127.0.0.1', '::1', hostname()];
  const listens = [agents.listen.host, api.listen.host].filter(host => !isAnyAddress(host));
  return [...new Set([...own, ...listens, ...urls, ...agents.names].map(name => name.replace(/^\[|\]$/g, '')))];
}

/** An address to connect to, for one to listen on. */
function reachable(host: string): string {
  if (isAnyAddress(host)) return hostname();
  return host.includes(':') ? `[${host}]` : host;
}

const isAnyAddress = (host: string): boolean => host === '0.0.0.0' || /^[0:]+$/.test(host);

async function apiTls(
  {api}: Config,
  identity: {key: string; certificate: string},
): Promise<{key: string; certificate: string} | null> {
  if (api.tls === null || api.tls === 'generated') return api.tls === null ? null : identity;
  return {key: await readFile(api.tls.key, 'utf8'), certificate: await readFile(api.tls.certificate, 'utf8')};
}

/** Removes what is older than the retention, now and once a day; returns how to stop that. */
function startPruning(days: number, prune: (before: number) => Promise<void>, log: Log): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  const run = () => {
    running = prune(Date.now() - days * dayMs).catch(error =>
      log('warning', 'what is older than the retention was not removed', {reason: error.message}),
    );
  };
  run();
  const timer = setInterval(run, dayMs).unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}
