import * as Type from 'typebox';
import {type HostDetail, hostDetail} from '../../controller/protocol/api.ts';
import type {Position} from '../../controller/protocol/messages.ts';
import {type Controller, controllerAt} from '../cli/controller/client.ts';
import type {Io} from '../cli/io.ts';
import {ReeveError} from '../errors.ts';
import {home} from '../home.ts';
import {dropTo} from '../host/command.ts';
import {printable} from '../host/names.ts';
import {agentSocket, askAgentOnce} from '../ipc/client.ts';
import type {AgentStatus} from '../ipc/control-messages.ts';
import {span} from '../report/text.ts';
import {accountsFor} from './accounts.ts';
import {enrolHere} from './enrol.ts';
import {readLogLine} from './log-line.ts';
import {freePorts} from './ports.ts';
import {programFor} from './program.ts';
import {type SavedState, type UpFolders, type UpState, writeWhole} from './state.ts';
import {type Part, Supervisor} from './supervisor.ts';
import {until} from './wait.ts';

const lastOneMs = 15_000;
const readyMs = 60_000;
/** The longest that a first check may take: many rules, each with its own budget. */
const checkMs = 30 * 60_000;
const acknowledgeMs = 60_000;
/** Titles of rules and the inventory travel after the findings; without them the report is only less readable. */
const describeMs = 5_000;
/** The agent judges at its start when it never did; when it does not within this, it is asked to. */
const ownCheckMs = 1000;

const health = Type.Object({status: Type.Literal('ok')});

/** `config`: an absolute path, or null for the usual one; `zone`: TZ, or null for the system's. */
export type SiteOptions = {config: string | null; verbose: boolean; zone: string | null; stop: AbortSignal};

/** Controller, agent and link of this machine, on one state folder. */
export class Site {
  readonly controller: Controller;
  readonly folders: UpFolders;
  ports: SavedState['ports'] = {agents: 0, page: 0};
  readonly #state: UpState;
  readonly #options: SiteOptions;
  readonly #io: Io;
  readonly #supervisor: Supervisor;
  readonly #socket: string;
  /** Aborted when this ends, whatever ended it. */
  readonly #end = new AbortController();
  readonly #stop: AbortSignal;
  #startedAt = 0;

  constructor(state: UpState, options: SiteOptions, io: Io) {
    this.#state = state;
    this.#options = options;
    this.#io = io;
    this.#stop = AbortSignal.any([options.stop, this.#end.signal]);
    this.folders = state.folders;
    this.#socket = agentSocket(state.folders.run);
    this.controller = controllerAt({socketPath: `${state.folders.controller}/admin.sock`});
    this.#supervisor = new Supervisor(
      {PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', ...(options.zone === null ? {} : {TZ: options.zone})},
      {
        line: (part, line) => this.#onLine(part, line),
        died: (part, how, againInMs) => this.#say(`the ${part} ${how}; it is started again in ${span(againInMs)}`),
        restarted: part => this.#say(`the ${part} is started again`),
      },
    );
  }

