import test from 'ava';
import {packageVersion} from '../../../../../agent/host/facts/settings/package-version.ts';
import {Reading} from '../../../../../agent/host/facts/settings/reader.ts';
import type {MatchBlock} from '../../../../../agent/host/facts/settings/sshd/blocks.ts';
import {sshdDefault} from '../../../../../agent/host/facts/settings/sshd/defaults.ts';
import {sshdValues} from '../../../../../agent/host/facts/settings/sshd/evaluate.ts';
import {sshdKeywords} from '../../../../../agent/host/facts/settings/sshd/keywords.ts';
import {isKnown, SshdLoader} from '../../../../../agent/host/facts/settings/sshd/load.ts';
import {buildOf} from '../../../../../agent/host/facts/settings/sshd.ts';
import {HostTables} from '../../../../../agent/host/facts/tables.ts';
import {localHost} from '../../../../../agent/host/local/host.ts';
import {dumpSshd, type SshdCase, type SshdDump, sshdRoot} from '../../../../helpers/settings/sshd.ts';
import {randomSshdCases} from '../../../../helpers/settings/sshd-random.ts';
import {trickySshdCases} from '../../../../helpers/settings/sshd-tricky.ts';

/** Where `sshd -T` says another word than the manual page. */
const manualWords = new Map([
  ['without-password', 'prohibit-password'],
  ['SILENT', 'QUIET'],
]);

/** What a build gives its own paths; reeve states no default for them. */
const paths = new Set(['pidfile', 'modulifile', 'xauthlocation', 'gssapikexalgorithms', 'hostkey']);

test('sshdValues() says what the installed sshd says of 200 configurations', async t => {
  const cases = [...trickySshdCases, ...randomSshdCases(200 - trickySshdCases.length, 20261121)];
  const {root, close} = sshdRoot(cases);
  t.teardown(close);
  const dumps = dumpSshd(root, cases);
  if (typeof dumps === 'string') {
    t.log(`skipped: not compared, ${dumps}`);
    t.pass();
    return;
  }
  const host = localHost(root);
  const version = await packageVersion('openssh-server', {host, tables: new HostTables(host)});
  if (typeof version !== 'string') return t.fail('the version of sshd is not known');
  const build = buildOf(version);

  let accepted = 0;
  for (const [index, sshdCase] of cases.entries()) {
    const {values, said} = dumps[index] as SshdDump;
    const reading = new Reading(host);
    const loader = new SshdLoader(reading, build);
    await loader.load(`/etc/ssh/${sshdCase.name}/sshd_config`);
    loader.checkWhole();
    const about = `${JSON.stringify(sshdCase, null, 1)}\nsshd said: ${said}reeve said: ${reading.unreadable.join('; ')}`;
    t.is(reading.unreadable.length > 0, values === null, `one refuses: ${about}`);
    if (values === null || reading.unreadable.length > 0) continue;
    accepted++;
    for (const [name, keyword] of sshdKeywords) {
      if (
        keyword.name.toLowerCase() !== name ||
        !isKnown(keyword, build) ||
        keyword.value.kind === 'ignored' ||
        paths.has(name)
      )
        continue;
      const own = sshdDefault(keyword, build);
      const found = sshdValues(keyword, loader.settings, build, holdsFor(sshdCase)).values.map(({value}) => value);
      const ours = found.length > 0 ? found : own === null || own === 'unknown' ? [] : own;
      const theirs = (values.get(name) ?? []).map(value => manualWords.get(value) ?? value);
      if (theirs.length === 0 && (found.length === 0 || found.join() === 'none' || !printed.has(name))) continue;
      if (name === 'port' && found.length === 0) t.deepEqual(theirs, ['22']);
      else if (name === 'listenaddress') {
        if (found.length > 0) t.deepEqual(ours.toSorted(), theirs.toSorted(), about);
      } else t.deepEqual(ours, theirs, `${keyword.name}: ${about}`);
    }
  }
  t.log(`${cases.length} configurations, ${accepted} of them accepted, the same in all`);
  t.true(accepted > 130);
});

/** Keywords that `sshd -T` leaves out when they are empty are printed when they are not. */
const printed = new Set(
  [...sshdKeywords.keys()].filter(name => !['debianbanner', 'rdomain', 'kerberosgetafstoken'].includes(name)),
);

/** Whether a block holds for the case's connection; without one only `Match all` does. */
function holdsFor({connection}: SshdCase): (block: MatchBlock) => boolean {
  const facts = new Map(connection?.split(',').map(pair => pair.split('=') as [string, string]));
  const names = {user: 'user', host: 'host', address: 'addr', localport: 'lport'} as const;
  return ({condition}) => {
    const words = condition.split(' ').slice(1);
    return words.every(
      (word, index) => index % 2 === 1 || facts.get(names[word as keyof typeof names]) === words[index + 1],
    );
  };
}
