import {type Answer, withoutValue} from '../../facts/answer.ts';
import type {KernelFact} from '../../facts/kernel.ts';
import {type Judgement, judged} from '../../finding.ts';
import {orList} from '../shared.ts';

/** The judgement where a part was not seen; null where it was. */
function without(subject: string, answer: Answer<unknown>, absent: 'unknown' | 'none'): Judgement | null {
  if (answer.state === 'seen') return null;
  if (answer.state === 'absent') return {subject, verdict: absent, reason: answer.reason};
  return withoutValue(subject, answer);
}

function part<K extends keyof KernelFact>(kernel: Answer<KernelFact>, key: K): KernelFact[K] {
  return kernel.state === 'seen' ? kernel.value[key] : (kernel as KernelFact[K]);
}

export function judgeLsm(wanted: string[], kernel: Answer<KernelFact>): Judgement {
  const answer = part(kernel, 'lsm');
  const subject = 'active LSMs';
  if (answer.state !== 'seen') return without(subject, answer, 'unknown') as Judgement;
  const missing = wanted.filter(name => !answer.value.includes(name));
  const compared = [
    {
      what: 'lsm',
      expected: `with ${wanted.join(', ')}`,
      actual: answer.value.join(', ') || 'none',
      ok: missing.length === 0,
    },
  ];
  const cure = `add ${missing.join(', ')} to the kernel argument lsm=${[...answer.value, ...missing].join(',')}, then reboot`;
  return judged(subject, compared, {where: answer.where, scope: 'runtime', cure});
}

export function judgeLockdown(wanted: string[], kernel: Answer<KernelFact>): Judgement {
  const answer = part(kernel, 'lockdown');
  const subject = 'lockdown';
  if (answer.state !== 'seen') return without(subject, answer, 'none') as Judgement;
  const compared = [{what: 'mode', expected: orList(wanted), actual: answer.value, ok: wanted.includes(answer.value)}];
  return judged(subject, compared, {
    where: answer.where,
    scope: 'runtime',
    cure: `add the kernel argument lockdown=${wanted[0]}, then reboot`,
  });
}

/** Source: kernel, admin-guide/hw-vuln: "Not affected", "Vulnerable…", "Mitigation: …" or "Unknown: …". */
export function judgeVulnerabilities(
  wanted: 'mitigated' | 'vulnerable',
  except: string[],
  kernel: Answer<KernelFact>,
): Judgement[] {
  const answer = part(kernel, 'vulnerabilities');
  const subject = 'CPU vulnerabilities';
  if (answer.state !== 'seen') return [without(subject, answer, 'none') as Judgement];
  const judgedOnes = answer.value.filter(({name}) => !except.includes(name));
  if (judgedOnes.length === 0) return [{subject, verdict: 'none', reason: 'the kernel lists none'}];
  const isOpen = (state: string) => /\bVulnerable\b/.test(state);
  const open = judgedOnes.filter(({state}) => isOpen(state));
  const unknown = judgedOnes.filter(({state}) => /^Unknown/i.test(state) || state === '');
  const cure =
    'install the CPU microcode package and the current kernel, take mitigations=off out of the kernel arguments, then reboot';
  const folder = answer.where[0] as string;
  if (wanted === 'mitigated' && open.length > 0) {
    return open.map(({name, state}) =>
      judged(name, [{what: 'state', expected: 'mitigated or not affected', actual: state, ok: false}], {
        where: [`${folder}/${name}`],
        scope: 'runtime',
        cure,
      }),
    );
  }
  if (unknown.length > 0) {
    return unknown.map(({name, state}) => ({
      subject: name,
      verdict: 'unknown',
      reason: `the kernel says "${state}" in ${folder}/${name}`,
    }));
  }
  const compared = [
    {
      what: 'vulnerable',
      expected: wanted === 'mitigated' ? 'none' : 'some',
      actual: open.map(({name}) => name).join(', ') || 'none',
      ok: (open.length === 0) === (wanted === 'mitigated'),
    },
  ];
  return [judged(subject, compared, {where: answer.where, scope: 'runtime', cure})];
}

/** The letter of each bit and what it tells. Source: kernel, admin-guide/tainted-kernels. */
const taints: ReadonlyArray<[letter: string, meaning: string]> = [
  ['P', 'a proprietary module was loaded'],
  ['F', 'a module was loaded by force'],
  ['S', 'the hardware is out of its specification'],
  ['R', 'a module was unloaded by force'],
  ['M', 'the processor reported a machine check'],
  ['B', 'a bad memory page was met'],
  ['U', 'a user asked for the taint'],
  ['D', 'the kernel died: an oops or bug'],
  ['A', 'an ACPI table was overridden'],
  ['W', 'the kernel warned'],
  ['C', 'a staging driver was loaded'],
  ['I', 'a firmware bug is worked around'],
  ['O', 'a module from outside the kernel was loaded'],
  ['E', 'an unsigned module was loaded'],
  ['L', 'a soft lockup happened'],
  ['K', 'the kernel was live patched'],
  ['X', 'a distribution says so'],
  ['T', 'the kernel was built with struct randomisation'],
  ['N', 'an in-kernel test was run'],
  ['J', 'userspace used a mutating debug operation of fwctl'],
];

export function judgeTaint(wanted: boolean, allow: string[], kernel: Answer<KernelFact>): Judgement {
  const answer = part(kernel, 'tainted');
  const subject = 'kernel taint';
  if (answer.state !== 'seen') return without(subject, answer, 'unknown') as Judgement;
  const bits = BigInt(answer.value);
  const found: string[] = [];
  const texts: string[] = [];
  for (let bit = 0; bit < 52; bit++) {
    if (((bits >> BigInt(bit)) & 1n) === 0n) continue;
    const [letter, meaning] = taints[bit] ?? [`bit ${bit}`, 'of a newer kernel'];
    if (allow.includes(letter)) continue;
    found.push(letter);
    texts.push(`${letter}: ${meaning}`);
  }
  const expected = wanted ? 'tainted' : `not tainted${allow.length === 0 ? '' : `, but for ${allow.join(', ')}`}`;
  const compared = [
    {what: 'tainted', expected, actual: texts.join('; ') || 'not tainted', ok: found.length > 0 === wanted},
  ];
  const cure = 'look for the cause in "journalctl -k", take it away, then reboot: only a reboot clears it';
  return judged(subject, compared, {where: answer.where, scope: 'runtime', cure});
}
