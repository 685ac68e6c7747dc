import type {Static} from 'typebox';
import * as Type from 'typebox';
import type {FactRequest} from '../facts/index.ts';
import type {Judgement} from '../finding.ts';
import {cmdlineKeys, judgeCmdline} from './kernel/cmdline.ts';
import {judgeModule} from './kernel/module.ts';
import {judgeLockdown, judgeLsm, judgeTaint, judgeVulnerabilities} from './kernel/state.ts';
import {defineKind} from './kind.ts';
import {orList} from './shared.ts';

const names = (wanted: string) =>
  Type.Array(Type.String({minLength: 1, maxLength: 64}), {minItems: 1, maxItems: 64, wanted});
const schema = Type.Object(
  {
    module: Type.Optional(Type.String({pattern: '^[A-Za-z0-9_-]{1,64}$', wanted: "a module's name"})),
    loaded: Type.Optional(Type.Boolean()),
    loadable: Type.Optional(Type.Boolean()),
    cmdline: Type.Optional(cmdlineKeys),
    of: Type.Optional(
      Type.Array(Type.Enum(['runtime', 'persistent']), {
        minItems: 1,
        maxItems: 2,
        wanted: 'a list of runtime, persistent',
      }),
    ),
    lsm: Type.Optional(names('a list of LSM names')),
    lockdown: Type.Optional(
      Type.Array(Type.Enum(['none', 'integrity', 'confidentiality']), {
        minItems: 1,
        maxItems: 3,
        wanted: 'a list of none, integrity, confidentiality',
      }),
    ),
    vulnerabilities: Type.Optional(Type.Enum(['mitigated', 'vulnerable'], {wanted: '"mitigated"'})),
    except: Type.Optional(names('a list of names of /sys/devices/system/cpu/vulnerabilities')),
    tainted: Type.Optional(Type.Boolean()),
    allow: Type.Optional(
      Type.Array(Type.String({pattern: '^[A-Z]$', wanted: 'one letter of /proc/sys/kernel/tainted'}), {
        minItems: 1,
        maxItems: 20,
        wanted: 'a list of letters',
      }),
    ),
  },
  {additionalProperties: false},
);
export type KernelCheck = Static<typeof schema>;

const subjects = ['module', 'cmdline', 'lsm', 'lockdown', 'vulnerabilities', 'tainted'] as const;

export const kernelKind = defineKind<typeof schema>({
  name: 'kernel',
  summary: 'The running kernel and what the next boot gives it: modules, arguments, LSMs, lockdown, CPU flaws, taint.',
  schema,
  problems: check => problems(check),
  canBeEmpty: check => check.vulnerabilities !== undefined || check.lockdown !== undefined,
  wants: (check): FactRequest[] => {
    if (check.module !== undefined) return [{fact: 'kernelModule', module: check.module}];
    return check.cmdline !== undefined && scopesOf(check).includes('persistent')
      ? [{fact: 'kernel'}, {fact: 'bootEntries'}]
      : [{fact: 'kernel'}];
  },
  judge: (check, facts): Judgement[] => {
    if (check.module !== undefined)
      return [judgeModule(check.module, check, facts.get({fact: 'kernelModule', module: check.module}))];
    const kernel = facts.get({fact: 'kernel'});
    if (check.cmdline !== undefined) {
      return [judgeCmdline(check.cmdline, scopesOf(check), kernel, () => facts.get({fact: 'bootEntries'}))];
    }
    if (check.lsm !== undefined) return [judgeLsm(check.lsm, kernel)];
    if (check.lockdown !== undefined) return [judgeLockdown(check.lockdown, kernel)];
    if (check.vulnerabilities !== undefined)
      return judgeVulnerabilities(check.vulnerabilities, check.except ?? [], kernel);
    return [judgeTaint(check.tainted ?? false, check.allow ?? [], kernel)];
  },
  flips: check => flips(check),
  looks: check => looks(check),
  wanted: check => wanted(check),
});

const scopesOf = (check: KernelCheck): ReadonlyArray<'runtime' | 'persistent'> =>
  check.cmdline?.of ?? check.of ?? ['runtime'];

