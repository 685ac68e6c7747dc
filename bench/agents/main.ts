// A fleet of simulated hosts in a process of its own, so that their cost is counted apart from the controller's. Asked
// over the channel of node:child_process by FleetProcess.
import {Fleet} from './fleet.ts';
import type {FleetAnswer, FleetRequest} from './requests.ts';

const fleet = new Fleet();
process.on('disconnect', () => process.exit(0));
process.on('message', (request: FleetRequest) => {
  const {id} = request;
  const answer = (message: FleetAnswer) => process.send?.(message);
  carryOut(request).then(
    () => answer({id, stats: fleet.stats()}),
    error => answer({id, problem: String(error)}),
  );
});

async function carryOut(request: FleetRequest): Promise<void> {
  switch (request.do) {
    case 'enrol':
      return await fleet.enrol(request);
    case 'change':
      return await fleet.change(request.count);
    case 'acknowledged':
      return await fleet.acknowledged();
    case 'allOpen':
      return await fleet.allOpen();
    case 'clear':
      return fleet.clear();
    case 'disconnect':
      return fleet.disconnect();
    case 'stats':
      return;
  }
}
