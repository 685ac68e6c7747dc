import type {ApparmorFact} from '../../../policies/facts/apparmor.ts';
import {countModes} from '../../../policies/kinds/mac/apparmor.ts';
import {answerRow, names, row} from './rows.ts';

const quietModes = new Set(['enforce', 'disabled']);

export function apparmorLines(fact: ApparmorFact): string[] {
  const off = fact.kernel.state === 'seen' && !fact.kernel.value;
  const boot = answerRow('next boot', fact.nextBoot, ({on, why}) => `${on ? 'active' : 'not active'}: ${why}`);
  if (off && fact.enabled.state === 'absent' && fact.onDisk.state === 'absent') {
    return [...row('kernel', 'not active, nor built in'), ...boot];
  }
  return [
    ...answerRow('kernel', fact.kernel, active => (active ? 'active' : 'not active')),
    ...answerRow('enabled', fact.enabled, enabled => (enabled ? 'yes' : 'no')),
    ...(off ? [] : answerRow('profiles', fact.loaded, countModes)),
    ...(off ? [] : modeLines(fact)),
    ...answerRow('on disk', fact.onDisk, countModes),
    ...differences(fact),
    ...fact.unreadable.slice(0, 5).flatMap(reason => row('', `unknown: ${reason}`)),
    ...fact.detailsUnseen.slice(0, 5).flatMap(reason => row('', `unknown: ${reason}`)),
    ...answerRow('loaded at boot', fact.loadedAtBoot, loads => (loads ? 'yes' : 'no: nothing loads the profiles')),
    ...boot,
    ...(fact.restrictions.state === 'absent'
      ? []
      : answerRow('restrictions', fact.restrictions, values =>
          values.map(({key, value}) => `${key} = ${value}`).join(', '),
        )),
  ];
}

function modeLines({loaded}: ApparmorFact): string[] {
  if (loaded.state !== 'seen') return [];
  return [...Map.groupBy(loaded.value, ({mode}) => mode)]
    .filter(([mode]) => !quietModes.has(mode))
    .flatMap(([mode, members]) => row(`  ${mode}`, names(members.map(({name}) => name))));
}

/** Loaded is not on disk: both are told where they differ. Names with variables cannot be compared. */
function differences({loaded, onDisk}: ApparmorFact): string[] {
  if (loaded.state !== 'seen' || onDisk.state !== 'seen') return [];
  const inKernel = new Set(loaded.value.map(({name}) => name));
  const inFiles = new Set(onDisk.value.map(({name}) => name));
  const missing = onDisk.value.filter(
    ({name, mode}) => mode !== 'disabled' && !name.includes('@{') && !inKernel.has(name),
  );
  const variables = onDisk.value.some(({name}) => name.includes('@{'));
  const extra = variables ? [] : loaded.value.filter(({name}) => !inFiles.has(name));
  return [
    ...(missing.length > 0 ? row('  not loaded', names(missing.map(({name}) => name))) : []),
    ...(extra.length > 0 ? row('  no file', names(extra.map(({name}) => name))) : []),
  ];
}
