import type {Log} from '../../controller/protocol/log.ts';
import type {LoadedSite, RefusedSite} from '../checker/messages.ts';
import {ReeveError} from '../errors.ts';
import {type AgentStatus, type LocalFinding, maxProblem, maxProblems} from '../ipc/control-messages.ts';
import {ownDirectory} from './atomic-file.ts';
import type {CheckRound, Checks, ChecksListener} from './contracts.ts';
import {Enrolling} from './enrolling.ts';
import {type Enrolment, Identity} from './keys/enrolment.ts';
import {damagedFinding, ownRules, problemText, refusedFinding, unwritableFinding} from './own-rules.ts';
import {type Document, documentOf, readDocument, writeDocument} from './rules-document.ts';
import {Signer} from './signer.ts';
import {serveControl} from './sockets/control.ts';
import {type LinkDesk, type LinkSocket, serveLink} from './sockets/link.ts';
import {knowsPeers, type Peer} from './sockets/peer.ts';
import {type OpenedStore, openStore} from './store/store.ts';
import {toWire} from './store/wire.ts';

export type DaemonOptions = {
  stateDir: string;
  runDir: string;
  /** Who the link is, beside root and ourselves; null: nobody. */
  link: {uid: number; gid: number} | null;
  /** The version of reeve, and what the host calls itself. */
  reeve: string;
  hostname: string;
  log: Log;
  /** Of this process. */
  uid: number;
  pid: number;
  now: () => Date;
  monotonicMs: () => number;
  /** Makes what judges; it is started when everything that listens is there. `hostId` splays schedules. */
  makeChecks: (listener: ChecksListener, hostId: string) => Checks;
};

export type Daemon = {
  /** Reads configuration and packs again. */
  reload(): void;
  stop(): Promise<void>;
};

/** How often rounds that could not be written are tried again. */
const retryMs = 5_000;
const pageSize = 64;

