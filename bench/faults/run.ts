import {chmodSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {Site, statePlaces, until} from '../site/site.ts';
import {Clock} from './clock.ts';
import {type Fault, faultsOn} from './faults.ts';
import {Files, writeFilesPack} from './files.ts';
import {between, pick, seeded} from './random.ts';
import {type Reckoning, reckon} from './reckoning.ts';
import {SmallDisk} from './small-disk.ts';

export type FaultRunOptions = {
  /** How long changes and faults go on; healing and becoming quiet come on top. */
  seconds: number;
  seed: number;
  /** An empty folder; everything lies in it, and stays. */
  folder: string;
  /** Whether mounts are this process's own (own-namespaces.ts), so that disks can be filled. */
  mounts: boolean;
  /** Told of every fault as it begins. */
  onFault?: (name: string) => void;
  /** How long everything may take to become quiet; default 180. */
  quietSeconds?: number;
};

export type FaultRun = {
  reckoning: Reckoning;
  filesChanged: number;
  changesKept: number;
  gaps: number;
  faults: Map<string, number>;
  leftOut: string[];
  /** Processes that ended without a kill of ours; they were started again, as an init system would. */
  unasked: string[];
  /** Null: it did not become quiet in time, so what differs may still have been under way. */
  quietAfterSeconds: number | null;
  /** Findings that were `unknown` because a checker was killed, until the run asked for a check as the schedule does. */
  leftUnknown: number;
};

const folders = 10;
const filesAFolder = 20;
/** A rule that changes all the time is judged again at most twice a minute. */
const changesSettleMs = 45_000;
const megabytes = {controller: 64, agent: 24, link: 24};

/** Changes files on a host whose parts, disk, network and clock fail at random; then heals all and reckons. */
export async function runFaults(options: FaultRunOptions): Promise<FaultRun> {
  const {folder, seconds} = options;
  chmodSync(folder, 0o755);
  const random = seeded(options.seed);
  const root = join(folder, 'files');
  const files = new Files(root, folders, filesAFolder);
  const config = writeFilesPack(folder, root, folders);
  const disks = options.mounts
    ? {
        controller: new SmallDisk(join(folder, 'controller'), megabytes.controller),
        agent: new SmallDisk(join(folder, 'agent'), megabytes.agent),
        link: new SmallDisk(join(folder, 'link'), megabytes.link),
      }
    : null;
  const clock = Clock.make(join(folder, 'clock'));
  const site = await Site.make({folder, config, ...(clock === null ? {} : {hostEnv: clock.env})});
  try {
    await site.start();
    const {faults, leftOut} = faultsOn({site, clock, disks, seconds});
    const chaos = new Chaos(site, faults, random, options.onFault);
    const endAt = performance.now() + seconds * 1000;
    await Promise.all([changeFiles(files, random, endAt), chaos.run(endAt)]);
    await chaos.healAll();
    const healedAt = performance.now();
    const quietMs = (options.quietSeconds ?? 180) * 1000;
    let quiet = await becomesQuiet(site, files, Math.min(quietMs, changesSettleMs));
    const unknown = (await site.findings()).filter(({finding}) => finding.verdict === 'unknown');
    const notChecked = unknown.length === 0 ? null : await site.check().then(() => null, String);
    if (!quiet) quiet = await becomesQuiet(site, files, quietMs);
    const quietAfterSeconds = quiet ? (performance.now() - healedAt) / 1000 : null;
    const reckoned = await reckonUp(site, files);
    if (notChecked !== null) reckoned.reckoning.problems.push(`no check: ${notChecked}`);
    return {
      ...reckoned,
      filesChanged: files.changes,
      faults: chaos.counts,
      leftOut,
      unasked: site.parts.flatMap(({unasked}) => unasked),
      quietAfterSeconds,
      leftUnknown: unknown.length,
    };
  } finally {
    await site.end();
    for (const place of statePlaces) disks?.[place].free();
  }
}

async function changeFiles(files: Files, random: () => number, endAt: number): Promise<void> {
  while (performance.now() < endAt) {
    for (let count = Math.floor(between(random, 1, 8)); count > 0; count--)
      files.change(pick(random, files.paths), 0o400 | Math.floor(random() * 0o400));
    await sleep(between(random, 20, 600));
  }
}

/** Begins and heals faults, one a place at a time, and starts what ended by itself. */
class Chaos {
  readonly counts = new Map<string, number>();
  readonly #site: Site;
  readonly #faults: Fault[];
  readonly #random: () => number;
  readonly #onFault: (name: string) => void;
  readonly #places = new Map<string, {fault: Fault; done: Promise<void>; hurry: AbortController}>();

  constructor(site: Site, faults: Fault[], random: () => number, onFault: (name: string) => void = () => {}) {
    this.#site = site;
    this.#faults = faults.flatMap(fault => Array<Fault>(fault.weight).fill(fault));
    this.#random = random;
    this.#onFault = onFault;
  }

  async run(endAt: number): Promise<void> {
    while (performance.now() < endAt) {
      await sleep(between(this.#random, 100, 1500));
      this.#revive();
      const free = this.#faults.filter(({place}) => !this.#places.has(place));
      if (free.length > 0) this.#begin(pick(this.#random, free));
    }
  }

  async healAll(): Promise<void> {
    for (const {hurry} of this.#places.values()) hurry.abort();
    await Promise.all([...this.#places.values()].map(({done}) => done));
    this.#revive();
    // Its next try may be minutes away by now; a link that starts tries at once.
    await this.#site.link.end('SIGKILL');
    this.#site.link.start();
  }

  #begin(fault: Fault): void {
    this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
    this.#onFault(fault.name);
    const hurry = new AbortController();
    const lastsMs = between(this.#random, ...fault.lasts);
    const done = this.#live(fault, lastsMs, hurry.signal).finally(() => this.#places.delete(fault.place));
    this.#places.set(fault.place, {fault, done, hurry});
  }

  async #live(fault: Fault, lastsMs: number, signal: AbortSignal): Promise<void> {
    await fault.begin(this.#random);
    await sleep(lastsMs, undefined, {signal}).catch(() => {});
    await fault.heal();
  }

  #revive(): void {
    for (const part of this.#site.parts) if (!part.isRunning && !this.#places.has(part.name)) part.start();
  }
}

/** Waits until the controller has all that the agent has, and the agent what is on disk. False: not in time. */
async function becomesQuiet(site: Site, files: Files, timeoutMs: number): Promise<boolean> {
  return await until('all is quiet', timeoutMs, async () => {
    for (const part of site.parts) if (!part.isRunning) part.start();
    const {reckoning} = await reckonUp(site, files);
    if (reckoning.lost === 0 && reckoning.different === 0) return true;
    await sleep(500);
    return false;
  }).then(
    () => true,
    () => false,
  );
}

async function reckonUp(site: Site, files: Files): Promise<{reckoning: Reckoning; changesKept: number; gaps: number}> {
  const {stream, enrolment} = await site.status();
  if (enrolment === null) throw new Error('the agent lost its enrolment');
  const own = (await site.findings()).map(({finding}) => finding);
  const host = await site.api.host(enrolment.agent);
  const findings = (await site.api.findings(`host=${enrolment.agent}`)).map(({finding}) => finding);
  const changes = await site.api.changes(enrolment.agent);
  const reckoning = reckon({
    history: files.history,
    disk: new Map(files.paths.map(path => [path, files.now(path)])),
    agent: {at: stream.at, findings: own},
    controller: {at: host.stream, findings, changes},
  });
  return {reckoning, changesKept: changes.length, gaps: host.gaps.reduce((sum, {count}) => sum + count, 0)};
}
