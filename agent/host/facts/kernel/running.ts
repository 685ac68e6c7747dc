import {type Answer, absent, liveOnly, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {Host} from '../../host.ts';
import {splitKernelArguments} from '../boot/words.ts';
import {single} from '../collector.ts';
import {activeLsms, answerOf, mountPoint, readText} from '../mac/lsm.ts';

export const collectKernel = single<'kernel'>(async ({host}) => {
  if (!host.live) return liveOnly('the running kernel');
  const read = async <T>(path: string, parse: (text: string) => T | null) =>
    answerOf(await readText(host, path), path, parse);
  return seen(
    {
      cmdline: await read('/proc/cmdline', splitKernelArguments),
      lsm: await activeLsms(host),
      lockdown: await readLockdown(host),
      vulnerabilities: await readVulnerabilities(host),
      tainted: await read('/proc/sys/kernel/tainted', text => (/^\d{1,15}\s*$/.test(text) ? Number(text) : null)),
    },
    ['/proc', '/sys'],
  );
});

/** kernel_lockdown(7): the mode in brackets. */
async function readLockdown(host: Host): Promise<Answer<string>> {
  const mount = await mountPoint(host, 'securityfs');
  if (mount.state === 'absent') return unseen('securityfs is not mounted, so the lockdown mode cannot be read');
  if (mount.state !== 'seen') return mount;
  const path = `${mount.value}/lockdown`;
  const answer = answerOf(await readText(host, path), path, text => /\[(\w+)\]/.exec(text)?.[1] ?? null);
  return answer.state === 'absent' ? absent('this kernel has no lockdown', [path]) : answer;
}

async function readVulnerabilities(host: Host): Promise<Answer<Array<{name: string; state: string}>>> {
  const folder = '/sys/devices/system/cpu/vulnerabilities';
  const list = await host.fs.list(folder, {max: 256});
  if (!list.ok) return list.code === 'absent' ? absent(`there is no ${folder}`, [folder]) : unseen(list.reason);
  const found: Array<{name: string; state: string}> = [];
  for (const name of list.value.names.sort()) {
    const text = await readText(host, `${folder}/${name}`, 4096);
    if (!text.ok) return unseen(text.reason);
    found.push({name, state: text.value.trim()});
  }
  return seen(found, [folder]);
}
