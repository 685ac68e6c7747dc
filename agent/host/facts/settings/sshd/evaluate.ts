import type {SettingFact, SettingValue} from '../../../../../policies/facts/setting.ts';
import {assembleAlgorithms, type SshdBuild} from './algorithms.ts';
import type {MatchBlock} from './blocks.ts';
import {sshdDefault} from './defaults.ts';
import type {Keyword} from './keywords.ts';
import {isSince, mayMatch, type SshdSetting} from './load.ts';

type Values = Pick<SettingFact, 'values' | 'overridden'>;

/**
 * What sshd holds for a keyword, as `sshd -T` says it, when the Match blocks hold that `holds` names. Lines outside
 * blocks and in `Match all` count when sshd starts; when somebody connects, the lines of the blocks that hold are read
 * anew and take the place of those.
 */
export function sshdValues(
  keyword: Keyword,
  settings: SshdSetting[],
  build: SshdBuild,
  holds: (block: MatchBlock) => boolean,
): Values {
  const own = settings.filter(setting => setting.keyword === keyword);
  const outside = own.filter(({blocks}) => blocks.every(block => block.always));
  const atStart = combine(keyword, outside, settings, build);
  const inside = own.filter(({blocks}) => blocks.length > 0 && blocks.every(block => block.always || holds(block)));
  const found = combine(keyword, mayMatch(keyword, build.version) ? inside : [], settings, build);
  const values = found.values.length === 0 ? atStart.values : joinReadings(keyword, atStart.values, found.values);
  if (keyword.value.kind === 'rekey') for (const value of values) if (!value.value.includes(' ')) value.value += ' 0';
  if (found.values.length === 0) return atStart;
  const others = [...atStart.values, ...atStart.overridden, ...found.overridden];
  return {values, overridden: others.filter(({where}) => !values.some(value => value.where === where))};
}

/** A later reading takes the place of the first, but for what it does not name: other subsystems, a rekey interval. */
function joinReadings(keyword: Keyword, atStart: SettingValue[], found: SettingValue[]): SettingValue[] {
  if (keyword.value.kind === 'rekey') {
    const interval = atStart[0]?.value.split(' ')[1];
    return found.map(value =>
      value.value.includes(' ') || interval === undefined ? value : {...value, value: `${value.value} ${interval}`},
    );
  }
  if (keyword.value.kind !== 'subsystem') return found;
  return [...atStart.filter(({value}) => !found.some(other => firstWord(other.value) === firstWord(value))), ...found];
}

/**
 * What holds for everybody, and for each Match block that sets the keyword what holds in it. A block is taken with those
 * that hold whenever it does: the same conditions, or fewer of them.
 */
export function evaluateSshd(keyword: Keyword, settings: SshdSetting[], build: SshdBuild): Omit<SettingFact, 'change'> {
  const conditional = new Map<string, SettingFact['conditional'][number]>();
  for (const {keyword: other, blocks} of settings) {
    const block = blocks.findLast(({always}) => !always);
    if (other !== keyword || block === undefined || conditional.has(block.where)) continue;
    const conditions = new Set(blocks.filter(({always}) => !always).map(({condition}) => condition));
    const {values} = sshdValues(keyword, settings, build, ({condition}) => conditions.has(condition));
    conditional.set(block.where, {
      condition: [...conditions].join(', '),
      where: block.where,
      values: values.map(value => ({...value, origin: 'block'})),
    });
  }
  return {
    ...sshdValues(keyword, settings, build, () => false),
    conditional: [...conditional.values()],
    default: defaultOf(keyword, settings, build),
  };
}

const firstWord = (text: string) => text.split(' ')[0];

function defaultOf(keyword: Keyword, settings: SshdSetting[], build: SshdBuild): SettingFact['default'] {
  const source =
    build.version === null ? 'OpenSSH' : `OpenSSH ${Math.trunc(build.version / 100)}.${build.version % 100}`;
  const given =
    keyword.value.kind === 'port'
      ? ['22']
      : keyword.value.kind === 'listen'
        ? ['0.0.0.0', '::'].flatMap(host => withPorts(host, settings))
        : sshdDefault(keyword, build);
  if (given === null) return null;
  if (given === 'unknown')
    return {unseen: `reeve does not know what ${source} as built here does when nothing sets ${keyword.name}`};
  return {value: given.join(' '), source};
}

/**
 * Before 8.7, ChallengeResponseAuthentication was a keyword of its own that turned KbdInteractiveAuthentication on with
 * it, and its default was yes. Source: OpenSSH 8.6, sshd.c.
 */
