import {createHash} from 'node:crypto';
import {type Answer, absent, liveOnly, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {PermissiveDomain, SelinuxBoolean, SelinuxFact} from '../../../../policies/facts/selinux.ts';
import type {Host} from '../../host.ts';
import {readText} from './lsm.ts';
import {type BinaryPolicy, parseBinaryPolicy} from './policy.ts';

/** Fedora's policy is 3.5 MB, one with every module and optional rule below 20 MB. */
const maxPolicyBytes = 64 * 1024 * 1024;
const maxBooleans = 5000;
const maxModules = 10_000;

type Read = {path: string; sha256: string; policy: BinaryPolicy};
type Policies = Pick<
  SelinuxFact,
  'runningPolicy' | 'policyFile' | 'booleans' | 'permissiveRunning' | 'permissiveInFile' | 'permissiveModules'
>;

/** What only the policies say: the one that runs (root only) and the one on disk, which the next boot loads. */
export async function collectPolicies(
  host: Host,
  mount: Answer<string>,
  type: Answer<string>,
  newest: Answer<number>,
): Promise<Policies> {
  const running = mount.state === 'seen' ? await readPolicy(host, `${mount.value}/policy`) : mount;
  const file = type.state === 'seen' ? await readPolicyFile(host, type.value, newest) : type;
  return {
    runningPolicy: over(running, ({sha256, policy}) => ({sha256, version: policy.version})),
    policyFile: over(file, ({path, sha256, policy}) => ({path, sha256, version: policy.version})),
    booleans: await readBooleans(host, mount, file),
    permissiveRunning: over(running, read => permissiveOf(read, 'running policy')),
    permissiveInFile: over(file, read => permissiveOf(read, 'policy file')),
    permissiveModules: type.state === 'seen' ? await readModuleStore(host, type.value) : type,
  };
}

const over = <A, B>(answer: Answer<A>, use: (value: A) => B): Answer<B> =>
  answer.state === 'seen' ? seen(use(answer.value), answer.where) : answer;

const permissiveOf = ({path, policy}: Read, from: PermissiveDomain['from']): PermissiveDomain[] =>
  policy.permissive.map(name => ({name, from, where: path}));

async function readPolicy(host: Host, path: string): Promise<Answer<Read>> {
  const file = await host.fs.readFile(path, {maxBytes: maxPolicyBytes});
  if (!file.ok) return file.code === 'absent' ? absent(file.reason, [path]) : unseen(file.reason);
  if (file.value.truncated) return unseen(`cannot read ${path}: it is larger than ${maxPolicyBytes} bytes`);
  try {
    const policy = parseBinaryPolicy(file.value.bytes);
    return seen({path, sha256: createHash('sha256').update(file.value.bytes).digest('hex'), policy}, [path]);
  } catch (error) {
    return unseen(`cannot understand the policy ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** policy.NN with the highest NN that the kernel reads: libselinux's selinux_mkload_policy(). */
async function readPolicyFile(host: Host, type: string, newest: Answer<number>): Promise<Answer<Read>> {
  const folder = `/etc/selinux/${type}/policy`;
  const list = await host.fs.list(folder, {max: 1000});
  if (!list.ok)
    return list.code === 'absent' ? absent(`there is no policy in ${folder}`, [folder]) : unseen(list.reason);
  const limit = newest.state === 'seen' ? newest.value : Number.POSITIVE_INFINITY;
  const versions = list.value.names.flatMap(name => /^policy\.(\d{1,4})$/.exec(name)?.[1] ?? []).map(Number);
  const best = Math.max(...versions.filter(version => version <= limit));
  if (!Number.isFinite(best)) return absent(`there is no policy that the kernel reads in ${folder}`, [folder]);
  return readPolicy(host, `${folder}/policy.${best}`);
}

/** `booleans/NAME` of selinuxfs holds "current pending"; the policy file holds what `setsebool -P` and the modules left. */
async function readBooleans(host: Host, mount: Answer<string>, file: Answer<Read>): Promise<Answer<SelinuxBoolean[]>> {
  const stored = file.state === 'seen' ? file.value.policy.booleans : new Map<string, boolean>();
  if (mount.state !== 'seen') {
    if (file.state !== 'seen') return host.live ? mount : file;
    return seen(
      [...stored].map(([name, persistent]) => ({name, current: null, pending: null, persistent})),
      file.where,
    );
  }
  const folder = `${mount.value}/booleans`;
  const list = await host.fs.list(folder, {max: maxBooleans});
  if (!list.ok) return list.code === 'absent' ? absent(list.reason, [folder]) : unseen(list.reason);
  const booleans: SelinuxBoolean[] = [];
  for (const name of list.value.names.sort()) {
    const text = await readText(host, `${folder}/${name}`, 64);
    const match = text.ok ? /^([01]) ([01])/.exec(text.value) : null;
    booleans.push({
      name,
      current: match === null ? null : match[1] === '1',
      pending: match === null ? null : match[2] === '1',
      persistent: stored.get(name) ?? null,
    });
  }
  return list.value.truncated
    ? unseen(`${folder} has more than ${maxBooleans} entries`)
    : seen(booleans, [folder, ...(file.state === 'seen' ? file.where : [])]);
}

/** `semanage permissive -a TYPE` installs a module permissive_TYPE (seobject.py); a disabled module does nothing. */
async function readModuleStore(host: Host, type: string): Promise<Answer<PermissiveDomain[]>> {
  for (const store of [`/var/lib/selinux/${type}/active/modules`, `/etc/selinux/${type}/active/modules`]) {
    const priorities = await host.fs.list(store, {max: 2000});
    if (!priorities.ok) {
      if (priorities.code === 'absent') continue;
      return unseen(priorities.reason);
    }
    const disabled = await host.fs.list(`${store}/disabled`, {max: maxModules});
    if (!disabled.ok && disabled.code !== 'absent') return unseen(disabled.reason);
    const domains: PermissiveDomain[] = [];
    for (const priority of priorities.value.names.filter(name => /^\d{1,3}$/.test(name)).sort()) {
      const modules = await host.fs.list(`${store}/${priority}`, {max: maxModules});
      if (!modules.ok) return unseen(modules.reason);
      if (modules.value.truncated) return unseen(`${store}/${priority} has more than ${maxModules} modules`);
      for (const name of modules.value.names.sort()) {
        const off = disabled.ok && disabled.value.names.includes(name);
        if (name.startsWith('permissive_') && !off)
          domains.push({
            name: name.slice('permissive_'.length),
            from: 'module store',
            where: `${store}/${priority}/${name}`,
          });
      }
    }
    return seen(domains, [store]);
  }
  return host.live
    ? absent('there is no SELinux module store', [`/var/lib/selinux/${type}`])
    : liveOnly('the SELinux module store');
}
