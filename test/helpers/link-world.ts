import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {type Clock, systemClock} from '../../agent/link/clock.ts';
import {dial} from '../../agent/link/connection/dial.ts';
import {type SessionTimes, sessionTimes} from '../../agent/link/connection/session.ts';
import {type InventorySource, Link} from '../../agent/link/link.ts';
import {Spool, type spoolBounds} from '../../agent/link/spool/spool.ts';
import type {Log} from '../../controller/protocol/log.ts';
import {StubAgent} from './stub-agent.ts';
import {type Certificate, StubController, testCertificate} from './stub-controller.ts';

export type WorldOptions = {
  times?: Partial<SessionTimes>;
  clock?: Clock;
  random?: () => number;
  bounds?: typeof spoolBounds;
  inventory?: InventorySource;
};

/** The agent's end, a controller, and what starts links between the two in this process; all of it goes with the test. */
export type World = {
  folder: string;
  run: string;
  state: string;
  certificate: Certificate;
  agent: StubAgent;
  controller: StubController;
  log: Array<{level: string; message: string; data: {[name: string]: unknown}}>;
  /** The agent is enrolled with the controller. */
  enrol(): void;
  startLink(options?: WorldOptions): Link;
};

export const noInventory: InventorySource = {describe() {}, current: () => null, stop() {}};

export async function linkWorld(t: ExecutionContext): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-link-'));
  const [run, state] = [join(folder, 'run'), join(folder, 'state')];
  mkdirSync(run);
  mkdirSync(state);
  const certificate = await testCertificate();
  const agent = new StubAgent(run);
  await agent.listen();
  const controller = new StubController(certificate);
  await controller.listen();
  const links: Link[] = [];
  t.teardown(async () => {
    for (const link of links) link.stop();
    await agent.close();
    await controller.close();
    rmSync(folder, {recursive: true, force: true});
  });
  const entries: World['log'] = [];
  const log: Log = (level, message, data = {}) => void entries.push({level, message, data});
  return {
    folder,
    run,
    state,
    certificate,
    agent,
    controller,
    log: entries,
    enrol() {
      controller.agent = agent.id;
      controller.publicKey = agent.publicKey;
      agent.place = controller.place;
    },
    startLink({times = {}, clock = systemClock, random = () => 0.01, bounds, inventory = noInventory} = {}) {
      const link = new Link({
        socketPath: join(run, 'link.sock'),
        spool: new Spool(join(state, 'spool.db'), why => log('warning', 'set aside', {why}), bounds),
        inventory,
        dial,
        clock,
        random,
        times: {...sessionTimes, ...times},
        log,
      });
      links.push(link);
      link.start();
      return link;
    },
  };
}
