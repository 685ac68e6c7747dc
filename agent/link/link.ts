import {createHash} from 'node:crypto';
import type {Log} from '../../controller/protocol/log.ts';
import type {FromAgent, LinkStatus} from '../ipc/link-messages.ts';
import {AgentSocket} from './agent-socket.ts';
import {type Clock, timeText} from './clock.ts';
import {OncePer} from './connection/backoff.ts';
import {Connector, type Target} from './connection/connector.ts';
import type {dial} from './connection/dial.ts';
import type {Document, Named} from './connection/documents.ts';
import {type AgentState, Reporter, type Setup, type Surroundings} from './connection/reporter.ts';
import type {SessionTimes} from './connection/session.ts';
import {isWorthRetrying, LinkProblem, shorten} from './problem.ts';
import {Puller} from './puller.ts';
import {QuietLog} from './quiet-log.ts';
import {Signer} from './signer.ts';
import type {Spool} from './spool/spool.ts';
import {StatusReport} from './status.ts';

/** Milliseconds. The agent answers from memory; a restart of it takes seconds, and then its host is not alive any more. */
const signMs = 5_000;
const agentAwayMs = 60_000;
/** Until a spool that could not be emptied for a new enrolment is tried again. */
const setUpAgainMs = 5_000;
/** However often a controller asks, the agent is made to send everything at most this often. */
const wholeSetMs = 60_000;
/** Tries of an enrolment until whoever waits for it hears why it does not go on. */
const enrolTries = 3;

/** What collects the inventory, on its own. */
export type InventorySource = {
  /** Collects now if `hostname` or `reeve` changed, and once a day. */
  describe(setup: {reeve: string; hostname: string}): void;
  current(): {digest: string; bytes: number; body: Buffer} | null;
  stop(): void;
};

export type LinkParts = {
  socketPath: string;
  spool: Spool;
  inventory: InventorySource;
  dial: typeof dial;
  clock: Clock;
  random: () => number;
  times: SessionTimes;
  log: Log;
};

/** Brings together the agent, the spool and the controller. */
export class Link {
  readonly #parts: LinkParts;
  readonly #agent: AgentSocket;
  readonly #signer: Signer;
  readonly #puller: Puller;
  readonly #connector: Connector;
  readonly #status: StatusReport;
  readonly #wholeSets: OncePer;
  readonly #connectionLog: QuietLog;
  readonly #spoolLog: QuietLog;
  #setup: Setup | null = null;
  #state: AgentState | null = null;
  #reporter: Reporter | null = null;
  #enrolFailures = 0;
  #cancelAway: () => void = () => {};
  #cancelSetUp: () => void = () => {};
  #since: string;
  #wasOpen = false;
  #problems: {spool: Trouble; connection: Trouble} = {spool: null, connection: null};
  #skewMs: number | null = null;

