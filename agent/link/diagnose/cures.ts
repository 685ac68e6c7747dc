import type {ProblemCode} from '../problem.ts';

/** What a person can do about each problem of the way to the controller. */
export const cures: {[C in ProblemCode]?: string} = {
  NAME_UNRESOLVED: 'correct the name in the ticket, or make it resolve on this host: DNS, or a line in /etc/hosts',
  TCP_REFUSED: 'start the controller, or correct the port: nothing listens there',
  TCP_TIMEOUT: 'let this host through the firewall between it and that address, or set link.proxy in agent.yaml',
  TCP_FAILED: 'look at the route to that address: ip route get ADDRESS',
  PROXY_REFUSED: 'let the proxy make tunnels (CONNECT) to the controller, or correct link.proxy in agent.yaml',
  PROXY_INVALID: 'correct link.proxy in agent.yaml: an HTTP proxy that knows CONNECT is wanted',
  TLS_TOO_OLD:
    'something between here and the controller ends TLS, and knows none newer than 1.2: take it out of the way',
  TLS_TIMEOUT: 'what listens there does not speak TLS, or the controller is overloaded',
  TLS_FAILED: 'correct the port: what listens there does not speak TLS as a controller does',
  PIN_MISMATCH:
    'if the controller got a new key, enrol again with a new ticket (reeve enroll --replace); if not, somebody is in between',
  NOT_A_CONTROLLER: 'correct the address: the listener for agents is wanted, not the page or another server',
  BUSY: 'wait: the link comes back by itself',
  FLEET_MISMATCH: 'the controller was set up anew: enrol again with a new ticket (reeve enroll --replace)',
  PROTOCOL: 'install versions of reeve that know each other on the host and on the controller',
  VERSION: 'install versions of reeve that know each other on the host and on the controller',
  UNAUTHENTICATED: 'the controller does not know this key: enrol again with a new ticket (reeve enroll --replace)',
  HOST_UNKNOWN: 'the host was removed at the controller: enrol again with a new ticket (reeve enroll --replace)',
  HOST_FROZEN:
    'two machines use the key of this host, as a cloned image does: enrol one of them anew (reeve enroll --replace), then make the host active at the controller',
  SILENT: 'look at the log of the controller: it took the connection and says nothing',
  AGENT_REFUSED: 'look at the log of the agent: it does not sign for this controller',
  AGENT_AWAY: 'start the agent: systemctl start reeve-agent',
  SPOOL_FULL: 'make room on the disk that has the state of the link',
  SPOOL_UNUSABLE: 'let the user of the link write to its state folder',
};
