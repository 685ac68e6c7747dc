import {readdirSync, readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {loadPack} from '../../policies/load/pack.ts';
import type {CheckNode, Rule} from '../../policies/pack.ts';

const home = fileURLToPath(new URL('../..', import.meta.url));

/** Every row of the reference, written out: one that is dropped from the page is noticed here. */
const rows: {[table: string]: string[]} = {
  'Connect: server hardening guide': [
    ...['1a', '1b', '1c', '1d', '1e'],
    ...['2a', '2b', '2c', '2d'],
    ...['3a', '3b', '3c', '3d', '3e'],
    ...['4a', '4b', '4c', '4d'],
    ...['5a', '5b', '5c'],
    ...['6a', '6b', '6c', '6d'],
    ...['7', '8a', '8b', '9a', '9b', '10a', '10b'],
  ],
  'Connect: security chapter': [
    'server-side sessions',
    'Authentication.CookieSweepDuration',
    'Authentication.Lifetime',
    'Authentication.Inactivity',
    'Authentication.ChallengeResponseEnabled',
    'Server.ServerName',
    'Server.HideVersion',
    'WebSudoMode',
    'WebSudoModeDuration',
    'HTTPS.Permanent',
    'HTTPS.StrictTransportSecurityMaxAge',
    'HTTPS.MinimumTLS',
    'Server.Address',
    'HTTP.ForceSecure',
    'HTTP.NoWarning',
    'HTTPRedirect.Listen',
    'Server.ContentTypeSniffing',
    'Server.FrameOptionsContent',
    'Server.FrameOptionsDashboard',
    'Server.TrustedRedirect',
    'framesource',
    'Server.CustomHeader',
    'Content-Security-Policy',
    'application environment variables',
  ],
  'Workbench: encryption': [
    'versions of both services',
    'minimum and maximum',
    'encrypted values and the key',
    'load-balanced servers',
    'own envelope',
    'order of change',
  ],
};

type Mark = 'attest' | 'or attest' | null;
type Row = {table: string; id: string; rules: Array<{id: string; mark: Mark}>};

function readTables(): Row[] {
  let table = '';
  return readFileSync(`${home}docs/posit.md`, 'utf8')
    .split('\n')
    .flatMap(line => {
      if (line.startsWith('## ')) table = line.slice(3);
      const cells = line.split('|').map(cell => cell.trim());
      const [, id, , named] = cells;
      if (cells.length !== 6 || id === undefined || named === undefined || named === 'rules' || id.startsWith('-'))
        return [];
      const rules = [...named.matchAll(/`([a-z0-9.-]+)`(?: \(((?:or )?attest)\))?/g)].map(([, rule, mark]) => ({
        id: rule as string,
        mark: (mark ?? null) as Mark,
      }));
      return [{table, id, rules}];
    });
}

function rulesOf(pack: string): Rule[] {
  const folder = `${home}policies/packs/${pack}/`;
  const files = readdirSync(folder)
    .filter(name => name.endsWith('.yaml'))
    .map(name => ({path: `${folder}${name}`, name, text: readFileSync(`${folder}${name}`, 'utf8')}));
  const loaded = loadPack({files, signed: false});
  if (loaded.value === null) throw new Error(loaded.problems.map(({message}) => message).join('; '));
  return loaded.value.rules;
}

function kindsOf(node: CheckNode): string[] {
  if ('all' in node) return node.all.flatMap(kindsOf);
  if ('any' in node) return node.any.flatMap(kindsOf);
  return [node.kind.name];
}

const rules = [...rulesOf('posit-connect'), ...rulesOf('posit-workbench')];
const tables = readTables();

for (const [table, ids] of Object.entries(rows)) {
  test(`docs/posit.md has every row of "${table}", and no other`, t => {
    t.deepEqual(
      tables.filter(row => row.table === table).map(({id}) => id),
      ids,
    );
  });
}

test('every row of docs/posit.md has a rule', t => {
  t.true(tables.length > 60);
  t.deepEqual(
    tables.filter(row => row.rules.length === 0).map(({id}) => id),
    [],
  );
});

test('docs/posit.md names only rules that exist', t => {
  const known = new Set(rules.map(({id}) => id));
  t.deepEqual(
    tables.flatMap(row => row.rules.filter(({id}) => !known.has(id)).map(({id}) => `${row.id}: ${id}`)),
    [],
  );
});

test('every rule of the Posit packs is in some row', t => {
  const named = new Set(tables.flatMap(row => row.rules.map(({id}) => id)));
  t.deepEqual(
    rules.filter(({id}) => !named.has(id)).map(({id}) => id),
    [],
  );
});

test('docs/posit.md says of which rules a person decides, and of no other', t => {
  const marks = new Map(
    rules.map(({id, check}) => {
      const kinds = kindsOf(check);
      const mark = kinds.every(kind => kind === 'attest') ? 'attest' : kinds.includes('attest') ? 'or attest' : null;
      return [id, mark];
    }),
  );
  t.deepEqual(
    tables.flatMap(row => row.rules.filter(({id, mark}) => marks.get(id) !== mark).map(({id}) => `${row.id}: ${id}`)),
    [],
  );
});

test('no rule shows what stands in the files of secrets', t => {
  const files = ['/etc/rstudio/database.conf', '/etc/rstudio/openid-client-secret'];
  const open = (node: CheckNode): boolean =>
    'all' in node
      ? node.all.some(open)
      : 'any' in node
        ? node.any.some(open)
        : node.kind.name === 'setting' && files.includes(String(node.check.file)) && node.check.secret !== true;
  t.deepEqual(
    rules.filter(({check}) => open(check)).map(({id}) => id),
    [],
  );
});