  constructor(parts: LinkParts) {
    const {clock, log} = parts;
    this.#parts = parts;
    this.#since = timeText(clock.wall());
    this.#connectionLog = new QuietLog(log, clock, 'not reporting to the controller');
    this.#spoolLog = new QuietLog(log, clock, 'not storing what the agent reports');
    this.#wholeSets = new OncePer(clock, wholeSetMs);
    this.#agent = new AgentSocket(
      parts.socketPath,
      {
        onConnect: () => this.#cancelAway(),
        onMessage: message => this.#received(message),
        onDisconnect: () => this.#agentLost(),
      },
      clock,
      log,
    );
    this.#signer = new Signer(request => this.#agent.send(request), clock, signMs);
    this.#status = new StatusReport(
      () => this.#composeStatus(),
      status => this.#agent.send({t: 'status', ...status}),
      clock,
    );
    this.#puller = new Puller(
      parts.spool,
      {
        ask: after => this.#agent.send({t: 'next', after}),
        onStored: () => {
          this.#reporter?.sendBatches();
          this.#status.changed();
        },
        onProblem: problem => this.#spoolProblem(problem),
      },
      clock,
    );
    this.#connector = new Connector(parts.dial, clock, parts.random, () => this.#status.changed());
  }

  start(): void {
    this.#agent.start();
  }

  stop(): void {
    this.#connector.aim(null);
    this.#puller.stop();
    this.#status.stop();
    this.#cancelAway();
    this.#cancelSetUp();
    this.#agent.stop();
    this.#parts.inventory.stop();
    this.#parts.spool.close();
  }

  /** The inventory is another one. */
  inventoryChanged(): void {
    this.#reporter?.stateChanged();
  }

  #received(message: FromAgent): void {
    switch (message.t) {
      case 'setup':
        this.#setUp(message);
        break;
      case 'state': {
        const isFirst = this.#state === null;
        this.#state = message;
        if (isFirst) this.#aim();
        else this.#reporter?.stateChanged();
        break;
      }
      case 'batch':
        this.#puller.received(message);
        break;
      case 'document':
        this.#reporter?.sendDocument({kind: 'rules', digest: message.digest, bytes: message.bytes, body: message.body});
        break;
      case 'signed':
        this.#signer.answered(message);
        break;
    }
  }

  #setUp(setup: Setup): void {
    this.#cancelSetUp();
    this.#setup = setup;
    this.#enrolFailures = 0;
    this.#parts.inventory.describe(setup);
    this.#status.restart();
    try {
      if (setup.enrolment !== null) this.#parts.spool.claim(`${setup.enrolment.place.fleet} ${setup.enrolment.agent}`);
    } catch (error) {
      if (!(error instanceof LinkProblem)) throw error;
      this.#spoolProblem(error);
      this.#puller.stop();
      this.#cancelSetUp = this.#parts.clock.after(setUpAgainMs, () => this.#setUp(setup));
      return;
    }
    if (setup.enrolment === null) this.#puller.stop();
    else this.#puller.start();
    this.#aim();
  }

  /** Goes for the controller that the setup names, once it is known what there is to say. */
  #aim(): void {
    const setup = this.#setup;
    if (setup === null || this.#state === null) return;
    const target = this.#targetOf(setup);
    const reporter = this.#reporter;
    if (target !== null && reporter?.isEnrolledAt(target.place) === true) {
      this.#connector.adopt(target);
      reporter.greet();
    } else this.#connector.aim(target);
  }

  #targetOf({enrol, enrolment}: Setup): Target | null {
    if (enrol !== null)
      return this.#target(keyOf(enrol.place, enrol.token), enrol.place, enrol.token, problem =>
        this.#enrolTrouble(problem),
      );
    if (enrolment === null) return null;
    return this.#target(keyOf(enrolment.place, enrolment.agent), enrolment.place, null, problem =>
      this.#trouble(problem),
    );
  }

  #target(key: string, place: Target['place'], token: string | null, onTrouble: Target['onTrouble']): Target {
    return {
      key,
      place,
      onTrouble,
      attach: (line, onEnd) => {
        const reporter = new Reporter(line, place, token, this.#surroundings(), ended => {
          if (this.#reporter === reporter) {
            this.#reporter = null;
            this.#noteOpen(false);
          }
          onEnd(ended);
        });
        this.#reporter = reporter;
        this.#noteOpen(false);
        return reporter;
      },
    };
  }

  #surroundings(): Surroundings {
    const {clock, random, times, spool} = this.#parts;
    return {
      clock,
      random,
      times,
      spool,
      wholeSets: this.#wholeSets,
      setup: () => this.#setup as Setup,
      state: () => this.#state as AgentState,
      named: () => this.#named(),
      sign: claim => this.#signer.sign(claim),
      fetchDocument: (kind, digest) => this.#fetchDocument(kind, digest),
      onEnrolled: agent => this.#agent.send({t: 'enrolled', agent}),
      onOpen: () => {
        this.#problems.connection = null;
        this.#connectionLog.over();
        this.#parts.log('info', 'reporting to the controller');
        this.#noteOpen(true);
      },
      onSkew: skewMs => {
        this.#skewMs = skewMs;
        this.#status.changed();
      },
      onSpoolChange: () => {
        this.#puller.pull();
        this.#status.changed();
      },
      onStreamMoved: () => this.#puller.moved(),
      onProblem: problem => this.#spoolProblem(problem),
      askResync: (reason, controllerAt) => this.#agent.send({t: 'resync', reason: shorten(reason, 200), controllerAt}),
    };
  }

  #named(): Named {
    const rules = this.#state?.rules ?? null;
    const inventory = this.#parts.inventory.current();
    return {...(rules === null ? {} : {rules}), ...(inventory === null ? {} : {inventory: inventory.digest})};
  }

  #fetchDocument(kind: Document['kind'], digest: string): void {
    const inventory = this.#parts.inventory.current();
    if (kind === 'rules') this.#agent.send({t: 'wantDocument', digest});
    else if (inventory?.digest === digest)
      this.#reporter?.sendDocument({kind, digest, bytes: inventory.bytes, body: inventory.body.toString('base64')});
  }

  #agentLost(): void {
    this.#signer.lost();
    this.#cancelSetUp();
    this.#puller.stop();
    this.#cancelAway = this.#parts.clock.after(agentAwayMs, () => {
      this.#state = null;
      this.#setup = null;
      this.#connector.aim(null);
    });
  }

  #trouble(problem: LinkProblem): boolean {
    this.#connectionLog.trouble(problem);
    this.#problems.connection = this.#said(problem);
    this.#status.changed();
    return true;
  }

  /** Whoever began the enrolment waits for an answer: no further try once it is clear that none helps. */
  #enrolTrouble(problem: LinkProblem): boolean {
    this.#trouble(problem);
    const isFinal = !isWorthRetrying(problem.code) || finalForEnrolment.has(problem.code);
    if (!isFinal && ++this.#enrolFailures < enrolTries) return true;
    this.#agent.send({t: 'enrolFailed', code: problem.code, message: shorten(problem.message)});
    return false;
  }

  #spoolProblem(problem: LinkProblem | null): void {
    if (problem === null) this.#spoolLog.over();
    else this.#spoolLog.trouble(problem);
    this.#problems.spool = problem === null ? null : this.#said(problem);
    this.#status.changed();
  }

  #said({code, message}: LinkProblem): Trouble {
    return {code, message: shorten(message), at: timeText(this.#parts.clock.wall())};
  }

  #noteOpen(open: boolean): void {
    if (open !== this.#wasOpen) this.#since = timeText(this.#parts.clock.wall());
    this.#wasOpen = open;
    this.#status.changed();
  }

  #composeStatus(): LinkStatus {
    const {spool} = this.#parts;
    const {nextTryAt} = this.#connector;
    return {
      connected: this.#wasOpen,
      since: this.#since,
      problem: this.#problems.connection ?? this.#problems.spool,
      nextTryAt: nextTryAt === null ? null : timeText(nextTryAt),
      acknowledged: spool.acknowledged(),
      spool: spool.totals(),
      clockSkewMs: this.#skewMs,
      degraded: this.#setup?.enrolment?.place.tlsEndsAtProxy ?? false,
    };
  }
}

type Trouble = LinkStatus['problem'];

/** Beside what no retry helps against anyway: what a person typed is wrong. */
const finalForEnrolment = new Set(['AGENT_REFUSED', 'FLEET_MISMATCH', 'PIN_MISMATCH', 'TLS_TOO_OLD', 'PROXY_REFUSED']);

/** One text for one place and one name there, which is a secret for a token. */
const keyOf = ({url, pins, fleet, proxy, tlsEndsAtProxy}: Target['place'], who: string): string =>
  createHash('sha256')
    .update(JSON.stringify([url, pins, fleet, proxy, tlsEndsAtProxy, who]))
    .digest('hex');
