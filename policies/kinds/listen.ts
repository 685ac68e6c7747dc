import type {Static} from 'typebox';
import * as Type from 'typebox';
import {isLoopback} from '../address.ts';
import {withoutValue} from '../facts/answer.ts';
import type {FactRequest, Facts} from '../facts/index.ts';
import type {ListenerFact} from '../facts/listen.ts';
import {type Judgement, judged} from '../finding.ts';
import {defineKind} from './kind.ts';
import {firewallKeys, judgeFirewall} from './listen/firewall.ts';
import {judgeProgram} from './listen/program.ts';
import {addressesText, holdersText, portSubject, unitsOf} from './listen/text.ts';
import {listOf, orList, pathOrPaths} from './shared.ts';

const port = Type.Integer({minimum: 1, maximum: 65_535});
const schema = Type.Object(
  {
    port: Type.Optional(
      Type.Union([port, Type.Array(port, {minItems: 1, maxItems: 256})], {
        wanted: 'a port from 1 to 65535 or a list of them',
      }),
    ),
    protocol: Type.Optional(Type.Enum(['tcp', 'udp', 'any'], {wanted: 'one of tcp, udp, any'})),
    address: Type.Optional(Type.Enum(['loopback', 'outside'], {wanted: '"loopback" or "outside"'})),
    open: Type.Optional(Type.Boolean()),
    only_ports: Type.Optional(Type.Array(port, {maxItems: 1024, wanted: 'a list of ports'})),
    program: Type.Optional(pathOrPaths),
    firewall: Type.Optional(firewallKeys),
  },
  {additionalProperties: false},
);
export type ListenCheck = Static<typeof schema>;

export const listenKind = defineKind<typeof schema>({
  name: 'listen',
  summary:
    'Sockets that wait for others, the programs that hold them, and what the packet filter lets through to them.',
  schema,
  problems: check => problems(check),
  canBeEmpty: check => (check.address !== undefined || check.program !== undefined) && check.open === undefined,
  wants: (check): FactRequest[] => [
    ...(wantsSockets(check) ? [socketsRequest(check)] : []),
    ...listOf(check.program).map(path => ({fact: 'realPaths', path}) as const),
    ...(check.firewall === undefined ? [] : [{fact: 'firewall'} as const]),
  ],
  judge: (check, facts): Judgement[] => {
    const found = [
      ...(wantsSockets(check) ? judgeSockets(check, facts) : []),
      ...(check.firewall === undefined ? [] : judgeFirewall(check.firewall, facts)),
    ];
    const against = found.filter(({verdict}) => verdict === 'fail' || verdict === 'unknown');
    return against.length > 0 ? against : found;
  },
  flips: check => flips(check),
  looks: check =>
    [
      wantsSockets(check) ? 'Reads /proc/net/{tcp,tcp6,udp,udp6} and the links in /proc/PID/fd.' : '',
      check.firewall === undefined
        ? ''
        : 'Reads "nft list ruleset" (or iptables-save) and follows a new connection from outside through it.',
    ]
      .filter(text => text !== '')
      .join(' '),
  wanted: check => wantedParts(check).join('; '),
});

const wantsSockets = (check: ListenCheck) =>
  check.address !== undefined ||
  check.open !== undefined ||
  check.only_ports !== undefined ||
  check.program !== undefined;
const socketsRequest = (check: ListenCheck) => ({fact: 'listeners', everyHolder: check.program !== undefined}) as const;
const portsOf = (check: ListenCheck): number[] => (check.port === undefined ? [] : [check.port].flat());

