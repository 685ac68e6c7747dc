import {connect} from 'node:net';
import {createInterface} from 'node:readline';

/** The other machine: for each line `[[address, port], …]` it says which of them took a connection. */
const timeoutMs = 250;

function reaches(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({host, port});
    const done = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    socket.on('connect', () => done(true));
    socket.on('error', () => done(false));
  });
}

for await (const line of createInterface({input: process.stdin})) {
  const targets = JSON.parse(line) as Array<[string, number]>;
  console.log(JSON.stringify(await Promise.all(targets.map(([host, port]) => reaches(host, port)))));
}