function beforeOneKeyword(keyword: Keyword, lines: SshdSetting[], {version}: SshdBuild): SshdSetting[] {
  if (keyword.name !== 'KbdInteractiveAuthentication' || version === null || version >= 807) return lines;
  const [interactive, challenge] = [true, false].map(own =>
    lines.filter(({written}) => (written === 'kbdinteractiveauthentication') === own),
  ) as [SshdSetting[], SshdSetting[]];
  return challenge[0]?.texts[0] === 'no' && interactive[0]?.texts[0] === 'yes' ? interactive : challenge;
}

/** What the lines of one reading amount to, in the order of the files. */
function combine(keyword: Keyword, given: SshdSetting[], settings: SshdSetting[], build: SshdBuild): Values {
  const lines = beforeOneKeyword(keyword, given, build);
  const placed = (setting: SshdSetting, texts: string[]): SettingValue[] =>
    texts.map(value => ({value, where: setting.where, origin: setting.origin}));
  const all = lines.flatMap(line => placed(line, line.texts));
  const [first, last] = [lines[0], lines.at(-1)];
  if (first === undefined || last === undefined) return {values: [], overridden: []};
  switch (keyword.value.kind) {
    case 'algorithms': {
      const names = assembleAlgorithms(keyword.value.family, first.texts[0] as string, build);
      const value = names === null ? (first.texts[0] as string) : names.join(',');
      return {values: placed(first, [value]), overridden: lines.slice(1).flatMap(line => placed(line, line.texts))};
    }
    case 'rekey': {
      const timed = lines.find(line => line.texts.length > 1);
      return {
        values: placed(first, [`${[first.texts[0], timed?.texts[1]].filter(Boolean).join(' ')}`]),
        overridden: [],
      };
    }
    case 'startups':
      return combineStartups(keyword, lines, build);
    case 'timeout': {
      const chosen = lines.findLast(line => line.texts[0] === 'none') ?? first;
      return {
        values: placed(chosen, [chosen.texts[0] === '0' ? 'none' : (chosen.texts[0] as string)]),
        overridden: all.filter(({where}) => where !== chosen.where),
      };
    }
    case 'subsystem': {
      const named = new Map<string | undefined, SettingValue>();
      for (const value of all) if (!named.has(firstWord(value.value))) named.set(firstWord(value.value), value);
      return {values: [...named.values()], overridden: all.filter(value => ![...named.values()].includes(value))};
    }
    case 'blocks':
      return {
        values: placed(last, [last.texts[0]?.includes(':') ? (last.texts[0] as string) : `${last.texts[0]}:128`]),
        overridden: all.slice(0, -1),
      };
    case 'listen': {
      const values = lines.flatMap(line =>
        placed(
          line,
          line.texts.flatMap(text => withPorts(text, settings)),
        ),
      );
      return {values, overridden: []};
    }
    default: {
      if (keyword.counts === 'all') return {values: all, overridden: []};
      const chosen = takesFirst(keyword, build) ? first : last;
      return {
        values: placed(chosen, chosen.texts),
        overridden: lines.filter(line => line !== chosen).flatMap(line => placed(line, line.texts)),
      };
    }
  }
}

function takesFirst({counts}: Keyword, {version}: SshdBuild): boolean {
  return typeof counts === 'object' ? isSince(counts.firstSince, version) : counts !== 'last';
}

/** `MaxStartups 10` alone keeps the rate of the line before it, or 30. */
function combineStartups(keyword: Keyword, lines: SshdSetting[], build: SshdBuild): Values {
  const used = takesFirst(keyword, build) ? lines.slice(0, 1) : lines;
  let rate = '30';
  let value: SettingValue | null = null;
  for (const {texts, where, origin} of used) {
    const [begin = '', given, full] = (texts[0] as string).split(':');
    rate = given ?? rate;
    value = {value: `${begin}:${rate}:${full ?? begin}`, where, origin};
  }
  const overridden = lines
    .flatMap(({texts, where, origin}) => texts.map(text => ({value: text, where, origin})))
    .filter(({where}) => where !== value?.where);
  return {values: value === null ? [] : [value], overridden};
}

/** Each ListenAddress with its port, or with every Port when it names none. Names of hosts stay names. */
function withPorts(address: string, settings: SshdSetting[]): string[] {
  const ports = settings.filter(({keyword}) => keyword.value.kind === 'port').flatMap(({texts}) => texts);
  const [host = '', ...more] = address.split(' ');
  const tail = more.length > 0 ? ` ${more.join(' ')}` : '';
  const bare = !host.startsWith('[') && host.split(':').length > 2;
  const found = bare ? null : /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(host);
  if (found !== null) return [host + tail];
  const shown = bare ? `[${host}]` : host;
  return (ports.length > 0 ? ports : ['22']).map(port => `${shown}:${port}${tail}`);
}