function problems(check: ListenCheck): Array<{at: string[]; message: string}> {
  const found: Array<{at: string[]; message: string}> = [];
  const needs = (['address', 'open', 'program'] as const).find(key => check[key] !== undefined);
  if (!wantsSockets(check) && check.firewall === undefined) {
    found.push({
      at: [],
      message: 'nothing is expected: give at least one of address, open, only_ports, program, firewall',
    });
  }
  if (needs !== undefined && check.port === undefined) found.push({at: [], message: `"${needs}" needs "port"`});
  if (needs === undefined && check.port !== undefined)
    found.push({at: ['port'], message: 'nothing is expected of the port'});
  if (check.only_ports !== undefined && check.port !== undefined) {
    found.push({at: ['only_ports'], message: '"only_ports" speaks of all ports: give "port" in a check of its own'});
  }
  if (check.open === false && (check.address !== undefined || check.program !== undefined)) {
    found.push({at: ['open'], message: 'a port on which nothing may listen can have no other expectations'});
  }
  if (check.firewall !== undefined && Object.keys(check.firewall).length === 0) {
    found.push({at: ['firewall'], message: 'nothing is expected: give "input_default" or "guards_port"'});
  }
  return found;
}

function judgeSockets(check: ListenCheck, facts: Facts): Judgement[] {
  const answer = facts.get(socketsRequest(check));
  const subject = portSubject(check.protocol, portsOf(check));
  if (answer.state === 'unseen' || answer.state === 'live-only') return [withoutValue(subject, answer)];
  if (answer.state === 'absent') return [{subject, verdict: 'none', reason: answer.reason}];
  const protocol = check.protocol ?? 'tcp';
  const sockets = answer.value.listeners.filter(socket => protocol === 'any' || socket.protocol === protocol);
  const where = [
    ...answer.where,
    ...(answer.value.namespace === 'own' ? ['the network namespace of reeve itself'] : []),
  ];
  if (check.only_ports !== undefined) return judgeOnlyPorts(check.only_ports, protocol, sockets, where);
  return portsOf(check).flatMap(number =>
    judgePort(
      check,
      number,
      sockets.filter(socket => socket.port === number),
      where,
      facts,
    ),
  );
}

function judgePort(
  check: ListenCheck,
  number: number,
  sockets: ListenerFact[],
  where: string[],
  facts: Facts,
): Judgement[] {
  const subject = portSubject(check.protocol, [number]);
  const places = [...new Set(sockets.flatMap(({holders}) => holders.map(({pid}) => `pid ${pid}`))), ...where];
  const compared = [];
  if (check.open !== undefined) {
    const actual =
      sockets.length === 0 ? 'nothing listens' : `${addressesText(sockets)}, held by ${holdersText(sockets)}`;
    compared.push({
      what: 'open',
      expected: check.open ? 'something listens' : 'nothing listens',
      actual,
      ok: sockets.length > 0 === check.open,
    });
    if (sockets.length === 0 || !check.open) {
      const units = unitsOf(sockets);
      const stop =
        units.length > 0
          ? `systemctl disable --now ${units.join(' ')}`
          : `stop what listens on it: ${holdersText(sockets)}`;
      return [
        judged(subject, compared, {
          where: places,
          scope: 'runtime',
          cure: check.open ? 'start the service that should listen' : stop,
        }),
      ];
    }
  }
  if (sockets.length === 0) return [{subject, verdict: 'none', reason: `nothing listens on ${subject}`}];
  const cures: string[] = [];
  if (check.address !== undefined) {
    const outside = sockets.filter(({address}) => !isLoopback(address));
    const wantsLoopback = check.address === 'loopback';
    const ok = wantsLoopback ? outside.length === 0 : outside.length > 0;
    compared.push({
      what: 'address',
      expected: wantsLoopback ? 'loopback only' : 'reachable from outside',
      actual: addressesText(sockets),
      ok,
    });
    if (!ok)
      cures.push(
        `bind ${holdersText(sockets)} to ${wantsLoopback ? '127.0.0.1 and ::1' : 'an address of this host'} in its configuration, then restart it`,
      );
  }
  if (check.program !== undefined) {
    const program = judgeProgram(listOf(check.program), sockets, facts);
    if ('reason' in program) {
      const failing = compared.some(({ok}) => !ok);
      if (!failing) return [{subject, verdict: 'unknown', reason: program.reason}];
    } else {
      compared.push(program);
      if (!program.ok) cures.push(`stop what should not hold it: ${holdersText(sockets)}`);
    }
  }
  return [judged(subject, compared, {where: places, scope: 'runtime', cure: cures.join('; ') || undefined})];
}

