import type {SettingValue} from '../../../../../policies/facts/setting.ts';
import {linesOf, maxIncludeDepth, type Reading} from '../reader.ts';
import type {SshdBuild} from './algorithms.ts';
import {type MatchBlock, parseMatch} from './blocks.ts';
import {type Keyword, sshdKeywords} from './keywords.ts';
import {parseSshdLine} from './line.ts';
import {readLineValue} from './values.ts';
import {wholeProblems} from './whole.ts';

/** One line that sets a keyword, with the Match blocks around it, the outermost first. */
export type SshdSetting = {
  keyword: Keyword /** The keyword as written, in lower case: it may be an old name. */;
  written: string;
  texts: string[];
  where: string;
  origin: SettingValue['origin'];
  blocks: MatchBlock[];
};

/** The newest OpenSSH whose keywords are all in the table; a newer one may know more. */
const newestVersion = 1005;
const maxIncludes = 1000;

/**
 * Reads the main file and what it includes into settings, in the order in which sshd meets them. What sshd itself would
 * refuse is a failure of `reading`: such a daemon does not start, and a running one has older settings.
 */
export class SshdLoader {
  readonly settings: SshdSetting[] = [];
  readonly #reading: Reading;
  readonly #build: SshdBuild;
  #included = 0;

  constructor(reading: Reading, build: SshdBuild) {
    this.#reading = reading;
    this.#build = build;
  }

  /** A line given by other means than a file, such as `-o` when the daemon is started. */
  addLine(text: string, where: string, origin: SettingValue['origin']): void {
    const line = parseSshdLine(text);
    if (line === null) return;
    if ('problem' in line) this.#refuse(where, line.problem);
    else this.#set(line.keyword, line.arguments, line.rest, {where, origin, blocks: []});
  }

  async load(
    path: string,
    origin: SettingValue['origin'] = 'main',
    outer: MatchBlock[] = [],
    trail: string[] = [],
  ): Promise<void> {
    const text = await this.#reading.text(path);
    if (text === null) return;
    let blocks = outer;
    for (const {line: raw, number} of linesOf(text)) {
      const where = `${path}:${number}`;
      const line = parseSshdLine(raw);
      if (line === null) continue;
      if ('problem' in line) {
        this.#refuse(where, line.problem);
        continue;
      }
      const name = line.keyword.toLowerCase();
      if (name === 'include') await this.#include(line.arguments, where, blocks, [...trail, path]);
      else if (name === 'match') {
        const block = parseMatch(line.rest, where);
        if ('problem' in block) this.#refuse(where, block.problem);
        else blocks = [...outer, block];
      } else this.#set(line.keyword, line.arguments, line.rest, {where, origin, blocks});
    }
  }

  /** A relative name is below /etc/ssh; a pattern that matches nothing is no fault. Match blocks end with the file. */
  async #include(patterns: string[], where: string, blocks: MatchBlock[], trail: string[]): Promise<void> {
    if (patterns.length === 0 || patterns.includes('')) return this.#refuse(where, 'Include without a file');
    for (const pattern of patterns) {
      const full = pattern.startsWith('/')
        ? pattern
        : pattern.startsWith('~/')
          ? `/root/${pattern.slice(2)}`
          : `/etc/ssh/${pattern}`;
      for (const path of await this.#reading.expand([full], {brackets: true, escapes: true})) {
        if (trail.length > maxIncludeDepth || trail.includes(path))
          return this.#refuse(
            where,
            `${path} includes itself, or files are included more than ${maxIncludeDepth} deep`,
          );
        if (++this.#included > maxIncludes) return this.#refuse(where, `more than ${maxIncludes} files are included`);
        await this.load(path, 'drop-in', blocks, trail);
      }
    }
  }

  #set(
    name: string,
    words: string[],
    rest: string,
    place: {where: string; origin: SettingValue['origin']; blocks: MatchBlock[]},
  ): void {
    const keyword = sshdKeywords.get(name.toLowerCase());
    if (keyword === undefined || !isKnown(keyword, this.#build)) {
      const {version} = this.#build;
      if (version !== null && version <= newestVersion)
        this.#refuse(place.where, `it does not know the keyword ${name}`);
      return;
    }
    if (!mayMatch(keyword, this.#build.version) && place.blocks.some(block => !block.always)) {
      this.#refuse(place.where, `${keyword.name} may not stand in a Match block`);
      return;
    }
    const value = readLineValue(keyword, words, rest);
    if ('problem' in value) this.#refuse(place.where, value.problem);
    else if (this.#isGivenTwice(keyword, value.texts))
      this.#refuse(place.where, `${keyword.name} is given a second time`);
    else this.settings.push({keyword, written: name.toLowerCase(), texts: value.texts, ...place});
  }

  /** To be called after the last file: what sshd refuses once it has read everything. */
  checkWhole(): void {
    for (const {where, problem} of wholeProblems(this.settings)) this.#refuse(where, problem);
  }

  /** Before 9.5 a subsystem given twice was an error, and before 9.7 `AuthenticationMethods any` after other methods. */
  #isGivenTwice(keyword: Keyword, texts: string[]): boolean {
    const before = this.settings.filter(other => other.keyword === keyword);
    if (keyword.name === 'AuthenticationMethods' && texts[0] === 'any' && !isSince(907, this.#build.version)) {
      return before.some(({blocks}) => blocks.every(block => block.always));
    }
    if (keyword.name !== 'Subsystem' || isSince(905, this.#build.version)) return false;
    const name = texts[0]?.split(' ')[0];
    return before.some(other => other.texts[0]?.split(' ')[0] === name);
  }

  #refuse(where: string, problem: string): void {
    this.#reading.fail(`sshd refuses its configuration at ${where}: ${problem}`);
  }
}

/** A version that is not known is taken to be new enough. */
export const isSince = (since: number | undefined, version: number | null): boolean =>
  since === undefined || version === null || version >= since;

/** Whether this sshd has the keyword at all. */
export const isKnown = ({since, sinceRedHat = since}: Keyword, {version, vendor}: SshdBuild): boolean =>
  isSince(vendor === 'redhat' ? sinceRedHat : since, version);

/** Whether the keyword has a meaning in a Match block. */
export const mayMatch = ({match}: Keyword, version: number | null): boolean =>
  typeof match === 'number' ? isSince(match, version) : match;
