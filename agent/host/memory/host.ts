import {notRun} from '../command.ts';
import type {Host} from '../host.ts';
import type {Fixture} from './fixture.ts';
import {memoryFs} from './fs.ts';

const defaultNow = '2026-11-21T12:00:00Z';

/** A host that is only written down (docs/cases.md): the cases of packs and the tests look at it as at a machine. */
export function memoryHost(fixture: Fixture): Host {
  const live = fixture.as !== 'image';
  const now = Date.parse(fixture.now ?? defaultNow);
  const booted = fixture.booted === undefined ? now - 3_600_000 : Date.parse(fixture.booted);
  return {
    fs: memoryFs(withAttestations(fixture)),
    live,
    root: live ? '/' : '/image',
    uid: fixture.looker ?? 0,
    now: () => now,
    clock: () => 0,
    uname: live ? {release: fixture.kernel ?? '6.1.0-42-amd64', machine: 'x86_64', bootedMs: booted} : null,
    run: async argv => {
      if (!live) return notRun(argv, `cannot run ${argv[0]}: this is an image, not the running machine`);
      const command = fixture.commands?.find(
        ({argv: wanted}) => wanted.length === argv.length && wanted.every((word, index) => word === argv[index]),
      );
      if (command === undefined) return notRun(argv, `cannot run ${argv[0]}: it is not installed`);
      const exitCode = command.timed_out ? null : (command.exit ?? 0);
      const failed = exitCode !== 0;
      return {
        argv: [...argv],
        failed,
        exitCode,
        signal: command.timed_out ? 'SIGKILL' : null,
        timedOut: command.timed_out ?? false,
        truncated: false,
        stdout: command.stdout ?? '',
        stderr: command.stderr ?? '',
        durationMs: 0,
        reason: failed
          ? `cannot run ${argv[0]}: ${command.timed_out ? 'no answer within 10 s' : `exit status ${exitCode}`}`
          : '',
      };
    },
  };
}

/** Attestations stand in the file in which a real machine has them. */
function withAttestations(fixture: Fixture): Fixture {
  const {attestations} = fixture;
  if (attestations === undefined) return fixture;
  const content = JSON.stringify({attestations});
  return {...fixture, files: {...fixture.files, '/etc/reeve/policies.d/attestations.yaml': content}};
}
