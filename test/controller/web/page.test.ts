import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {type Browser, chromium, type Locator, type Page as Tab} from 'playwright-core';
import {type Page, readPage} from '../../../controller/api/page.ts';
import {makeToken} from '../../../controller/protocol/join.ts';
import {inventory, makeSite, rulesOf, type Site, wire} from '../../helpers/site.ts';

const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const waitMs = 30_000;

let browser: Browser | null = null;
let page: Page | null = null;
let folder = '';

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reeve-web-'));
  const script = fileURLToPath(new URL('../../../scripts/web.sh', import.meta.url));
  const built = spawnSync('sh', [script, folder], {encoding: 'utf8'});
  if (built.status !== 0) throw new Error(built.stderr);
  page = readPage(folder);
  if (chromiumPath !== undefined) {
    browser = await chromium.launch({executablePath: chromiumPath, args: ['--no-sandbox']});
  }
});
test.after.always(async () => {
  await browser?.close();
  await rm(folder, {recursive: true, force: true});
});

type Seen = {site: Site; tab: Tab; complaints: string[]; go(hash: string): Promise<void>};

/** A site and a tab that is not signed in. Null, and a passed test, where there is no browser. */
async function opened(t: ExecutionContext, fill: (site: Site) => Promise<void> = someFindings): Promise<Seen | null> {
  if (browser === null) {
    t.log('skipped: chromium is not installed');
    t.pass();
    return null;
  }
  const site = await makeSite(t, {page});
  await fill(site);
  const context = await browser.newContext();
  t.teardown(() => context.close());
  const tab = await context.newPage();
  tab.setDefaultTimeout(waitMs);
  const complaints: string[] = [];
  tab.on('console', message => complaints.push(message.text()));
  tab.on('pageerror', error => complaints.push(error.message));
  await tab.addInitScript(
    "addEventListener('securitypolicyviolation', event => console.error('policy: ' + event.violatedDirective))",
  );
  const go = async (hash: string) => {
    await tab.goto(`${site.url}/${hash}`);
  };
  return {site, tab, complaints, go};
}

async function signedIn(t: ExecutionContext, fill?: (site: Site) => Promise<void>): Promise<Seen | null> {
  const seen = await opened(t, fill);
  await seen?.go(`#token=${await seen.site.token('read')}`);
  await seen?.tab.locator('nav').waitFor();
  return seen;
}

let host = '';
async function someFindings(site: Site): Promise<void> {
  host = await site.host('web-1.example');
  const [passwd, root] = ['Only root changes /etc/passwd', 'Root does not log in'];
  await site.rules(host, rulesOf({id: 'files.passwd', title: passwd}, {id: 'ssh.root', title: root}));
  await site.inventory(host, inventory);
  const waiver = {id: 'W-1', owner: 'ops', approvedBy: 'ada', reason: 'until the next release', expires: '2030-01-01'};
  await site.report(host, [
    rootLogin('pass', 'high', 'no'),
    wire({
      rule: 'files.passwd',
      severity: 'critical',
      cure: 'chmod 0644 /etc/passwd',
      expected: {mode: '0644', owner: 'root'},
      actual: {mode: '0666', owner: 'root'},
    }),
    wire({rule: 'ssh.ciphers', verdict: 'waived', waiver}),
    {rule: 'mac.mode', pack: 'mac', severity: 'low', subject: 'policy', verdict: 'unknown', reason: 'no right to look'},
  ]);
}

const rootLogin = (verdict: 'pass' | 'fail', severity: 'high' | 'critical', login: string) =>
  wire({
    rule: 'ssh.root',
    verdict,
    severity,
    subject: 'sshd',
    expected: {login: 'no'},
    actual: {login},
    wrong: verdict === 'fail' ? ['login'] : [],
  });

const rows = (tab: Tab) => tab.locator('tr.finding');
/** The page's policy lets nobody evaluate text, so what is waited for is asked from outside. */
async function hasRows(tab: Tab, count: number): Promise<void> {
  while ((await rows(tab).count()) !== count) await tab.waitForTimeout(50);
}
async function openAll(tab: Tab): Promise<void> {
  const closed = tab.locator('.opener[aria-expanded=false]');
  while ((await closed.count()) > 0) await closed.first().click();
}
/** As it is shown. */
const textOf = async (locator: Locator) => (await locator.allInnerTexts()).join('\n');
const texts = async (tab: Tab, selector: string) =>
  (await tab.locator(selector).allInnerTexts()).map(text => text.trim());

