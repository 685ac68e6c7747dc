import {seen} from '../../../policies/facts/answer.ts';
import type {EnvironmentFact} from '../../../policies/facts/os.ts';
import type {Host} from '../host.ts';
import {single} from './collector.ts';

/** What the machine runs in, and on. Container signs as systemd-detect-virt(1) reads them, plus the markers of engines. */
export const collectEnvironment = single<'environment'>(async ({host}) => {
  if (host.uname === null) {
    return seen({container: null, init: null, kernelRelease: null, architecture: null, bootedAt: null}, []);
  }
  const {container, where} = await detectContainer(host);
  const init = (await host.fs.lstat('/run/systemd/system')).ok ? 'systemd' : 'other';
  const {release, machine, bootedMs} = host.uname;
  const value: EnvironmentFact = {
    container,
    init,
    kernelRelease: release,
    architecture: machine,
    bootedAt: bootedMs === null ? null : new Date(bootedMs).toISOString(),
  };
  return seen(value, where);
});

async function detectContainer(host: Host): Promise<{container: string | null; where: string[]}> {
  const manager = await host.fs.readFile('/run/systemd/container', {maxBytes: 256});
  if (manager.ok)
    return {container: manager.value.bytes.toString('utf8').trim() || 'other', where: ['/run/systemd/container']};
  for (const [path, name] of [
    ['/.dockerenv', 'docker'],
    ['/run/.containerenv', 'podman'],
  ] as const) {
    if ((await host.fs.lstat(path)).ok) return {container: name, where: [path]};
  }
  const environment = await host.fs.readFile('/proc/1/environ', {maxBytes: 64 * 1024});
  const match = environment.ok ? /(?:^|\0)container=([^\0]*)/.exec(environment.value.bytes.toString('utf8')) : null;
  return match === null ? {container: null, where: []} : {container: match[1] || 'other', where: ['/proc/1/environ']};
}