  /** Starts the three processes and resolves when each answers. */
  async start(): Promise<void> {
    const {folders} = this;
    const own = {uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0};
    const accounts = accountsFor(folders, own);
    const privileged = own.uid === 0;
    const program = privileged
      ? programFor({home, node: process.execPath, state: folders}, accounts, text => this.#say(text))
      : home;
    await this.#lastOneGone();
    this.ports = await freePorts(this.#state.saved?.ports ?? null);
    this.#state.save({version: 1, ports: this.ports});
    const config = `${folders.root}/controller.yaml`;
    writeWhole(config, controllerConfig(this.ports), 0o644);

    this.#io.progress('starting controller, agent and link');
    this.#startedAt = Date.now();
    const commands: {[P in Part]: [string, ...string[]]} = {
      controller: [
        ...(privileged ? dropTo(accounts.controller) : []),
        ...['/bin/sh', `${program}bin/reeve`, 'controller', '--with-parent', '--config', config],
        ...['--state', folders.controller],
      ] as [string, ...string[]],
      link: [
        ...(privileged ? dropTo(accounts.link) : []),
        ...['/bin/sh', `${program}bin/reeve`, 'link', '--with-parent', '--run', folders.run, '--state', folders.link],
      ] as [string, ...string[]],
      agent: [
        ...['/bin/sh', `${home}bin/reeve`, 'agent', '--with-parent', '--run', folders.run, '--state', folders.agent],
        ...['--link-uid', String(accounts.link.uid), '--link-gid', String(accounts.link.gid)],
        ...(this.#options.config === null ? [] : ['--config', this.#options.config]),
      ] as [string, ...string[]],
    };
    const ready = (part: Part, ask: () => Promise<unknown>) => () =>
      until(`starting the ${part}`, ask, {limitMs: readyMs, stop: this.#stop}).then(() => {});
    // A link that finds no controller waits before it tries again, so it comes after that one.
    const controller = this.#supervisor
      .start(
        'controller',
        commands.controller,
        ready('controller', () => this.controller.get('/healthz', health)),
      )
      .then(() =>
        this.#supervisor.start(
          'link',
          commands.link,
          ready('link', async () => (await this.#status()).link),
        ),
      );
    await Promise.all([
      controller,
      this.#supervisor.start(
        'agent',
        commands.agent,
        ready('agent', () => this.#status()),
      ),
    ]);
  }

  /** The processes of a `reeve up` that was killed end by themselves, a moment later. */
  async #lastOneGone(): Promise<void> {
    const isGone = () =>
      this.#status().then(
        () => null,
        () => true,
      );
    await until('the end of the agent before', isGone, {limitMs: lastOneMs, stop: this.#stop});
  }

  /** Makes the agent report to our controller. Gives the id of this host there. */
  async enrol(): Promise<string> {
    const url = `wss://127.0.0.1:${this.ports.agents}/agent`;
    const place = {controller: this.controller, socket: this.#socket, url};
    return enrolHere(place, await this.#status(), text => this.#io.progress(text));
  }

  /** Waits until all packs were judged since the start. Gives where the stream of findings stands then. */
  async check(): Promise<Position> {
    const isJudged = ({packs}: AgentStatus) =>
      packs.length > 0 && packs.every(({checkedAt}) => checkedAt !== null && Date.parse(checkedAt) >= this.#startedAt);
    // What could not be loaded for now is tried again.
    const hasNothing = ({packs, refused}: AgentStatus) =>
      packs.length === 0 && refused !== null && refused.code !== 'REEVE_LOAD_FAILED';
    const since = performance.now();
    let asked = false;
    const status = await until(
      'the first check',
      async () => {
        const status = await this.#status();
        if (isJudged(status) || hasNothing(status)) return status;
        const doing = status.running ?? status.refused?.message ?? null;
        this.#io.progress(`checking this machine${doing === null ? '' : `: ${printable(doing)}`}`);
        if (!asked && status.running === null && performance.now() - since > ownCheckMs) {
          asked = true;
          await askAgentOnce(this.#socket, {verb: 'check'}, {timeoutMs: checkMs});
        }
        return null;
      },
      {limitMs: checkMs, stop: this.#stop},
    );
    if (hasNothing(status))
      throw new ReeveError(
        'REEVE_UP_FAILED',
        ['nothing can be checked', status.refused?.message, ...(status.refused?.problems ?? [])].join(': '),
      );
    return status.stream.at;
  }

  /** Waits until the controller has stored all up to a position of this host's stream. */
  async acknowledged(host: string, position: Position): Promise<{position: Position; at: string}> {
    this.#io.progress('waiting for the controller to acknowledge the report');
    try {
      return await until(
        'the report to the controller',
        async () => {
          const {stream} = await this.controller.get(`/api/v1/hosts/${host}`, hostDetail);
          const isStored =
            stream !== null &&
            (stream.epoch > position.epoch || (stream.epoch === position.epoch && stream.n >= position.n));
          return isStored ? {position: stream, at: new Date().toISOString()} : null;
        },
        {limitMs: acknowledgeMs, stop: this.#stop},
      );
    } catch (error) {
      if (!(error instanceof ReeveError)) throw error;
      const {link} = await this.#status();
      if (link?.problem === null || link === null) throw error;
      throw new ReeveError('REEVE_UP_FAILED', `${error.message}; the link says: ${link.problem.message}`, {
        cause: error,
      });
    }
  }

  /** The host as the controller shows it, once it knows what the rules are called, or after a few seconds as it is. */
  async described(host: string): Promise<HostDetail> {
    const ask = () => this.controller.get(`/api/v1/hosts/${host}`, hostDetail);
    const isWhole = async () => {
      const detail = await ask();
      return detail.packs.length > 0 && detail.inventory !== null ? detail : null;
    };
    return until('the description of this host', isWhole, {limitMs: describeMs, stop: this.#stop}).catch(error => {
      if (error instanceof ReeveError) return ask();
      throw error;
    });
  }

  stop(): Promise<void> {
    this.#end.abort();
    return this.#supervisor.stop();
  }

  /** For what may fail without ending anything. */
  readonly onProblem = (error: unknown): void => {
    if (!(error instanceof ReeveError)) throw error;
    this.#say(error.message);
  };

  async #status(): Promise<AgentStatus> {
    return (await askAgentOnce(this.#socket, {verb: 'status'})).status;
  }

  #say(text: string): void {
    this.#io.progress(null);
    this.#io.err(`reeve: ${printable(text)}\n`);
  }

  #onLine(part: Part, line: string): void {
    const {text, matters} = readLogLine(line);
    const isExpected = this.#end.signal.aborted;
    if ((matters && !isExpected) || this.#options.verbose) this.#say(`${part}: ${text}`);
  }
}

const controllerConfig = ({agents, page}: SavedState['ports']) =>
  `# Written by reeve up at each start.
agents:
  listen: 127.0.0.1:${agents}
api:
  listen: 127.0.0.1:${page}
`;
