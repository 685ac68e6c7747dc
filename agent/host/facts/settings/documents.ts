import type {SettingFact, SettingRequest, SettingValue} from '../../../../policies/facts/setting.ts';
import {findInTree, type TreeDocument} from './parse/tree.ts';
import {answerFrom, Reading, type SettingReader} from './reader.ts';

type Parsed = {path: string; document: TreeDocument};

/** A reader for nested documents. Of several files the last that holds the key wins. */
export function documentReader(name: string, parse: (text: string) => TreeDocument): SettingReader {
  return async (request, {host, once}) => {
    const {reading, parsed} = await once(`${name} ${JSON.stringify(request.files)}`, async () => {
      const reading = new Reading(host);
      const parsed: Parsed[] = [];
      for (const path of await reading.expand(request.files)) {
        const text = await reading.text(path);
        if (text !== null) parsed.push({path, document: parse(text)});
      }
      for (const {path, document} of parsed) if ('problem' in document) reading.fail(problemText(path, document));
      return {reading, parsed};
    });
    const found = lookUp(request, parsed);
    if (typeof found === 'string') return {state: 'unseen', reason: found};
    return answerFrom(reading, `${request.files.join(', ')} does not exist`, () => found);
  };
}

const problemText = (path: string, {line, problem}: {line: number | null; problem: string}) =>
  `cannot read ${path}${line === null ? '' : `:${line}`}: ${problem}`;

function lookUp(request: SettingRequest, parsed: Parsed[]): Partial<SettingFact> | string {
  const fact = {
    values: [] as SettingValue[],
    overridden: [] as SettingValue[],
    change: {file: parsed.at(-1)?.path ?? request.files[0] ?? '', before: null, after: null},
  };
  const path = request.section === undefined ? request.key : `${request.section}.${request.key}`;
  for (const {path: file, document} of parsed) {
    if ('problem' in document) continue;
    const found = findInTree(document.root, path);
    if (found === null) continue;
    if ('problem' in found) return problemText(file, found);
    fact.overridden.push(...fact.values);
    fact.values = found.values.map(({text, line}) => ({
      value: text,
      where: line === null ? file : `${file}:${line}`,
      origin: 'main',
    }));
    fact.change = {file, before: null, after: null};
  }
  return fact;
}
