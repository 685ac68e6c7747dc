import {randomUUID} from 'node:crypto';
import {setTimeout as sleep} from 'node:timers/promises';
import type {WireFinding} from '../../controller/protocol/batch.ts';
import type {JoinTicket} from '../../controller/protocol/join.ts';
import {SimulatedHost} from './host.ts';

export type FleetStats = {
  hosts: number;
  open: number;
  /** Batches that are not acknowledged. */
  waiting: number;
  /** Since the last `clear`: why connections ended or were refused, and how often. */
  lost: {[code: string]: number};
  stepsAcknowledged: number;
  /** Milliseconds from sending a batch to its acknowledgement. */
  ackMs: {p50: number; p99: number; max: number};
};

/** What hosts of one machine take longer for than this has gone wrong. */
const patienceMs = 180_000;

/** Many simulated hosts in this process. */
export class Fleet {
  readonly #hosts: SimulatedHost[] = [];
  #lost = new Map<string, number>();
  #ackMs: number[] = [];
  #steps = 0;
  readonly #run = randomUUID().slice(0, 8);

  /** Adds hosts and connects them, at most `atOnce` in greeting at a time; resolves when all are open. */
  async enrol({ticket, count, atOnce, findings}: EnrolRequest): Promise<void> {
    const added = Array.from({length: count}, () => this.#add(ticket));
    if (findings.length > 0) for (const host of added) host.report(findings);
    await this.#ramp(added, atOnce);
  }

  disconnect(): void {
    for (const host of this.#hosts) host.disconnect();
  }

  /** Every host gives `count` findings another verdict; resolves when all is acknowledged. */
  async change(count: number): Promise<void> {
    for (const host of this.#hosts) host.change(count);
    await this.acknowledged();
  }

  async acknowledged(): Promise<void> {
    await this.#until('has everything acknowledged', ({waiting}) => waiting === 0);
  }

  async allOpen(): Promise<void> {
    await this.#until('is connected', ({isOpen}) => isOpen);
  }

  clear(): void {
    this.#lost = new Map();
    this.#ackMs = [];
    this.#steps = 0;
  }

  stats(): FleetStats {
    const sorted = this.#ackMs.toSorted((a, b) => a - b);
    const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return {
      hosts: this.#hosts.length,
      open: this.#hosts.filter(({isOpen}) => isOpen).length,
      waiting: this.#hosts.reduce((sum, {waiting}) => sum + waiting, 0),
      lost: Object.fromEntries(this.#lost),
      stepsAcknowledged: this.#steps,
      ackMs: {p50: quantile(0.5), p99: quantile(0.99), max: sorted.at(-1) ?? 0},
    };
  }

  async #until(what: string, isSo: (host: SimulatedHost) => boolean): Promise<void> {
    const endAt = performance.now() + patienceMs;
    while (!this.#hosts.every(isSo)) {
      if (performance.now() > endAt)
        throw new Error(`not every host ${what} after ${patienceMs} ms: ${JSON.stringify(this.stats())}`);
      await sleep(5);
    }
  }

  #add(ticket: JoinTicket): SimulatedHost {
    const host = new SimulatedHost({
      ticket,
      name: `simulated-${this.#run}-${this.#hosts.length}`,
      events: {
        lost: (_host, code) => this.#lost.set(code, (this.#lost.get(code) ?? 0) + 1),
        acknowledged: (_host, steps, ms) => {
          this.#steps += steps;
          this.#ackMs.push(ms);
        },
      },
    });
    this.#hosts.push(host);
    return host;
  }

  async #ramp(hosts: SimulatedHost[], atOnce: number): Promise<void> {
    const endAt = performance.now() + patienceMs;
    let started = 0;
    let greeting: SimulatedHost[] = [];
    while (started < hosts.length || greeting.length > 0) {
      greeting = greeting.filter(({isOpen}) => !isOpen);
      const next = hosts.slice(started, started + atOnce - greeting.length);
      for (const host of next) host.connect();
      started += next.length;
      greeting.push(...next);
      if (performance.now() > endAt) throw new Error(`the hosts do not get in: ${JSON.stringify(this.stats())}`);
      await sleep(2);
    }
  }
}

export type EnrolRequest = {ticket: JoinTicket; count: number; atOnce: number; findings: WireFinding[]};
