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
import {openPage, type PageAddress} from './page.ts';
import {Site} from './site.ts';
import {openState} from './state.ts';

export type UpOptions = {once?: boolean; json?: boolean; config?: string; state: string; verbose?: boolean};
/** `zone`: the TZ that schedules are read in, or null for the system's. */
export type Surroundings = {stop: AbortSignal; zone: string | null};

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
  const {host, position} = await firstCheck(site, options);
  const acknowledged = await site.acknowledged(host, position);
  const detail = await site.described(host);
  io.progress(null);
  const since = await newestChange(site.controller, host);
  const found = await Array.fromAsync(allFindings(site.controller, {host}));
  if (options.json) {
    printJson(detail, found, acknowledged, site, io);
    return exitStatus.ok;
  }
  printFindings(found, detail, site, io);
  if (options.once) {
    io.out(`The controller has acknowledged all of it. reeve up keeps on, with a page to look at.\n`);
    return exitStatus.ok;
  }
  await keepOn(site, host, since, stop, io);
  return exitStatus.ok;
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

function printFindings(found: FindingInfo[], {name, os}: HostDetail, site: Site, io: Io): void {
  const rest = (rule: string) => `reeve findings --state ${site.folders.root} --rule ${rule} --json`;
  const lines = [
    painter(io.colour)(
      'bold',
      `${printable(name)}, ${printable(os ?? 'unknown system')}${ownUid() === 0 ? '' : ', not looked at as root'}`,
    ),
    '',
    ...storedSections(found, rest, {columns: io.columns, colour: io.colour, all: false}),
    ...packLines(storedFindings(found), io),
    '',
  ];
  io.out(`${lines.join('\n')}\n`);
}

function printJson(
  host: HostDetail,
  findings: FindingInfo[],
  acknowledged: {position: Position; at: string},
  site: Site,
  io: Io,
): void {
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
async function keepOn(site: Site, host: string, since: Position | null, stop: AbortSignal, io: Io): Promise<void> {
  const paint = painter(io.colour);
  let page: PageAddress | null = null;
  const show = async () => {
    page = await openPage(site.controller, site.ports.page);
    io.out(`Page   ${page.url}\n`);
  };
  await show();
  io.out(`State  ${site.folders.root}; nothing else on this machine was changed.\n`);
  io.out('Changes are shown as they reach the controller. Ctrl-C ends it.\n\n');
  const renewal = setInterval(
    () => void show().catch(site.onProblem),
    (page as unknown as PageAddress).lifeMs - 60_000,
  );
  try {
    await followChanges(site.controller, host, since, {
      stop,
      onChange: change => {
        if (isNews(change)) io.out(`${changeLines(change, io.columns, paint).join('\n')}\n`);
      },
    });
  } finally {
    clearInterval(renewal);
    await (page as unknown as PageAddress).revoke().catch(site.onProblem);
  }
}
