import {type Answer, absent, liveOnly, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {SelinuxFact, SelinuxMode} from '../../../../policies/facts/selinux.ts';
import type {Host} from '../../host.ts';
import {single} from '../collector.ts';
import {enforcingWord} from './boot-lsm.ts';
import {activeLsms, answerOf, hasLsm, mountPoint, readText} from './lsm.ts';
import {type BootOutcome, nextBoot} from './next-boot.ts';
import {parseSelinuxConfig} from './selinux-config.ts';
import {collectPolicies} from './selinux-policies.ts';

const configPath = '/etc/selinux/config';

/** SELinux as the kernel, selinuxfs, /etc/selinux and the boot entries have it. */
export const collectSelinux = single<'selinux'>(async looking => {
  const {host} = looking;
  const kernel = hasLsm(await activeLsms(host), 'selinux');
  const mount = await mountPoint(host, 'selinuxfs');
  const {configured, policyType} = await readConfig(host);
  const flags = await readFlags(host, mount);
  const fact: SelinuxFact = {
    kernel,
    mount,
    ...flags,
    policyLoaded: await policyLoaded(host, kernel),
    configured,
    policyType,
    nextBoot: modeAtBoot(await nextBoot(looking, 'selinux'), configured),
    ...(await collectPolicies(host, mount, policyType, flags.policyVersion)),
  };
  return seen(fact, [
    ...(kernel.state === 'seen' ? kernel.where : []),
    ...(mount.state === 'seen' ? [mount.value] : []),
    configPath,
  ]);
});

type Flags = Pick<SelinuxFact, 'mode' | 'mls' | 'denyUnknown' | 'checkReqProt' | 'policyVersion'>;

async function readFlags(host: Host, mount: Answer<string>): Promise<Flags> {
  const read = async <T>(name: string, parse: (text: string) => T | null): Promise<Answer<T>> =>
    mount.state === 'seen'
      ? answerOf(await readText(host, `${mount.value}/${name}`, 4096), `${mount.value}/${name}`, parse)
      : mount;
  return {
    mode: await read('enforce', text => (flag(text) === null ? null : flag(text) ? 'enforcing' : 'permissive')),
    mls: await read('mls', flag),
    denyUnknown: await read('deny_unknown', flag),
    checkReqProt: await read('checkreqprot', flag),
    policyVersion: await read('policyvers', text => (/^\d{1,9}\s*$/.test(text) ? Number(text) : null)),
  };
}

const flag = (text: string): boolean | null => (text.trim() === '1' ? true : text.trim() === '0' ? false : null);

/** Before a policy is loaded every process, PID 1 too, has the kernel's own first label, which is no context. */
async function policyLoaded(host: Host, kernel: Answer<boolean>): Promise<Answer<boolean>> {
  if (!host.live) return liveOnly('whether a policy is loaded');
  if (kernel.state === 'seen' && !kernel.value) return absent('SELinux is not active in the kernel', kernel.where);
  const path = '/proc/1/attr/current';
  return answerOf(await readText(host, path, 4096), path, text => {
    const label = text.replace(/[\0\n]+$/, '');
    return label === '' ? null : label.split(':').length >= 3;
  });
}

async function readConfig(host: Host): Promise<Pick<SelinuxFact, 'configured' | 'policyType'>> {
  const text = await readText(host, configPath, 1024 * 1024);
  if (!text.ok) {
    const answer = text.code === 'absent' ? absent(`${configPath} does not exist`, [configPath]) : unseen(text.reason);
    return {configured: answer, policyType: answer};
  }
  const {mode, type} = parseSelinuxConfig(text.value);
  const policyType =
    /^[A-Za-z0-9_.-]{1,64}$/.test(type.value) && !type.value.startsWith('.')
      ? seen(type.value, [type.line === null ? configPath : `${configPath}:${type.line}`])
      : unseen(`${configPath}:${type.line}: SELINUXTYPE is no name of a policy folder`);
  return {
    configured: seen(mode?.value ?? null, [mode === null ? configPath : `${configPath}:${mode.line}`]),
    policyType,
  };
}

/** selinux_init_load_policy() of libselinux: the kernel's arguments outrank the file, but for `disabled`. */
function modeAtBoot(boot: Answer<BootOutcome[]>, configured: SelinuxFact['configured']): SelinuxFact['nextBoot'] {
  if (boot.state !== 'seen') return boot;
  const off = boot.value.find(({on}) => !on);
  if (off !== undefined && boot.value.every(({on}) => !on)) return seen({mode: 'disabled', why: off.why}, [off.where]);
  if (configured.state === 'unseen' || configured.state === 'live-only') return configured;
  const modes = boot.value.map(outcome => ({...modeOf(outcome, configured), where: outcome.where}));
  const weakest =
    modes.find(({mode}) => mode === 'disabled') ?? modes.find(({mode}) => mode === 'permissive') ?? modes[0];
  return weakest === undefined
    ? unseen('no boot entry was judged')
    : seen({mode: weakest.mode, why: weakest.why}, [weakest.where, ...configured.where]);
}

function modeOf(
  {on, words, why}: BootOutcome,
  configured: Extract<SelinuxFact['configured'], {state: 'seen' | 'absent'}>,
): {mode: SelinuxMode; why: string} {
  if (!on) return {mode: 'disabled', why};
  if (configured.state === 'absent') return {mode: 'disabled', why: configured.reason};
  if (configured.value === 'disabled') return {mode: 'disabled', why: `SELINUX=disabled in ${configured.where[0]}`};
  const word = enforcingWord(words);
  if (word !== null)
    return {mode: word.enforcing ? 'enforcing' : 'permissive', why: `${word.word} among the kernel's arguments`};
  if (configured.value === null) return {mode: 'permissive', why: `no valid SELINUX= line in ${configPath}`};
  return {mode: configured.value, why: `SELINUX=${configured.value} in ${configured.where[0]}`};
}