test.serial('the page lists findings, failures first, and opens one to actual beside expected', async t => {
  const seen = await signedIn(t);
  if (seen === null) return;
  const {tab, complaints} = seen;
  await rows(tab).first().waitFor();
  t.deepEqual(await texts(tab, 'tr.finding .c-verdict'), ['Fails', 'Unknown', 'Waived', 'Passes']);
  const opener = rows(tab).first().getByRole('button', {name: 'Only root changes /etc/passwd'});
  t.is(await opener.getAttribute('aria-expanded'), 'false');
  await opener.press('Enter');
  t.is(await opener.getAttribute('aria-expanded'), 'true');
  t.deepEqual(await texts(tab, '.compared tbody tr.wrong code'), ['0666', '0644']);
  t.deepEqual(await texts(tab, '.compared tbody tr.wrong th'), ['mode']);
  t.deepEqual(await texts(tab, '.compared tbody tr:not(.wrong) th'), ['owner']);
  const detail = await textOf(tab.locator('.detail'));
  for (const part of ['chmod 0644 /etc/passwd', 'why files.passwd', '/etc/passwd', 'web-1.example']) {
    t.true(detail.includes(part), part);
  }
  await rows(tab).nth(2).getByRole('button').click();
  t.regex(await textOf(tab.locator('.detail').nth(1)), /until the next release.*W-1.*ops.*ada.*2030-01-01/s);
  t.deepEqual(complaints, []);
});

test.serial('what a host says stays text: markup, directions, control characters', async t => {
  const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
  const evil = wire({
    rule: 'evil',
    subject: `${hostile} \u202egnp.exe\u0007`,
    cure: hostile,
    where: [hostile],
    actual: {[hostile]: hostile},
    expected: {[hostile]: ['\u2066']},
    wrong: [hostile],
  });
  const seen = await signedIn(t, async site => {
    const id = await site.host(`${hostile} host`);
    await site.rules(id, rulesOf({id: 'evil', title: `${hostile} \u202etitle`, why: hostile}));
    await site.inventory(id, {...inventory, os: {...inventory.os, name: hostile}});
    await site.report(id, [evil, wire({rule: 'javascript:alert(1)', subject: '"><svg onload=alert(1)>'})]);
    await site.report(id, [{...evil, verdict: 'pass'}]);
    await site.report(id, [evil]);
  });
  if (seen === null) return;
  const {tab, complaints, go} = seen;
  for (const view of ['#/findings', '#/hosts', '#/changes', '#/nonsense/<b>?verdict=fail&rule=<b>']) {
    await go(view);
    await tab.locator('table.list, .empty').first().waitFor();
    await openAll(tab);
    t.is(await tab.locator('img, #app script, #app [onerror], a[href^="javascript"]').count(), 0, view);
  }
  await go('#/findings');
  await rows(tab).nth(1).waitFor();
  await openAll(tab);
  const shown = await textOf(tab.locator('tr.finding', {hasText: 'U+202E'}).first());
  t.true(shown.includes(hostile));
  t.true(shown.includes('U+0007'));
  t.notRegex(await textOf(tab.locator('#app')), /[\u202a-\u202e\u2066-\u2069]/u);
  t.regex(await tab.title(), /reeve/);
  t.deepEqual(complaints, []);
});

test.serial('its policy stops scripts that somebody put into the page', async t => {
  const seen = await signedIn(t);
  if (seen === null) return;
  const {tab, complaints, site} = seen;
  await tab.route(`${site.url}/`, async route => {
    const response = await route.fetch();
    const inline = '<script>document.title = "taken"</script><style>body { display: none }</style></head>';
    await route.fulfill({response, body: (await response.text()).replace('</head>', inline)});
  });
  await tab.reload();
  await rows(tab).first().waitFor();
  await tab.evaluate(`{
    const quietly = act => { try { act(); } catch (error) { console.error(error.name); } };
    const script = document.createElement('script');
    quietly(() => { script.append('document.title = "taken"'); document.head.append(script); });
    quietly(() => { document.body.innerHTML = '<img src=x onerror="document.title=1">'; });
    quietly(() => document.body.setAttribute('onclick', 'document.title = "taken"'));
    document.body.click();
    const away = document.createElement('img');
    away.src = 'https://evil.example/x.png';
    document.body.append(away);
  }`);
  await t.throwsAsync(tab.evaluate("fetch('https://evil.example/')"));
  t.notRegex(await tab.title(), /taken/);
  for (const directive of ['require-trusted-types-for', 'script-src', 'style-src', 'connect-src', 'img-src']) {
    t.true(
      complaints.some(text => text.includes(`policy: ${directive}`)),
      `${directive}: ${complaints.join('\n')}`,
    );
  }
  t.notRegex((await site.ask('/')).headers.get('content-security-policy') ?? 'none', /unsafe|\*|none$/);
});

