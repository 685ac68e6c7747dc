import type {Answer} from '../../../policies/facts/answer.ts';
import type {MacServices} from '../../../policies/kinds/mac/services.ts';
import {printable} from '../../host/names.ts';
import {row} from './rows.ts';

const maxUnits = 60;
const word = (confined: boolean | null) => (confined === null ? 'unknown' : confined ? 'confined' : 'not confined');

export function serviceLines(services: MacServices, asked: string[], processes: Answer<unknown>): string[] {
  const {units, missing, outside, open} = services;
  const lines = units
    .slice(0, maxUnits)
    .flatMap(({unit, groups}) => [
      printable(unit),
      ...groups.flatMap(({confined, why, pids}) =>
        row(
          `  ${word(confined)}`,
          `${why} [pid ${pids.slice(0, 5).join(', ')}${pids.length > 5 ? ` and ${pids.length - 5} more` : ''}]`,
        ),
      ),
    ]);
  if (units.length > maxUnits) lines.push(`and ${units.length - maxUnits} more`);
  for (const unit of missing) lines.push(`${printable(unit)}: no processes`);
  if (outside.length > 0) lines.push('outside the AppArmor profile that is loaded for them');
  for (const {pid, exe, unit, profile} of outside.slice(0, maxUnits))
    lines.push(...row('', `${exe} [pid ${pid}${unit === null ? '' : `, ${unit}`}]: unconfined, profile ${profile}`));
  for (const reason of open) lines.push(...row('unknown', reason));
  if (lines.length === 0)
    lines.push(
      processes.state === 'live-only'
        ? processes.reason
        : asked.length > 0
          ? 'none of the units has processes'
          : 'no service has processes',
    );
  return lines;
}
