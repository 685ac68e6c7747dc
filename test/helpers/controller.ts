import {mkdtemp, rm} from 'node:fs/promises';
import {request} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type Config, withDefaults} from '../../controller/config/schema.ts';
import {startController} from '../../controller/controller.ts';

type Ends = {teardown(end: () => Promise<void>): void};
type LogLine = {level: string; message: string; data: {[name: string]: unknown}};

export type TestController = {
  place: {url: string; pin: string; fleet: string};
  state: string;
  log: LogLine[];
  /** Asks the admin socket, and gives the answer's JSON. */
  ask(method: string, path: string, body?: unknown): Promise<{status: number; body: never}>;
  /** An enrolment token. */
  token(uses?: number): Promise<string>;
  stop(): Promise<void>;
};

export async function temporaryFolder(t: Ends): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reeve-controller-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  return folder;
}

/** The controller in this process, on ports of its own, its state in a folder that goes with the test. */
export async function testController(
  t: Ends,
  change: (config: Config) => void = () => {},
  state?: string,
): Promise<TestController> {
  const folder = state ?? (await temporaryFolder(t));
  const config = withDefaults({agents: {listen: '127.0.0.1:0'}, api: {listen: '127.0.0.1:0'}});
  change(config);
  const log: LogLine[] = [];
  const {ready, stop} = await startController({
    config,
    state: folder,
    version: '0.0.0-test',
    log: (level, message, data = {}) => log.push({level, message, data}),
    onCrash: error => log.push({level: 'error', message: 'crash', data: {reason: error.message}}),
  });
  let stopped: Promise<void> | null = null;
  const stopOnce = () => {
    stopped ??= stop();
    return stopped;
  };
  t.teardown(stopOnce);
  const ask = (method: string, path: string, body?: unknown) =>
    askSocket(join(folder, 'admin.sock'), method, path, body);
  return {
    place: {url: ready.agentsUrl, pin: ready.pins[0] as string, fleet: ready.fleet},
    state: folder,
    log,
    ask,
    token: uses => enrolToken(ask, uses),
    stop: stopOnce,
  };
}

export async function enrolToken(ask: TestController['ask'], uses = 1): Promise<string> {
  const answer = await ask('POST', '/api/v1/tokens', {kind: 'enrol', name: 'test', expiresIn: 3600, uses});
  if (answer.status !== 201) throw new Error(`no token: ${answer.status} ${JSON.stringify(answer.body)}`);
  return (answer.body as {token: string}).token;
}

export function askSocket(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{status: number; body: never}> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : {'Content-Type': 'application/json'};
    const asked = request({socketPath, method, path, headers}, response => {
      const chunks: Buffer[] = [];
      response.on('data', chunk => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isJson = response.headers['content-type']?.startsWith('application/json') ?? false;
        resolve({status: response.statusCode ?? 0, body: (isJson ? JSON.parse(text) : text) as never});
      });
    });
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