test.serial('signing in, with a wrong token, and a session that ends', async t => {
  const seen = await opened(t);
  if (seen === null) return;
  const {tab, site, go} = seen;
  await go('#/hosts');
  await tab.getByLabel('Token').fill(makeToken('api'));
  await tab.getByLabel('Token').press('Enter');
  await tab.getByRole('alert').waitFor();
  t.regex(await textOf(tab.getByRole('alert')), /expired or was revoked/);
  const now = Date.now();
  const wanted = {kind: 'api', name: 'me', scope: 'read', uses: null, createdBy: 'test'} as const;
  const made = await site.store.createToken({...wanted, expiresAt: now + 600_000}, now);
  await tab.getByLabel('Token').fill(` ${made.token} `);
  await tab.getByRole('button', {name: 'Sign in'}).click();
  await tab.locator('.hosts tbody tr').waitFor();
  t.is(new URL(tab.url()).hash, '#/hosts', 'the view that was asked for is still there');
  t.false((await tab.content()).includes(made.token));
  await tab.reload();
  await tab.locator('.hosts tbody tr').waitFor();
  await site.store.revokeToken(made.id, Date.now());
  await tab.getByRole('alert').waitFor();
  t.is(await tab.evaluate('sessionStorage.length'), 0);
});

test.serial('a token in the address is taken out of it at once', async t => {
  const seen = await opened(t);
  if (seen === null) return;
  const {tab, site, go} = seen;
  const token = await site.token('read');
  await go(`#token=${token}`);
  await rows(tab).first().waitFor();
  t.is(new URL(tab.url()).hash, '#/findings');
  t.is(await tab.evaluate('history.length'), 2, 'the empty tab and the page');
  await tab.getByRole('button', {name: 'Sign out'}).click();
  await tab.getByLabel('Token').waitFor();
  t.is(await tab.evaluate('sessionStorage.length'), 0);
});

test.serial('filters live in the address, and more of a long list is shown when asked', async t => {
  const seen = await signedIn(t, async site => {
    const id = await site.host('big');
    await site.rules(id, rulesOf({id: 'many.one', title: 'The first'}, {id: 'other', title: 'The other one'}));
    const many = Array.from({length: 250}, (_, n) => wire({rule: 'many.one', subject: `/file/${n}`}));
    await site.report(id, [...many, wire({rule: 'other', pack: 'mac', severity: 'high', verdict: 'unknown'})]);
    await site.report(id, [wire({rule: 'no.title.yet', verdict: 'pass', wrong: []})]);
  });
  if (seen === null) return;
  const {tab} = seen;
  await rows(tab).first().waitFor();
  t.is(await rows(tab).count(), 100);
  await tab.getByRole('button', {name: 'Show more'}).click();
  await hasRows(tab, 252);
  await tab.getByRole('button', {name: /^Unknown/}).click();
  await hasRows(tab, 1);
  t.is(new URL(tab.url()).hash, '#/findings?verdict=unknown');
  await tab.reload();
  await rows(tab).first().waitFor();
  t.deepEqual(await texts(tab, 'tr.finding .title'), ['The other one']);
  t.is(await tab.getByRole('button', {name: /^Unknown/}).getAttribute('aria-pressed'), 'true');
  await tab.getByRole('button', {name: 'Clear'}).click();
  await hasRows(tab, 100);
  await tab.getByPlaceholder('Rule').fill('the OTHER');
  await hasRows(tab, 1);
  t.is(new URL(tab.url()).hash, '#/findings?rule=the+OTHER');
  await tab.getByPlaceholder('Rule').fill('no.title.yet');
  await tab.locator('tr.finding', {hasText: 'no.title.yet'}).waitFor();
  t.is(await rows(tab).count(), 1);
  await tab.getByPlaceholder('Rule').fill('no such rule');
  await tab.getByText('Nothing matches').waitFor();
});