function problems(check: KernelCheck): Array<{at: string[]; message: string}> {
  const found: Array<{at: string[]; message: string}> = [];
  const given = subjects.filter(key => check[key] !== undefined);
  if (given.length !== 1)
    found.push({at: [], message: `give exactly one of ${subjects.join(', ')}; found ${given.join(', ') || 'none'}`});
  if (check.module !== undefined && check.loaded === undefined && check.loadable === undefined) {
    found.push({at: ['module'], message: 'nothing is expected of the module: give "loaded" or "loadable"'});
  }
  if (check.cmdline !== undefined && check.cmdline.has === undefined && check.cmdline.lacks === undefined) {
    found.push({at: ['cmdline'], message: 'nothing is expected: give "has" or "lacks"'});
  }
  const belongs: Array<[key: keyof KernelCheck, to: keyof KernelCheck]> = [
    ['loaded', 'module'],
    ['loadable', 'module'],
    ['of', 'cmdline'],
    ['except', 'vulnerabilities'],
    ['allow', 'tainted'],
  ];
  for (const [key, to] of belongs) {
    if (check[key] !== undefined && check[to] === undefined)
      found.push({at: [key], message: `"${key}" goes with "${to}"`});
  }
  return found;
}

function flips(check: KernelCheck): Array<{what: string; check: KernelCheck}> {
  const turned: Array<{what: string; check: KernelCheck}> = [];
  for (const key of ['loaded', 'loadable', 'tainted'] as const) {
    if (check[key] !== undefined) turned.push({what: key, check: {...check, [key]: !check[key]}});
  }
  const {has, lacks, of} = check.cmdline ?? {};
  const scope = of === undefined ? {} : {of};
  if (has !== undefined)
    turned.push({what: 'cmdline.has', check: {...check, cmdline: {...scope, lacks: [...has, ...(lacks ?? [])]}}});
  if (lacks !== undefined)
    turned.push({what: 'cmdline.lacks', check: {...check, cmdline: {...scope, has: [...(has ?? []), ...lacks]}}});
  if (check.lsm !== undefined) turned.push({what: 'lsm', check: {...check, lsm: ['no-such-lsm']}});
  if (check.lockdown !== undefined) {
    const others = (['none', 'integrity', 'confidentiality'] as const).filter(mode => !check.lockdown?.includes(mode));
    turned.push({what: 'lockdown', check: {...check, lockdown: others}});
  }
  if (check.vulnerabilities !== undefined) {
    const opposite = check.vulnerabilities === 'mitigated' ? 'vulnerable' : 'mitigated';
    turned.push({what: 'vulnerabilities', check: {...check, vulnerabilities: opposite}});
  }
  return turned;
}

function looks(check: KernelCheck): string {
  if (check.module !== undefined) return 'Reads /proc/modules, /lib/modules/*/modules.{dep,builtin} and modprobe.d.';
  if (check.cmdline !== undefined) {
    return scopesOf(check)
      .map(scope =>
        scope === 'runtime' ? 'Reads /proc/cmdline.' : 'Reads the entries of GRUB and the Boot Loader Specification.',
      )
      .join(' ');
  }
  if (check.vulnerabilities !== undefined) return 'Reads /sys/devices/system/cpu/vulnerabilities.';
  if (check.tainted !== undefined) return 'Reads /proc/sys/kernel/tainted.';
  return `Reads ${check.lsm === undefined ? 'lockdown' : 'lsm'} of securityfs.`;
}

function wanted(check: KernelCheck): string {
  if (check.module !== undefined) {
    const parts = [
      check.loaded === undefined ? '' : check.loaded ? 'loaded' : 'not loaded',
      check.loadable === undefined ? '' : check.loadable ? 'loadable' : 'cannot be loaded',
    ];
    return `module ${check.module}: ${parts.filter(part => part !== '').join(', ')}`;
  }
  const {has = [], lacks = []} = check.cmdline ?? {};
  if (check.cmdline !== undefined) {
    return `kernel arguments: ${[...has.map(word => `with ${word}`), ...lacks.map(word => `without ${word}`)].join(', ')} (${scopesOf(check).join(' and ')})`;
  }
  if (check.lsm !== undefined) return `active LSMs: ${check.lsm.join(', ')}`;
  if (check.lockdown !== undefined) return `lockdown: ${orList(check.lockdown)}`;
  if (check.vulnerabilities !== undefined)
    return `CPU vulnerabilities: ${check.vulnerabilities}${check.except === undefined ? '' : `, except ${check.except.join(', ')}`}`;
  return `tainted: ${check.tainted ? 'yes' : 'no'}${check.allow === undefined ? '' : `, but for ${check.allow.join(', ')}`}`;
}
