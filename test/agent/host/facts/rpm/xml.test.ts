import test from 'ava';
import {XmlError, XmlReader} from '../../../../../agent/host/facts/rpm/xml.ts';
import {mutated, seeded} from '../../../../helpers/random.ts';

/** What a reader tells its handler, as lines; in pieces of `size` characters. */
function events(text: string, size = text.length || 1): string[] {
  const lines: string[] = [];
  const reader = new XmlReader({
    open: (name, attributes, depth) => {
      const shown = [...attributes()].map(([key, value]) => ` ${key}=${value}`).join('');
      lines.push(`${'.'.repeat(depth)}${name}${shown}`);
      return true;
    },
    close: (name, content, depth) => lines.push(`${'.'.repeat(depth)}/${name} ${content.trim()}`.trimEnd()),
  });
  for (let at = 0; at < text.length; at += size) reader.write(text.slice(at, at + size));
  reader.end();
  return lines;
}

const sample = `<?xml version="1.0" encoding="UTF-8"?>
<!-- a > b -->
<updates xmlns:rpm="http://x">
  <update type='security' from="a&amp;b &lt;c&gt;"><id>A&#45;&#x31; &quot;&apos;</id><x y="1>2"/></update><t><![CDATA[<raw> & ]]>end</t>
</updates>
`;
const expected = [
  '.updates xmlns:rpm=http://x',
  '..update type=security from=a&b <c>',
  '...id',
  '.../id A-1 "\'',
  '...x y=1>2',
  '.../x',
  '../update',
  '..t',
  '../t <raw> & end',
  './updates',
];

test('XmlReader reads elements, attributes, text, CDATA, comments and the five entities', t => {
  t.deepEqual(events(sample), expected);
});

test('XmlReader reads the same however the text is cut into pieces', t => {
  for (let size = 1; size < 40; size++) t.deepEqual(events(sample, size), expected, `pieces of ${size}`);
});

const refused: Array<[title: string, text: string, reason: RegExp]> = [
  ['a document type, and with it entities that grow', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', /document type/],
  ['an entity of its own', '<a>&b;</a>', /entity/],
  ['an ampersand alone', '<a>a & b</a>', /entity/],
  ['a character past Unicode', '<a>&#x110000;</a>', /entity/],
  ['elements closed in the wrong order', '<a><b></a></b>', /"a" is closed where "b" is open/],
  ['an element closed that was never opened', '</a>', /"a" is closed where "nothing" is open/],
  ['two roots', '<a></a><b></b>', /more than one root/],
  ['text beside the root', '<a></a>text', /too early|outside/],
  ['text before the root', 'text<a></a>', /outside/],
  ['an end that comes too early', '<a><b></b>', /too early/],
  ['nothing at all', '', /too early/],
  ['an attribute given twice', '<a b="1" b="2"></a>', /twice/],
  ['an attribute without quotes', '<a b=1></a>', /broken attributes/],
  ['a tag without a name', '<a>< b></a>', /without a name/],
  ['another encoding', '<?xml version="1.0" encoding="UTF-16"?><a></a>', /UTF-8/],
  ['a processing instruction', '<a><?php ?></a>', /processing instruction/],
  ['nesting without end', '<a>'.repeat(100), /too deeply/],
  ['a tag that never ends', `<a b="${'x'.repeat(2_000_000)}`, /too long/],
  ['a text that never ends', `<a>${'x'.repeat(2_000_000)}`, /too long/],
  ['a text in a million pieces', `<a>${'x<!---->'.repeat(1_100_000)}</a>`, /too long/],
];
for (const [title, text, reason] of refused) {
  test(`XmlReader refuses ${title}`, t => {
    const error = t.throws(() => events(text, 65_536), {instanceOf: XmlError});
    t.regex(error?.message ?? '', reason);
  });
}

test('XmlReader answers each of 5,000 damaged texts with events or an XmlError', t => {
  const below = seeded(3);
  let wrong = 0;
  for (let round = 0; round < 5000; round++) {
    try {
      events(mutated(Buffer.from(sample), below).toString('latin1'), 1 + below(50));
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      wrong++;
    }
  }
  t.true(wrong > 1000 && wrong < 5000);
});
