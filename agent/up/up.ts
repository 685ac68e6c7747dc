import {resolve} from 'node:path';
import type {FindingInfo, HostDetail} from '../../controller/protocol/api.ts';
import type {Position} from '../../controller/protocol/messages.ts';
import {allFindings} from '../cli/controller/pages.ts';
import {type ExitStatus, exitStatus, type Io} from '../cli/io.ts';
import {selectRules} from '../cli/selection.ts';
import {ReeveError} from '../errors.ts';
import {printable} from '../host/names.ts';
import {packLines, storedFindings, storedSections} from '../report/stored.ts';
import {painter} from '../report/text.ts';
import {changeLines, followChanges, isNews, newestChange} from './changes.ts';
import {openPage} from './page.ts';
import {Site} from './site.ts';
import {openState} from './state.ts';

export type UpOptions = {once?: boolean; json?: boolean; config?: string; state: string; verbose?: boolean};
/** `zone`: the TZ that schedules are read in, or null for the system's. */
export type Surroundings = {stop: AbortSignal; zone: string | null};

const renewBeforeMs = 60_000;

/** `reeve up`: controller, agent and link in the foreground, until `stop` or, with `once`, until the first report arrived. */
export async function up(options: UpOptions, {stop, zone}: Surroundings, io: Io): Promise<ExitStatus> {
  if (options.json && !options.once)
    throw new ReeveError('REEVE_USAGE', '--json prints one document when all is done, so it goes with --once');
  const state = openState(options.state, ownUid());
  const site = new Site(
    state,
    {
      config: options.config === undefined ? null : resolve(options.config),
      verbose: options.verbose === true,
      zone,
      stop,
    },
    io,
  );
  try {
    return await run(site, options, stop, io);
  } catch (error) {
    if (stop.aborted && error === stop.reason) return options.once ? exitStatus.unavailable : exitStatus.ok;
    throw error;
  } finally {
    io.progress(null);
    await site.stop();
    state.release();
  }
}

const ownUid = () => process.getuid?.() ?? 0;

async function run(site: Site, options: UpOptions, stop: AbortSignal, io: Io): Promise<ExitStatus> {
  const report = await unlessStopped(firstReport(site, options), stop);
  io.progress(null);
  if (options.json) {
    printJson(report, site, io);
    return exitStatus.ok;
  }
  printFindings(report, site, io);
  if (options.once) io.out('The controller has acknowledged all of it. reeve up keeps on, with a page to look at.\n');
  else await keepOn(site, report, stop, io);
  return exitStatus.ok;
}

/** Rejects with the signal's reason as soon as it is aborted, whatever is still under way. */
function unlessStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  const stopped = new Promise<never>((_resolve, reject) => {
    if (stop.aborted) reject(stop.reason);
    stop.addEventListener('abort', () => reject(stop.reason), {once: true});
  });
  return Promise.race([work, stopped]);
}

/** What the controller has after the first check; `since` is the newest change in it. */
type FirstReport = {
  host: HostDetail;
  findings: FindingInfo[];
  acknowledged: {position: Position; at: string};
  since: Position | null;
};

async function firstReport(site: Site, options: UpOptions): Promise<FirstReport> {
  const {host: id, position} = await firstCheck(site, options);
  const acknowledged = await site.acknowledged(id, position);
  const host = await site.described(id);
  const since = await newestChange(site.controller, id);
  return {host, findings: await Array.fromAsync(allFindings(site.controller, {host: id})), acknowledged, since};
}

/** Gives the id of this host at the controller, and where its stream stands after the first check. */
async function firstCheck(site: Site, {config}: UpOptions): Promise<{host: string; position: Position}> {
  try {
    await site.start();
    const host = await site.enrol();
    return {host, position: await site.check()};
  } catch (error) {
    // Packs or configuration that do not load are the likeliest cause, and this says where they are wrong.
    if (error instanceof ReeveError && error.code === 'REEVE_UP_FAILED')
      await selectRules(config === undefined ? {} : {config});
    throw error;
  }
}

function printFindings({host, findings}: FirstReport, site: Site, io: Io): void {
  const rest = (rule: string) => `reeve findings --state ${site.folders.root} --rule ${rule} --json`;
  const heading = `${printable(host.name)}, ${printable(host.os ?? 'unknown system')}`;
  const lines = [
    painter(io.colour)('bold', `${heading}${ownUid() === 0 ? '' : ', not looked at as root'}`),
    '',
    ...storedSections(findings, rest, {columns: io.columns, colour: io.colour, all: false}),
    ...packLines(storedFindings(findings), io),
    '',
  ];
  io.out(`${lines.join('\n')}\n`);
}

function printJson({host, findings, acknowledged}: FirstReport, site: Site, io: Io): void {
  const safe = (_key: string, value: unknown) => (typeof value === 'string' ? printable(value) : value);
  const document = {
    schema: 'reeve.up/1',
    host,
    findings,
    acknowledged: {...acknowledged, controller: `http://127.0.0.1:${site.ports.page}`},
  };
  io.out(`${JSON.stringify(document, safe, 2)}\n`);
}

/** Shows the page's address and every change, until `stop`. The token in the address is renewed before it is over. */
async function keepOn(site: Site, {host, since}: FirstReport, stop: AbortSignal, io: Io): Promise<void> {
  const paint = painter(io.colour);
  const open = async () => {
    const page = await openPage(site.controller, site.ports.page);
    io.out(`Page   ${page.url}\n`);
    return page;
  };
  let page = await open();
  io.out(`State  ${site.folders.root}; nothing else on this machine was changed.\n`);
  io.out('Changes are shown as they reach the controller. Ctrl-C ends it.\n\n');
  const renew = async () => {
    page = await open();
  };
  const renewal = setInterval(() => void renew().catch(site.onProblem), page.lifeMs - renewBeforeMs);
  try {
    await followChanges(site.controller, host.id, since, {
      stop,
      onChange: change => {
        if (isNews(change)) io.out(`${changeLines(change, io.columns, paint).join('\n')}\n`);
      },
    });
  } finally {
    clearInterval(renewal);
    await page.revoke().catch(site.onProblem);
  }
}