function judgeOnlyPorts(allowed: number[], protocol: string, sockets: ListenerFact[], where: string[]): Judgement[] {
  const outside = sockets.filter(({address}) => !isLoopback(address));
  const extra = Map.groupBy(
    outside.filter(({port: number}) => !allowed.includes(number)),
    socket => `${socket.protocol} port ${socket.port}`,
  );
  const expected = `only ${orList(allowed.map(String)) || 'none'} open to others`;
  if (extra.size === 0) {
    const open = [...new Set(outside.map(({port: number}) => number))].sort((a, b) => a - b);
    const compared = [{what: 'open ports', expected, actual: open.length === 0 ? 'none' : open.join(', '), ok: true}];
    return [judged(`${protocol} ports`, compared, {where, scope: 'runtime'})];
  }
  return [...extra].map(([subject, group]) => {
    const compared = [
      {what: 'open ports', expected, actual: `${addressesText(group)}, held by ${holdersText(group)}`, ok: false},
    ];
    const units = unitsOf(group);
    const cure =
      units.length > 0
        ? `systemctl disable --now ${units.join(' ')}`
        : `stop ${holdersText(group)}, or bind it to 127.0.0.1`;
    const pids = [...new Set(group.flatMap(({holders}) => holders.map(({pid}) => `pid ${pid}`)))];
    return judged(subject, compared, {where: [...pids, ...where], scope: 'runtime', cure});
  });
}

function flips(check: ListenCheck): Array<{what: string; check: ListenCheck}> {
  const turned: Array<{what: string; check: ListenCheck}> = [];
  if (check.open !== undefined) {
    const {address: _, program: __, ...rest} = check;
    turned.push({what: 'open', check: {...rest, open: !check.open}});
  }
  if (check.address !== undefined)
    turned.push({what: 'address', check: {...check, address: check.address === 'loopback' ? 'outside' : 'loopback'}});
  if (check.program !== undefined) turned.push({what: 'program', check: {...check, program: '/nonexistent/program'}});
  if (check.only_ports !== undefined) {
    const {only_ports: allowed, ...rest} = check;
    turned.push({
      what: 'only_ports',
      check: allowed.length > 0 ? {...rest, only_ports: []} : {...rest, port: 1, open: true},
    });
  }
  if (check.firewall?.input_default !== undefined) {
    const rest = (['accept', 'drop', 'reject'] as const).filter(word => !check.firewall?.input_default?.includes(word));
    turned.push({
      what: 'firewall.input_default',
      check: {...check, firewall: {...check.firewall, input_default: rest}},
    });
  }
  for (const [key, other] of [
    ['guards_port', 'accepts_port'],
    ['accepts_port', 'guards_port'],
  ] as const) {
    const {[key]: value, ...rest} = check.firewall ?? {};
    if (value !== undefined)
      turned.push({what: `firewall.${key}`, check: {...check, firewall: {...rest, [other]: value}}});
  }
  return turned;
}

function wantedParts(check: ListenCheck): string[] {
  const subject = portSubject(check.protocol, portsOf(check));
  return [
    check.open === undefined ? '' : `${subject}: ${check.open ? 'open' : 'nothing listens'}`,
    check.address === undefined
      ? ''
      : `${subject}: ${check.address === 'loopback' ? 'bound to loopback only' : 'reachable from outside'}`,
    check.program === undefined ? '' : `${subject}: held by ${orList(listOf(check.program))} only`,
    check.only_ports === undefined
      ? ''
      : `${check.protocol ?? 'tcp'} ports open to others: ${check.only_ports.join(', ') || 'none'}`,
    check.firewall?.input_default === undefined
      ? ''
      : `packet filter: incoming packets that no rule accepts meet ${orList(check.firewall.input_default)}`,
    check.firewall?.guards_port === undefined
      ? ''
      : `packet filter: port ${check.firewall.guards_port} is not accepted from outside`,
    check.firewall?.accepts_port === undefined
      ? ''
      : `packet filter: port ${check.firewall.accepts_port} is accepted from outside`,
  ].filter(part => part !== '');
}
