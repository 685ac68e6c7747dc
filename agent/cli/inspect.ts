import type {Host} from '../host/host.ts';
import {printable} from '../host/names.ts';
import type {Inspection} from '../inspection.ts';
import {type ExitStatus, exitStatus, type Io} from './io.ts';

/** Runs a command that shows what is known of this host without judging it; exits 3 when something could not be seen. */
export async function inspect(
  look: (host: Host, progress: (text: string) => void) => Promise<Inspection>,
  options: {root: string; json?: boolean},
  io: Io,
): Promise<ExitStatus> {
  const {json, text, verdictUnknown} = await look(io.openHost(options.root), io.progress);
  io.progress(null);
  const safe = (_key: string, value: unknown) => (typeof value === 'string' ? printable(value) : value);
  io.out(options.json ? `${JSON.stringify(json, safe, 2)}\n` : `${text.join('\n')}\n`);
  return verdictUnknown ? exitStatus.unknown : exitStatus.ok;
}
