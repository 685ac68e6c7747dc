import type {Answer} from '../policies/facts/answer.ts';
import type {FactRequest} from '../policies/facts/index.ts';
import type {SelinuxFact} from '../policies/facts/selinux.ts';
import {ReeveError} from './errors.ts';
import {collectFacts} from './host/facts/collect.ts';
import type {Host} from './host/host.ts';
import type {Inspection} from './inspection.ts';
import {labelled} from './report/text.ts';

/** One thing that reeve needs in order to see, and whether it is there. */
export type Need = {what: string; state: 'ok' | 'lacks' | 'note'; found: string; cure: string | null};

/**
 * What reeve can see on this host, what it lacks, and how to get that. `load` tries the configuration and the packs,
 * `connect` the way to the controller.
 */
export async function doctor(
  host: Host,
  {load, connect = async () => []}: {load: () => Promise<string>; connect?: () => Promise<Need[]>},
  columns: number,
  progress: (text: string) => void = () => {},
): Promise<Inspection> {
  const needs = [
    privilege(host),
    runtime(),
    await configuration(load),
    await procfs(host),
    await attributes(host),
    ...(await facts(host, progress)),
    ...(host.live ? await connect() : []),
  ];
  const row = ({what, state, found, cure}: Need) => [
    ...labelled(`${state.padEnd(6)}${what}`, found, {indent: 0, labelWidth: 24, columns}),
    ...(cure === null ? [] : labelled('', `cure: ${cure}`, {indent: 0, labelWidth: 24, columns})),
  ];
  return {json: needs, text: needs.flatMap(row), verdictUnknown: needs.some(({state}) => state === 'lacks')};
}

const ok = (what: string, found: string): Need => ({what, state: 'ok', found, cure: null});
const lacks = (what: string, found: string, cure: string | null): Need => ({what, state: 'lacks', found, cure});

function privilege(host: Host): Need {
  return host.uid === 0
    ? ok('privilege', 'reeve runs as root and may read everything')
    : lacks('privilege', `reeve runs as uid ${host.uid}: what only root may read will be unknown`, 'run it as root');
}

function runtime(): Need {
  return ok('runtime', `Node ${process.version}`);
}

async function configuration(load: () => Promise<string>): Promise<Need> {
  try {
    return ok('configuration', await load());
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    return lacks('configuration', error.message, 'reeve config check names each problem');
  }
}

async function procfs(host: Host): Promise<Need> {
  const status = await host.fs.readFile('/proc/self/status', {maxBytes: 4096});
  if (!host.live) return {what: 'processes', state: 'note', found: 'an image has none', cure: null};
  return status.ok
    ? ok('processes', '/proc is mounted')
    : lacks('processes', status.reason, 'mount -t proc proc /proc');
}

async function attributes(host: Host): Promise<Need> {
  const look = await host.fs.readXattr('/', 'security.capability');
  return look.ok
    ? ok('file attributes', 'capabilities and access lists of files can be read')
    : lacks('file attributes', look.reason, null);
}

async function facts(host: Host, progress: (text: string) => void): Promise<Need[]> {
  const requests: {[what: string]: FactRequest} = {
    'operating system': {fact: 'os'},
    packages: {fact: 'packages'},
    'pending updates': {fact: 'updates'},
    accounts: {fact: 'accounts'},
    units: {fact: 'units'},
    firewall: {fact: 'firewall'},
  };
  const all = Object.entries(requests);
  const selinux = {fact: 'selinux'} as const;
  const wanted = [...all.map(([, request]) => request), selinux];
  const {facts: found} = await collectFacts(host, wanted, {progress});
  return [...all.map(([what, request]) => needOf(what, found.get(request))), accessControl(found.get(selinux))];
}

/** Whether the kernel says which security modules are active: without that, SELinux and AppArmor are both unknown. */
function accessControl(answer: Answer<SelinuxFact>): Need {
  const need = needOf('access control', answer.state === 'seen' ? answer.value.kernel : answer);
  const mount = 'mount -t securityfs securityfs /sys/kernel/security';
  return need.state === 'lacks' && need.found.includes('securityfs is not mounted') ? {...need, cure: mount} : need;
}

function needOf(what: string, answer: Answer<unknown>): Need {
  switch (answer.state) {
    case 'seen':
      return ok(
        what,
        answer.where.length === 0
          ? 'can be seen'
          : `seen in ${answer.where.slice(0, 3).join(', ')}${answer.where.length > 3 ? ` and ${answer.where.length - 3} more` : ''}`,
      );
    case 'unseen':
      return lacks(what, answer.reason, null);
    default:
      return {what, state: 'note', found: answer.reason, cure: null};
  }
}
