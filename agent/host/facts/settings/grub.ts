import {type Answer, absent, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {SettingFact, SettingRequest, SettingValue} from '../../../../policies/facts/setting.ts';
import {readBootEntries} from '../boot-entries.ts';
import {parseGrubPasswords, setsUserPassword} from './parse/grub.ts';
import {answerFrom, Reading, type SettingLooking, type SettingReader, settingFact} from './reader.ts';

const configs = [
  '/boot/grub/grub.cfg',
  '/boot/grub2/grub.cfg',
  '/boot/grub/custom.cfg',
  '/boot/grub2/custom.cfg',
  '/boot/efi/EFI/*/grub.cfg',
];
const userConfigs = ['/boot/grub/user.cfg', '/boot/grub2/user.cfg', '/boot/efi/EFI/*/user.cfg'];

/** `cmdline`, `superusers` or `password`. */
export const readGrub: SettingReader = async (request, looking) =>
  request.key === 'cmdline' ? readCommandLine(looking) : readPasswords(request, looking);

/** The arguments of what GRUB starts first; each other entry but those for rescue holds when it is chosen. */
async function readCommandLine({host, once}: SettingLooking): Promise<Answer<SettingFact>> {
  const answer = await once('grub entries', () => readBootEntries(host));
  if (answer.state !== 'seen') return answer;
  const [first, ...others] = answer.value.entries.filter(entry => 'unseen' in entry || !entry.recovery);
  if (first === undefined) return absent('the boot loader has no entries but those for rescue', answer.where);
  const value = (entry: typeof first): SettingValue => ({
    value: 'unseen' in entry ? '' : entry.arguments.join(' '),
    where: entry.where,
    origin: 'main',
  });
  const hidden = [first, ...others].find(entry => 'unseen' in entry);
  if (hidden !== undefined && 'unseen' in hidden) return unseen(hidden.unseen);
  const conditional = others.map(entry => ({
    condition: `entry ${'title' in entry ? entry.title : ''}`,
    where: entry.where,
    values: [value(entry)],
  }));
  const edit = answer.value.edit;
  const change = 'where' in edit ? {file: edit.where, before: null, after: edit.apply} : null;
  return seen(settingFact({values: [value(first)], conditional, change}), answer.where);
}

async function readPasswords(request: SettingRequest, {host, once}: SettingLooking): Promise<Answer<SettingFact>> {
  const {reading, lines} = await once('grub passwords', async () => {
    const reading = new Reading(host);
    const user = await texts(reading, userConfigs);
    const hasUserPassword = user.some(({text}) => setsUserPassword(text));
    const lines = [...user, ...(await texts(reading, configs))].flatMap(({path, text}) =>
      parseGrubPasswords(text, hasUserPassword).map(line => ({...line, path})),
    );
    return {reading, lines};
  });
  return answerFrom(reading, 'GRUB is not configured in /boot', () => {
    const values = lines
      .filter(({key}) => key === request.key)
      .map(({value, path, line}): SettingValue => ({value, where: `${path}:${line}`, origin: 'main'}));
    const redHat = reading.read.some(path => path.startsWith('/boot/grub2/'));
    const change = redHat
      ? {file: '/boot/grub2/user.cfg', before: null, after: 'grub2-setpassword'}
      : {file: '/etc/grub.d/40_custom', before: null, after: 'update-grub'};
    return {values, change};
  });
}

async function texts(reading: Reading, patterns: string[]): Promise<Array<{path: string; text: string}>> {
  const found: Array<{path: string; text: string}> = [];
  for (const path of await reading.expand(patterns)) {
    const text = await reading.text(path);
    if (text !== null) found.push({path, text});
  }
  return found;
}
