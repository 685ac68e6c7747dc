import type {RulesDocument} from '../../controller/protocol/documents.ts';
import type {Finding, Severity} from '../../policies/finding.ts';
import type {Json} from '../../policies/json.ts';
import type {RefusedSite} from '../checker/messages.ts';

/** The pack of what reeve finds of itself. */
export const ownPack = 'reeve';

type OwnRule = {id: string; severity: Severity; title: string; why: string};
const configurationRefused: OwnRule = {
  id: 'reeve.configuration-refused',
  severity: 'high',
  title: 'The configuration and the packs are in force as they are written',
  why: 'A file that is wrong is refused whole, and what was loaded before goes on. Until it is put right this host is judged by what its files said before.',
};
const stateUnwritable: OwnRule = {
  id: 'reeve.state-unwritable',
  severity: 'high',
  title: 'The agent can write down what it finds',
  why: 'What cannot be written is kept in memory alone: an agent that ends then forgets how findings came about, and nothing new reaches the controller.',
};
const stateDamaged: OwnRule = {
  id: 'reeve.state-damaged',
  severity: 'medium',
  title: 'The agent finds its state as it left it',
  why: 'A state that was damaged was set aside and begun anew: what had not reached the controller by then is lost, and it says so once more as a whole. Disks that damage files rarely stop at one.',
};
const waiverExpired: OwnRule = {
  id: 'reeve.waiver-expired',
  severity: 'medium',
  title: 'Waivers are renewed or removed when they end',
  why: 'A waiver that has ended no longer covers what it was written for.',
};
const waiverOrphaned: OwnRule = {
  id: 'reeve.waiver-orphaned',
  severity: 'medium',
  title: 'Waivers are about rules and subjects that exist',
  why: 'A waiver that covers nothing is a leftover, or has a typing error and covers less than somebody thinks.',
};
export const ownRules: readonly OwnRule[] = [
  configurationRefused,
  stateDamaged,
  stateUnwritable,
  waiverExpired,
  waiverOrphaned,
];

/** `ownRules` as a document of rules lists them. */
export const ownDocument = (version: string): Pick<RulesDocument, 'packs' | 'rules'> => ({
  packs: [{name: ownPack, version, title: 'reeve itself', digest: ''}],
  rules: ownRules.map(({id, severity, title, why}) => ({id, pack: ownPack, severity, title, why})),
});

/** A problem on one line. */
export const problemText = ({path, line, column, message, code}: RefusedSite['problems'][number]): string =>
  `${path}:${line}:${column}: ${message} [${code}]`;

/** The files are wrong, and what is wrong with them. */
export function refusedFinding({code, message, problems}: RefusedSite, at: string): Finding {
  const places = problems.map(({path, line, column}) => `${path}:${line}:${column}`);
  const found = problems.map(problemText);
  return failure(configurationRefused, at, 'configuration', {
    expected: 'without problems',
    actual: found.length === 0 ? [`${message} [${code}]`] : found,
    where: places,
    cure:
      code === 'REEVE_LOAD_FAILED'
        ? 'see that there is memory, and room for the state; what was loaded before stays in force, and the agent tries again by itself'
        : 'reeve config check shows every problem with its line; what was loaded before stays in force until they are gone',
  });
}

export const unwritableFinding = (path: string, problem: string, at: string): Finding =>
  failure(stateUnwritable, at, path, {
    expected: 'written at once',
    actual: `kept in memory: ${problem}`,
    where: [path],
    cure: `make room on the file system of ${path}, or mount it read-write; the agent goes on by itself`,
  });

export const damagedFinding = (path: string, setAside: {path: string; reason: string}, at: string): Finding =>
  failure(stateDamaged, at, path, {
    expected: 'as it was left',
    actual: setAside.reason,
    where: [setAside.path],
    cure: `look at the disk and its log; this goes with the next start of the agent, and ${setAside.path} may be removed`,
  });

function failure(
  {id, severity}: OwnRule,
  observedAt: string,
  subject: string,
  {expected, actual, ...rest}: {expected: Json; actual: Json; where: string[]; cure: string},
): Finding {
  return {
    rule: id,
    pack: ownPack,
    severity,
    subject,
    observedAt,
    costMs: 0,
    verdict: 'fail',
    scope: 'effective',
    expected: {state: expected},
    actual: {state: actual},
    wrong: ['state'],
    ...rest,
  };
}
