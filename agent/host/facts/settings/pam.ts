import {absent} from '../../../../policies/facts/answer.ts';
import type {SettingValue} from '../../../../policies/facts/setting.ts';
import {type PamLine, type PamType, parsePam} from './parse/pam.ts';
import {answerFrom, maxIncludeDepth, Reading, type SettingReader} from './reader.ts';

const directories = ['/etc/pam.d', '/usr/lib/pam.d'];
const maxIncludes = 1000;

type PamModule = Extract<PamLine, {kind: 'module'}> & {path: string};

/** `type module`: the control and arguments of each time that the module is in the service's stack, in its order. */
export const readPam: SettingReader = async (request, {host, once}) => {
  const service = request.files[0] ?? '';
  const {reading, modules, main} = await once(`pam ${service}`, async () => {
    const reading = new Reading(host);
    const stack = new Stack(reading);
    const main = await stack.load(service, null, []);
    return {reading, modules: stack.modules, main};
  });
  if (main === null && reading.unreadable.length === 0)
    return absent(`no PAM service ${service} is in ${directories.join(' or ')}`);
  const [type, module = ''] = request.key.trim().split(/\s+/);
  return answerFrom(reading, `no PAM service ${service}`, () => {
    const found = modules.filter(
      line => line.type === type && (line.module === module || line.module.endsWith(`/${module}`)),
    );
    const values = found.map(
      (line): SettingValue => ({
        value: [line.control, ...line.arguments].join(' '),
        where: `${line.path}:${line.line}`,
        origin: line.path === main ? 'main' : 'drop-in',
      }),
    );
    return {values, change: {file: found[0]?.path ?? main ?? service, before: null, after: null}};
  });
};

/** The modules of a service with what it includes put in place. */
class Stack {
  readonly modules: PamModule[] = [];
  readonly #reading: Reading;
  #included = 0;

  constructor(reading: Reading) {
    this.#reading = reading;
  }

  /** Adds the lines of one type, or of all; returns the file, or null when there is none. */
  async load(service: string, only: PamType | null, trail: string[]): Promise<string | null> {
    for (const path of service.startsWith('/') ? [service] : directories.map(directory => `${directory}/${service}`)) {
      const text = await this.#reading.text(path);
      if (text === null) continue;
      if (trail.length >= maxIncludeDepth || trail.includes(path) || ++this.#included > maxIncludes) {
        this.#reading.fail(`cannot read ${path}: PAM files include each other without end`);
        return path;
      }
      for (const line of parsePam(text)) {
        if (line.kind === 'broken') this.#reading.fail(`PAM refuses ${path}:${line.line}: ${line.problem}`);
        else if (only !== null && line.type !== null && line.type !== only) continue;
        else if (line.kind === 'module') this.modules.push({...line, path});
        else if ((await this.load(line.service, line.type ?? only, [...trail, path])) === null)
          this.#reading.fail(`PAM refuses ${path}:${line.line}: no file ${line.service}`);
      }
      return path;
    }
    return null;
  }
}
