import type {Static} from 'typebox';
import * as Type from 'typebox';
import {withoutValue} from '../../facts/answer.ts';
import type {FirewallFact} from '../../facts/firewall.ts';
import type {Facts} from '../../facts/index.ts';
import {type Judgement, judged} from '../../finding.ts';
import {type FirewallOutcome, passFirewall} from '../../firewall.ts';
import {orList} from '../shared.ts';

const port = Type.Integer({minimum: 1, maximum: 65_535});
export const firewallKeys = Type.Object(
  {
    input_default: Type.Optional(
      Type.Array(Type.Enum(['accept', 'drop', 'reject']), {minItems: 1, maxItems: 3, wanted: 'a list of drop, reject'}),
    ),
    guards_port: Type.Optional(port),
    accepts_port: Type.Optional(port),
  },
  {additionalProperties: false},
);
type FirewallKeys = Static<typeof firewallKeys>;
type Meeting = {family: 'IPv4' | 'IPv6'; outcome: FirewallOutcome};

export function judgeFirewall(wanted: FirewallKeys, facts: Facts): Judgement[] {
  const answer = facts.get({fact: 'firewall'});
  if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue('packet filter', answer)];
  if (answer.state === 'absent') return [{subject: 'packet filter', verdict: 'unknown', reason: answer.reason}];
  const {value, where} = answer;
  return [
    ...(wanted.input_default === undefined ? [] : [judgeDefault(wanted.input_default, value, where)]),
    ...(wanted.guards_port === undefined ? [] : [judgePort(wanted.guards_port, false, value, where)]),
    ...(wanted.accepts_port === undefined ? [] : [judgePort(wanted.accepts_port, true, value, where)]),
  ];
}

/** What packets of both families meet; IPv6 only where the host has it. */
function meet(fact: FirewallFact, number: number | null): Meeting[] {
  const families = fact.ipv6 ? (['ip', 'ip6'] as const) : (['ip'] as const);
  return families.flatMap(family => {
    const meetings = (['tcp', 'udp'] as const).map(protocol => passFirewall(fact, {family, protocol, port: number}));
    const order = ['anyone', 'unsure', 'some', 'nobody'];
    const [widest] = (number === null ? meetings : meetings.slice(0, 1)).sort(
      (a, b) => order.indexOf(a.accepted) - order.indexOf(b.accepted),
    );
    return widest === undefined ? [] : [{family: family === 'ip' ? 'IPv4' : 'IPv6', outcome: widest} as Meeting];
  });
}

const places = (meetings: Meeting[], where: string[]) => [
  ...new Set([...where, ...meetings.map(({outcome}) => outcome.where)]),
];
const unsure = (subject: string, meetings: Meeting[]): Judgement | null => {
  const open = meetings.find(({outcome}) => outcome.accepted === 'unsure');
  if (open === undefined) return null;
  return {subject, verdict: 'unknown', reason: `${open.family}: ${open.outcome.why} (${open.outcome.where})`};
};

function judgeDefault(accepted: string[], fact: FirewallFact, where: string[]): Judgement {
  const subject = 'packet filter';
  const meetings = meet(fact, null);
  const found = meetings.map(({family, outcome}) => {
    const open = outcome.accepted === 'anyone' || outcome.accepted === 'unsure';
    return {family, action: open ? 'accept' : (outcome.refusal ?? 'drop'), outcome};
  });
  const sure = found.filter(({outcome}) => outcome.accepted !== 'unsure');
  const wrong = sure.some(({action}) => !accepted.includes(action));
  const doubt = unsure(subject, meetings);
  if (doubt !== null && !wrong) return doubt;
  const compared = sure.map(({family, action, outcome}) => ({
    what: `${family} default`,
    expected: orList(accepted),
    actual: action === 'accept' ? `accept (${outcome.where})` : action,
    ok: accepted.includes(action),
  }));
  const cure =
    'give the chain for incoming packets "policy drop" after rules that accept what is needed, in table inet of /etc/nftables.conf; then systemctl enable --now nftables (with ufw: ufw default deny incoming; ufw enable)';
  return judged(subject, compared, {where: places(meetings, where), scope: 'runtime', cure});
}

function judgePort(number: number, wanted: boolean, fact: FirewallFact, where: string[]): Judgement {
  const subject = `packet filter, port ${number}`;
  const meetings = meet(fact, number);
  const texts = {anyone: 'accepted', some: 'accepted from named sources only', nobody: 'refused', unsure: 'unsure'};
  const sure = meetings.filter(({outcome}) => outcome.accepted !== 'unsure');
  const isOpen = ({outcome}: Meeting) => outcome.accepted === 'anyone';
  const doubt = unsure(subject, meetings);
  if (doubt !== null && !sure.some(isOpen)) return doubt;
  const holds = sure.some(isOpen) === wanted;
  const compared = sure.map(meeting => ({
    what: meeting.family,
    expected: wanted ? 'accepted from outside' : 'not accepted from outside',
    actual: `${texts[meeting.outcome.accepted]} (${meeting.outcome.where})`,
    ok: wanted ? holds : !isOpen(meeting),
  }));
  return judged(subject, compared, {
    where: places(meetings, where),
    scope: 'runtime',
    cure: `refuse tcp port ${number}, or accept it from the proxy's address only`,
  });
}
