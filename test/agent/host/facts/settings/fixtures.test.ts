import test from 'ava';
import {settingFormats} from '../../../../../policies/facts/setting.ts';
import {answerFixture, settingFixtures} from '../../../../helpers/settings/fixture.ts';

const fixtures = settingFixtures();

for (const fixture of fixtures) {
  test(`collectSetting() answers test/fixtures/settings/${fixture.name}`, async t => {
    t.true(fixture.questions.length > 0);
    t.is(await answerFixture(fixture), fixture.answers);
  });
}

test('every format has a fixture', t => {
  const covered = new Set(fixtures.map(({name}) => name.split(/_|\.txt$/)[0]));
  t.deepEqual(
    settingFormats.filter(format => !covered.has(format)),
    [],
  );
});
