// An agent whose checks find something else every few milliseconds: the subject and a number that only grows. It goes on
// from the highest number that its store knows. Arguments: state directory, run directory, milliseconds between rounds.
import {startDaemon} from '../../../agent/daemon/daemon.ts';
import {agentSocket, askAgent} from '../../../agent/ipc/client.ts';
import {drivenChecks, passing, round} from '../../helpers/agent.ts';

const [state, run, everyMs] = process.argv.slice(2) as [string, string, string];
const subjects = 10;

await startDaemon({
  stateDir: state,
  runDir: run,
  link: null,
  reeve: '0.0.0',
  hostname: 'host.example',
  log: (level, message, data) => void process.stderr.write(`${level} ${message} ${JSON.stringify(data)}\n`),
  uid: process.geteuid?.() ?? 0,
  pid: process.pid,
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  makeChecks: listener => ({
    ...drivenChecks(listener),
    start: async () => {
      const values = new Map<string, number>();
      for await (const {findings} of askAgent(agentSocket(run), {verb: 'findings'}))
        for (const {finding} of findings) values.set(finding.subject, Number(finding.actual?.value));
      let count = Math.max(0, ...values.values());
      setInterval(() => {
        count++;
        values.set(`s${count % subjects}`, count);
        listener.onRound(round([...values].map(([subject, value]) => passing(subject, {}, `${value}`))));
      }, Number(everyMs));
    },
  }),
});