test.serial('a change shows by itself, and what was open stays open', async t => {
  const seen = await signedIn(t);
  if (seen === null) return;
  const {tab, site} = seen;
  await rows(tab).first().waitFor();
  await rows(tab).nth(3).getByRole('button').click();
  await tab.locator('.detail').waitFor();
  await site.report(host, [rootLogin('fail', 'critical', 'yes')]);
  await tab.locator('.compared tr.wrong', {hasText: 'yes'}).waitFor();
  t.deepEqual(await texts(tab, 'tr.finding .c-verdict'), ['Fails', 'Fails', 'Unknown', 'Waived']);
  t.regex(await textOf(tab.locator('tr.finding.open')), /Root does not log in/);
  t.is(await tab.locator('.detail').count(), 1);
});

test.serial('a controller that is away is said with the age of what is shown, and its return is seen', async t => {
  const seen = await signedIn(t);
  if (seen === null) return;
  const {tab} = seen;
  await rows(tab).first().waitFor();
  await tab.context().setOffline(true);
  await tab.locator('.banner').waitFor();
  t.regex(await textOf(tab.locator('.banner')), /does not answer.*What is shown is \d+ s old/);
  t.is(await rows(tab).count(), 4);
  await tab.context().setOffline(false);
  await tab.locator('.banner').waitFor({state: 'detached'});
});

test.serial('hosts show their state and counts, and lead to their findings', async t => {
  const seen = await signedIn(t);
  if (seen === null) return;
  const {tab, site, go} = seen;
  await site.store.freeze(host, 'two machines use its key');
  await go('#/hosts');
  const row = tab.locator('.hosts tbody tr');
  await row.waitFor();
  t.regex(await textOf(row), /web-1\.example\s+Debian GNU\/Linux 12\s+frozen/);
  t.is(await row.getByRole('img').getAttribute('aria-label'), '1 fails, 1 unknown, 1 waived, 1 passes');
  await row.getByRole('link').click();
  await tab.locator('header.host', {hasText: 'two machines use its key'}).waitFor();
  await hasRows(tab, 4);
  t.true((await textOf(tab.locator('header.host'))).includes('6.1.0-28-amd64'));
});

test.serial('without a host it says how to enrol one, and without failures it says so', async t => {
  const seen = await signedIn(t, async () => {});
  if (seen === null) return;
  const {tab, site, go} = seen;
  await tab.getByText('No host yet').waitFor();
  t.regex(await textOf(tab.locator('.empty')), /reeve token create.*reeve enroll/s);
  await go('#/hosts');
  await tab.getByText('No host yet').waitFor();
  const id = await site.host('good');
  await site.report(id, [wire({rule: 'x', verdict: 'pass', wrong: []})]);
  await go('#/findings');
  await tab.getByText('No failures.').waitFor();
});

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [390, 1440]) {
    test.serial(`nothing runs out of a window ${width} wide, and all text can be read, in ${scheme}`, async t => {
      const seen = await signedIn(t);
      if (seen === null) return;
      const {tab, go} = seen;
      await tab.emulateMedia({colorScheme: scheme});
      await tab.setViewportSize({width, height: 800});
      for (const view of ['#/findings', '#/hosts', `#/hosts/${host}`, '#/changes?all=1']) {
        await go(view);
        await tab.locator('table.list').waitFor();
        await openAll(tab);
        t.true(((await tab.evaluate('document.documentElement.scrollWidth')) as number) <= width, view);
        t.deepEqual(await tab.evaluate(faintTexts), [], view);
      }
    });
  }
}

/** Texts whose contrast with what is behind them is below 4.5 (WCAG 2.2, 1.4.3). */
const faintTexts = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const colour = (text, under) => {
    canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = rgb => rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const {backgroundColor} = getComputedStyle(e);
      if (backgroundColor !== 'rgba(0, 0, 0, 0)') return backgroundColor;
    }
    return '#fff';
  };
  const found = new Set();
  for (const element of document.querySelectorAll('#app *')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    if (element.closest('.hidden, .skip, svg, option')) continue;
    const back = behind(element);
    const [a, b] = [light(colour(getComputedStyle(element).color, back)), light(colour(back, back))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.add(element.className + ': ' + element.textContent.slice(0, 30));
  }
  return [...found];
})()`;
