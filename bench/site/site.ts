import {chmodSync, chownSync, existsSync, mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import {agentSocket, askAgent, askAgentOnce} from '../../agent/ipc/client.ts';
import type {AgentStatus, LocalFinding} from '../../agent/ipc/control-messages.ts';
import {type JoinTicket, readJoinTicket, writeJoinTicket} from '../../controller/protocol/join.ts';
import {Api} from './api.ts';
import {BadNetwork} from './bad-network.ts';
import {type ControllerLimits, type ControllerPorts, freePorts, writeControllerConfig} from './controller-config.ts';
import {Managed} from './managed.ts';

const reeve = fileURLToPath(new URL('../../bin/reeve', import.meta.url));
export const isRoot = process.getuid?.() === 0;
/** Accounts that need no name; the kernel knows numbers only. */
const controllerUid = isRoot ? 62_101 : undefined;
const linkUid = isRoot ? 62_102 : undefined;

export type SiteOptions = {
  /** An empty folder that all may enter; everything of the site lies in it. */
  folder: string;
  /** The agent's configuration; null: its defaults. */
  config: string | null;
  /** Added to the environment of agent and link. */
  hostEnv?: NodeJS.ProcessEnv;
};

/** Where the parts keep what they know. */
export const statePlaces = ['controller', 'agent', 'link'] as const;

/** A controller, and a host with agent and link, as real processes; between link and controller is a network that can fail. */
export class Site {
  readonly folder: string;
  readonly controller: Managed;
  readonly agent: Managed;
  readonly link: Managed;
  readonly api: Api;
  readonly #ports: ControllerPorts;
  #network: BadNetwork | null = null;

  /** Lays the folders out; nothing runs yet. */
  static async make(options: SiteOptions): Promise<Site> {
    return new Site(options, await freePorts());
  }

  private constructor({folder, config, hostEnv}: SiteOptions, ports: ControllerPorts) {
    this.folder = folder;
    this.#ports = ports;
    this.api = new Api(join(folder, 'controller', 'admin.sock'));
    this.#makeFolders();
    const log = (name: string) => join(folder, `${name}.log`);
    const run = join(folder, 'run');
    this.limitController({});
    this.controller = new Managed({
      name: 'controller',
      argv: [reeve, 'controller', '--config', this.#controllerConfig, '--state', join(folder, 'controller')],
      log: log('controller'),
      uid: controllerUid,
    });
    const identity = linkUid === undefined ? [] : ['--link-uid', `${linkUid}`, '--link-gid', `${linkUid}`];
    this.agent = new Managed({
      name: 'agent',
      argv: [
        reeve,
        'agent',
        ...(config === null ? [] : ['--config', config]),
        '--state',
        join(folder, 'agent'),
        '--run',
        run,
        ...identity,
      ],
      log: log('agent'),
      ...(hostEnv === undefined ? {} : {env: hostEnv}),
    });
    this.link = new Managed({
      name: 'link',
      argv: [reeve, 'link', '--run', run, '--state', join(folder, 'link')],
      log: log('link'),
      uid: linkUid,
      ...(hostEnv === undefined ? {} : {env: hostEnv}),
    });
  }

  get parts(): Managed[] {
    return [this.controller, this.agent, this.link];
  }

  get network(): BadNetwork {
    if (this.#network === null) throw new Error('the site is not enrolled yet, so it has no network');
    return this.#network;
  }

  /** From its next start on. */
  limitController(limits: ControllerLimits): void {
    writeControllerConfig(this.#controllerConfig, this.#ports, limits);
  }

  async startController(): Promise<void> {
    this.controller.start();
    await until('the controller answers', 30_000, async () => (await this.api.hosts()) !== null);
  }

  /** Starts all three and enrols the host, through the network. */
  async start(): Promise<void> {
    await this.startController();
    const ticket = await this.ticket(1);
    this.#network = await BadNetwork.start({host: '127.0.0.1', port: this.#ports.agents});
    this.agent.start();
    this.link.start();
    await until('the agent answers', 60_000, async () => (await this.status()) !== null);
    const through = {...ticket, url: `wss://127.0.0.1:${this.#network.port}/agent`};
    await askAgentOnce(this.#socket, {verb: 'enroll', ticket: writeJoinTicket(through)}, {timeoutMs: 60_000});
  }

  async ticket(uses: number): Promise<JoinTicket> {
    const line = await this.api.ticket(uses);
    const ticket = readJoinTicket(line);
    if (ticket === null) throw new Error('the controller made a ticket that is none');
    return ticket;
  }

  async status(): Promise<AgentStatus> {
    return (await askAgentOnce(this.#socket, {verb: 'status'})).status;
  }

  /** What the agent says its findings are. */
  async findings(): Promise<LocalFinding[]> {
    const all: LocalFinding[] = [];
    for await (const {findings} of askAgent(this.#socket, {verb: 'findings'})) all.push(...findings);
    return all;
  }

  /** Has the agent judge everything now; resolves when it did. */
  async check(): Promise<void> {
    await askAgentOnce(this.#socket, {verb: 'check'}, {timeoutMs: 120_000});
  }

  async end(): Promise<void> {
    for (const part of [this.link, this.agent, this.controller]) await part.end('SIGTERM');
    await this.#network?.close();
  }

  get #controllerConfig(): string {
    return join(this.folder, 'controller.yaml');
  }

  get #socket(): string {
    return agentSocket(join(this.folder, 'run'));
  }

  #makeFolders(): void {
    for (const [name, uid, mode] of [
      ['run', undefined, 0o755],
      ['controller', controllerUid, 0o700],
      ['agent', undefined, 0o700],
      ['link', linkUid, 0o700],
    ] as const) {
      const path = join(this.folder, name);
      if (!existsSync(path)) mkdirSync(path);
      if (uid !== undefined) chownSync(path, uid, uid);
      chmodSync(path, mode);
    }
  }
}

/** Asks until it is so; what throws counts as not yet. Rejects with the last reason after `timeoutMs`. */
export async function until(what: string, timeoutMs: number, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const endAt = performance.now() + timeoutMs;
  let why = '';
  while (performance.now() < endAt) {
    try {
      if (await isSo()) return;
      why = 'not so yet';
    } catch (error) {
      why = String(error);
    }
    await sleep(20);
  }
  throw new Error(`waited ${timeoutMs} ms until ${what}: ${why}`);
}
