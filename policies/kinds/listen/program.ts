import type {Facts} from '../../facts/index.ts';
import type {ListenerFact, SocketHolder} from '../../facts/listen.ts';
import type {Comparison} from '../../finding.ts';
import {matchesPath} from '../../pattern.ts';
import {orList} from '../shared.ts';
import {holdersText} from './text.ts';

/**
 * Whether only these programs hold the sockets. systemd keeps the sockets of its socket units open beside the service:
 * it counts as a holder only where nobody else holds them.
 */
export function judgeProgram(wanted: string[], sockets: ListenerFact[], facts: Facts): Comparison | {reason: string} {
  const real = wanted.flatMap(path => {
    const answer = facts.get({fact: 'realPaths', path});
    return answer.state === 'seen' ? answer.value : [];
  });
  const isWanted = ({exe}: SocketHolder) =>
    exe !== null && (real.includes(exe) || wanted.some(pattern => matchesPath(pattern, exe)));
  const compare = (ok: boolean): Comparison => ({
    what: 'program',
    expected: orList(wanted),
    actual: holdersText(sockets),
    ok,
  });
  for (const {holders, holdersUnseen} of sockets) {
    const others = holders.filter(holder => !isWanted(holder) && !isSystemd(holder));
    if (others.some(({exe}) => exe !== null)) return compare(false);
    const hidden = others[0];
    if (hidden !== undefined) return {reason: `cannot see the executable of pid ${hidden.pid} (${hidden.name})`};
    if (holdersUnseen !== null) return {reason: holdersUnseen};
    if (holders.length === 0)
      return {reason: 'no process of this pid namespace holds it: the kernel or a container does'};
    if (!holders.some(isWanted))
      return {reason: 'systemd holds it for a socket unit: "systemctl list-sockets" names the service'};
  }
  return compare(true);
}

const isSystemd = ({pid, exe}: SocketHolder) => pid === 1 && exe !== null && exe.endsWith('/systemd');
