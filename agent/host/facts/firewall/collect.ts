import {type Answer, liveOnly, seen, unseen} from '../../../../policies/facts/answer.ts';
import type {FirewallChain, FirewallFact} from '../../../../policies/facts/firewall.ts';
import type {CommandResult, Host} from '../../host.ts';
import {single} from '../collector.ts';
import {parseIptables} from './iptables.ts';
import {type NftRuleset, parseNftRuleset} from './nft.ts';

const limits = {timeoutMs: 10_000, maxBytes: 16 * 1024 * 1024};

/**
 * The running packet filter: of nftables, and of iptables where its rules are ones that nft cannot show (xtables
 * extensions) or where the older kernel interface is in use besides.
 */
export const collectFirewall = single<'firewall'>(async ({host}) => {
  if (!host.live) return liveOnly('the packet filter');
  if (host.uid !== 0) return unseen('cannot read the packet filter: only root may, run as root');
  const nft = await readNft(host);
  if (nft !== null && 'reason' in nft) return unseen(nft.reason);
  const legacy = await legacyTables(host);
  const ways: Array<[tool: string, family: 'ip' | 'ip6']> = [];
  if (nft === null || nft.hasXtables) ways.push(['iptables-save', 'ip'], ['ip6tables-save', 'ip6']);
  if (legacy && nft !== null) ways.push(['iptables-legacy-save', 'ip'], ['ip6tables-legacy-save', 'ip6']);
  const saved = await readSaved(host, ways);
  if ('reason' in saved) return unseen(saved.reason);
  if (nft === null && saved.read.length === 0) {
    return unseen('cannot read the packet filter: neither nft nor iptables-save is installed');
  }
  if (saved.missing.length > 0) {
    return unseen(`cannot read the whole packet filter: ${saved.missing.join(' and ')} is not installed`);
  }
  const native = nft?.chains.filter(chain => !(nft.hasXtables && isXtables(chain))) ?? [];
  const value: FirewallFact = {chains: [...native, ...saved.chains], ipv6: await hasIpv6(host)};
  return seen(value, [...(nft === null ? [] : ['nft list ruleset']), ...saved.read]) satisfies Answer<FirewallFact>;
});

const wasStarted = ({exitCode, signal, timedOut}: CommandResult) => exitCode !== null || signal !== null || timedOut;

async function readNft(host: Host): Promise<NftRuleset | {reason: string} | null> {
  const result = await host.run(['/usr/sbin/nft', '-j', 'list', 'ruleset'], limits);
  if (result.failed) return wasStarted(result) ? {reason: failure(result)} : null;
  try {
    return parseNftRuleset(result.stdout);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {reason: `cannot read what nft printed: ${error.message}`};
  }
}

type Saved = {chains: FirewallChain[]; read: string[]; missing: string[]};

async function readSaved(
  host: Host,
  ways: Array<[tool: string, family: 'ip' | 'ip6']>,
): Promise<Saved | {reason: string}> {
  const saved: Saved = {chains: [], read: [], missing: []};
  for (const [tool, family] of ways) {
    const result = await host.run([`/usr/sbin/${tool}`], limits);
    if (result.failed && wasStarted(result)) return {reason: failure(result)};
    if (result.failed) {
      saved.missing.push(tool);
      continue;
    }
    saved.read.push(tool);
    const chains = parseIptables(result.stdout, family);
    saved.chains.push(...(tool.includes('legacy') ? chains.map(legacyName) : chains));
  }
  return saved;
}

const failure = ({reason, stderr}: CommandResult) =>
  `${reason}${stderr.trim() === '' ? '' : `: ${stderr.trim().split('\n')[0]}`}`;

/** Chains of both kernel interfaces may have the same names; each only jumps to its own. */
function legacyName(chain: FirewallChain): FirewallChain {
  const rename = (name: string) => `legacy ${name}`;
  const rules = chain.rules.map(rule => ({
    ...rule,
    action: 'chain' in rule.action ? {...rule.action, chain: rename(rule.action.chain)} : rule.action,
  }));
  return {...chain, name: rename(chain.name), rules};
}

/** The tables that iptables-nft keeps; iptables-save shows them whole. */
const isXtables = ({family, name}: FirewallChain) =>
  family !== 'inet' && /^ip6? (?:filter|mangle|raw|security|nat) /.test(name);

/** /proc/net/ip_tables_names: the tables of the older kernel interface that are in use. */
async function legacyTables({fs}: Host): Promise<boolean> {
  for (const path of ['/proc/net/ip_tables_names', '/proc/net/ip6_tables_names']) {
    const file = await fs.readFile(path, {maxBytes: 4096});
    if (file.ok && /^(?:filter|mangle|raw|security)$/m.test(file.value.bytes.toString('latin1'))) return true;
  }
  return false;
}

/** /proc/net/if_inet6: one line an address, the interface last; not there without IPv6. */
async function hasIpv6({fs}: Host): Promise<boolean> {
  const file = await fs.readFile('/proc/net/if_inet6', {maxBytes: 256 * 1024});
  if (!file.ok) return file.code !== 'absent';
  return file.value.bytes
    .toString('latin1')
    .split('\n')
    .some(line => line !== '' && !/\slo$/.test(line));
}