/** Starts the agent. Throws `REEVE_AGENT_RUNNING` and `REEVE_STATE_UNUSABLE`; then nothing of it is left running. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const {stateDir, runDir, uid} = options;
  ownDirectory(stateDir, uid, 0o700);
  ownDirectory(runDir, uid, 0o755);
  if (!knowsPeers && uid === 0)
    throw new ReeveError(
      'REEVE_STATE_UNUSABLE',
      'cannot tell who connects: the native part is missing (make -C agent/native)',
    );
  const agent = new Agent(options);
  try {
    await agent.start();
  } catch (error) {
    await agent.stop();
    throw error;
  }
  return agent;
}

class Agent implements Daemon {
  readonly #options: DaemonOptions;
  readonly #identity: Identity;
  readonly #enrolling: Enrolling;
  readonly #store: OpenedStore;
  readonly #checks: Checks;
  readonly #startedAt: string;
  readonly #closing: Array<() => unknown> = [];
  /** Settled when the site was loaded, or could not be. */
  #started: Promise<void> = Promise.resolve();
  #link: LinkSocket | null = null;
  #document: Document | null;
  #site: LoadedSite | null = null;
  #refused: AgentStatus['refused'] = null;
  #unwritable: ReturnType<typeof unwritableFinding> | null = null;

  constructor(options: DaemonOptions) {
    this.#options = options;
    const {stateDir, uid, log, now, monotonicMs} = options;
    this.#startedAt = now().toISOString();
    this.#identity = Identity.open(stateDir, uid);
    this.#document = readDocument(this.#path('rules.json'), uid);
    this.#store = openStore({
      path: this.#path('agent.db'),
      identity: () => {
        const {enrolment, key} = this.#identity;
        return enrolment === null ? null : {agent: enrolment.agent, key: key.private};
      },
      describe: id => this.#describe(id),
      log,
      now,
      monotonicMs,
    });
    this.#closing.push(() => this.#store.close());
    this.#enrolling = new Enrolling(this.#identity, {
      onChange: () => this.#link?.announceSetup(),
      onEnrolled: () => this.#store.enrolled(),
      isLinked: () => (this.#link?.status() ?? null) !== null,
    });
    const hostId = this.#identity.key.public.toString('hex');
    this.#checks = options.makeChecks(
      {
        onLoaded: site => this.#onLoaded(site),
        onRefused: refused => this.#onRefused(refused),
        onRound: round => this.#onRound(round),
      },
      hostId,
    );
  }

  async start(): Promise<void> {
    const {log, runDir, link, uid} = this.#options;
    this.#reportDamage();
    const isOurs = (peer: Peer | null) => (peer === null ? !knowsPeers : peer.uid === 0 || peer.uid === uid);
    const isLink = (peer: Peer | null) => isOurs(peer) || (peer !== null && peer.uid === link?.uid);
    const control = await serveControl(`${runDir}/agent.sock`, {mayConnect: isOurs, desk: this.#controlDesk(), log});
    this.#closing.push(() => control.close());
    const served = await serveLink(`${runDir}/link.sock`, {
      gid: link?.gid ?? null,
      mayConnect: isLink,
      desk: this.#linkDesk(),
      log,
    });
    this.#link = served;
    this.#closing.push(() => served.close());
    const retry = setInterval(() => this.#settle(() => this.#store.retry()), retryMs);
    this.#closing.push(() => clearInterval(retry));
    this.#closing.push(() => this.#checks.stop());
    log('info', 'the agent runs', {
      state: this.#options.stateDir,
      run: runDir,
      enrolled: this.#identity.enrolment !== null,
    });
    this.#started = this.#checks
      .start()
      .catch((error: Error) => log('error', 'nothing can be judged', {error: error.message}));
  }

  reload(): void {
    const {log} = this.#options;
    log('info', 'reading configuration and packs again');
    this.#started
      .then(() => this.#checks.reload())
      .catch((error: Error) => log('error', 'cannot read configuration and packs again', {error: error.message}));
  }

  async stop(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close();
  }

  #path = (name: string): string => `${this.#options.stateDir}/${name}`;

  #describe(id: string) {
    const rule = this.#document?.value.rules.find(rule => rule.id === id);
    return rule === undefined
      ? null
      : {pack: rule.pack, severity: rule.severity as LocalFinding['finding']['severity']};
  }

  #reportDamage(): void {
    const {setAside} = this.#store;
    const path = this.#path('agent.db');
    if (setAside !== null)
      this.#options.log('error', 'the state was damaged, and was set aside', {
        path,
        to: setAside.path,
        reason: setAside.reason,
      });
    this.#store.recordOwn(
      'reeve.state-damaged',
      setAside === null ? null : damagedFinding(path, setAside, this.#now()),
    );
  }

  #onLoaded(site: LoadedSite): void {
    this.#site = site;
    const document = documentOf(site, this.#options.reeve);
    if (document.digest !== this.#document?.digest) this.#keep(document);
    this.#settle(() => this.#store.forgetRulesBut(new Set([...site.rules, ...ownRules].map(({id}) => id))));
    this.#link?.announceSetup();
  }

  #keep(document: Document): void {
    this.#document = document;
    try {
      writeDocument(this.#path('rules.json'), document);
    } catch (error) {
      this.#options.log('warning', 'the titles of the rules cannot be written', {error: (error as Error).message});
    }
  }

  #onRefused(refused: RefusedSite | null): void {
    const at = this.#now();
    this.#refused = refused === null ? null : statusOf(refused, at);
    if (refused !== null) {
      const {code, message} = refused;
      if (code === 'REEVE_LOAD_FAILED')
        this.#options.log('warning', 'the configuration could not be loaded; trying again', {code, reason: message});
      else this.#options.log('error', 'the configuration is refused', {code, reason: message});
    }
    const finding = refused === null ? null : refusedFinding(refused, at);
    this.#settle(() => this.#store.recordOwn('reeve.configuration-refused', finding));
  }

  #onRound(round: CheckRound): void {
    for (const [rule, reason] of round.killed)
      this.#options.log('warning', 'a rule could not be judged', {rule, reason});
    this.#settle(() => this.#store.record(round));
  }

  /** Does something that may make steps, then says so to whom it concerns, and whether it could be written. */
  #settle(change: () => number): void {
    const at = this.#store.at();
    change();
    const problem = this.#store.problem();
    if (problem !== null) this.#unwritable ??= unwritableFinding(this.#path('agent.db'), problem, this.#now());
    else if (this.#unwritable !== null) {
      const finding = this.#unwritable;
      this.#unwritable = null;
      this.#store.recordOwn(finding.rule, finding);
      this.#store.recordOwn(finding.rule, null);
    }
    const {epoch, n} = this.#store.at();
    if (epoch !== at.epoch || n !== at.n) this.#link?.announceState();
  }

  #linkDesk(): LinkDesk {
    const store = this.#store;
    const signer = new Signer(this.#identity, this.#enrolling, this.#options.monotonicMs);
    return {
      setup: () => {
        const link = this.#site?.link ?? {proxy: null, tlsEndsAtProxy: false};
        const {enrolment, key} = this.#identity;
        const {reeve, hostname} = this.#options;
        return {
          reeve,
          hostname,
          publicKey: (this.#enrolling.open?.key ?? key).public.toString('base64'),
          enrolment: enrolment === null ? null : placed(enrolment, link),
          enrol: this.#enrolling.setup(link),
        };
      },
      state: () => {
        const checked = Object.entries(store.checkedAt()).slice(0, 64);
        const checkedAt = Object.fromEntries(checked.map(([pack, {at}]) => [pack, at]));
        return {at: store.at(), digest: store.digest(), rules: this.#document?.digest ?? null, checkedAt};
      },
      stored: position => store.stored(position),
      next: after => {
        const {epoch} = store.at();
        const batch = store.next(after);
        // A link that lost its spool made us begin anew: it has to know where the stream stands now.
        if (store.at().epoch !== epoch) queueMicrotask(() => this.#link?.announceState());
        return batch;
      },
      document: digest => {
        const document = this.#document;
        if (document === null || document.digest !== digest) return null;
        return {digest, bytes: document.bytes, body: document.packed.toString('base64')};
      },
      sign: request => signer.sign(request),
      isEnrolling: () => this.#enrolling.open !== null,
      enrolled: agent => this.#enrolling.enrolled(agent),
      enrolFailed: (code, message) => this.#enrolling.failed(code, message),
      resync: (reason, controllerAt) =>
        this.#settle(() => {
          store.resync(reason, controllerAt);
          return 0;
        }),
    };
  }

  #controlDesk() {
    return {
      status: async () => [{status: this.#status()}],
      findings: async (request: Parameters<OpenedStore['findings']>[0]) => {
        const titles = new Map(this.#document?.value.rules.map(({id, title}) => [id, title]));
        const all = [...this.#ownNow(), ...this.#store.findings(request)].map(found => {
          const title = titles.get(found.finding.rule);
          return title === undefined ? found : {...found, title};
        });
        const pages = [];
        for (let at = 0; at < all.length || at === 0; at += pageSize)
          pages.push({findings: all.slice(at, at + pageSize)});
        return pages;
      },
      check: async ({packs}: {packs?: string[]}) => {
        await this.#started;
        if (this.#site === null && this.#refused !== null)
          throw new ReeveError('REEVE_CONFIG_INVALID', `nothing can be judged: ${this.#refused.message}`);
        const begun = this.#options.monotonicMs();
        await this.#checks.checkNow(packs ?? null);
        return [{durationMs: Math.round(this.#options.monotonicMs() - begun)}];
      },
      enroll: async ({ticket, replace}: {ticket: string; replace?: boolean}) => {
        const {url, agent, fleet} = await this.#enrolling.begin(ticket, replace ?? false);
        return [{url, agent, fleet}];
      },
    };
  }

  /** What cannot be in the store, because the store is what is wrong. */
  #ownNow(): LocalFinding[] {
    if (this.#unwritable === null) return [];
    const {observedAt} = this.#unwritable;
    return [{finding: toWire(this.#unwritable), since: observedAt, observedAt}];
  }

  #status(): AgentStatus {
    const {reeve, pid, hostname} = this.#options;
    const {enrolment} = this.#identity;
    const {running, packs, watched} = this.#checks.status();
    const checked = this.#store.checkedAt();
    const {items, bytes, stored} = this.#store.waiting();
    return {
      reeve,
      pid,
      startedAt: this.#startedAt,
      hostname,
      enrolment: enrolment === null ? null : {url: enrolment.url, agent: enrolment.agent, fleet: enrolment.fleet},
      packs: packs.map(({name, schedule, nextAt}) => ({
        name,
        version: this.#site?.packs.find(pack => pack.name === name)?.version ?? '',
        rules: this.#site?.rules.filter(({pack}) => pack === name).length ?? 0,
        schedule,
        nextAt,
        checkedAt: checked[name]?.at ?? null,
        durationMs: checked[name]?.durationMs ?? null,
      })),
      refused: this.#refused,
      running,
      watched,
      counts: this.#store.counts(),
      stream: {at: this.#store.at(), stored, waiting: items, bytes},
      link: this.#link?.status() ?? null,
    };
  }

  #now(): string {
    return this.#options.now().toISOString();
  }
}

function statusOf({code, message, problems}: RefusedSite, at: string): AgentStatus['refused'] {
  const texts = problems.slice(0, maxProblems).map(problem => problemText(problem).slice(0, maxProblem));
  return {code, message, problems: texts, at};
}

function placed({agent, url, pins, fleet}: Enrolment, link: LoadedSite['link']) {
  return {agent, place: {url, pins, fleet, ...link}};
}
