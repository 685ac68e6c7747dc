import {type Answer, withoutValue} from '../../facts/answer.ts';
import type {KernelModuleFact} from '../../facts/kernel.ts';
import {type Comparison, type Judgement, judged} from '../../finding.ts';

const refusing = /^\/(?:usr\/)?s?bin\/(?:false|true)(?:\s|$)/;

export function judgeModule(
  module: string,
  wanted: {loaded?: boolean; loadable?: boolean},
  answer: Answer<KernelModuleFact>,
): Judgement {
  const subject = `module ${module}`;
  if (answer.state === 'absent') return {subject, verdict: 'unknown', reason: answer.reason};
  if (answer.state !== 'seen') return withoutValue(subject, answer);
  const {value, where} = answer;
  const compared: Comparison[] = [];
  const cures: string[] = [];
  const runtime = wanted.loaded !== undefined && (value.loaded !== null || value.builtin);
  if (wanted.loaded !== undefined && runtime) {
    const present = value.loaded === true || value.builtin;
    const actual = value.builtin ? 'built into the kernel' : present ? 'loaded' : 'not loaded';
    compared.push({
      what: 'loaded',
      expected: wanted.loaded ? 'loaded' : 'not loaded',
      actual,
      ok: present === wanted.loaded,
    });
    if (present && !wanted.loaded)
      cures.push(value.builtin ? 'run a kernel that has it not built in' : `modprobe -r ${module}`);
    if (!present && wanted.loaded)
      cures.push(`modprobe ${module}; echo ${module} > /etc/modules-load.d/${module}.conf`);
  }
  if (wanted.loadable !== undefined) {
    const loadable = canLoad(value);
    compared.push({
      what: 'loadable',
      expected: wanted.loadable ? 'loadable' : 'not loadable',
      actual: loadText(value),
      ok: loadable === wanted.loadable,
    });
    if (loadable && !wanted.loadable) {
      cures.push(`printf 'install ${module} /bin/false\\nblacklist ${module}\\n' > /etc/modprobe.d/${module}.conf`);
    }
    if (!loadable && wanted.loadable)
      cures.push(`install the package that has ${module}, and take it out of modprobe.d`);
  }
  if (compared.length === 0)
    return {subject, verdict: 'not-applicable', reason: 'loaded modules can be seen on the running machine only'};
  const scope = runtime && wanted.loadable !== undefined ? 'effective' : runtime ? 'runtime' : 'persistent';
  return judged(subject, compared, {where, scope, cure: cures.join('; ')});
}

/** Refused by name and, for when an alias of a device asks for it, blacklisted. */
const canLoad = ({files, install, blacklist}: KernelModuleFact): boolean =>
  files.length > 0 && !(install !== null && refusing.test(install.command) && blacklist !== null);

function loadText({files, install, blacklist}: KernelModuleFact): string {
  if (files.length === 0) return 'no file in /lib/modules';
  const parts = [
    install === null ? 'no install line' : `install ${install.command}`,
    blacklist === null ? 'not blacklisted' : 'blacklisted',
  ];
  return `${files[0]}: ${parts.join(', ')}`;
}
