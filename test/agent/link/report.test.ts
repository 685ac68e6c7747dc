import test from 'ava';
import {linkWorld} from '../../helpers/link-world.ts';
import {sha256} from '../../helpers/stub-agent.ts';
import {eventually} from '../../helpers/waiting.ts';

test('a step that the agent records reaches the controller, once, and is confirmed to the agent', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  startLink();
  agent.step('a', 'b');
  await eventually(() => controller.position?.n === 2, 'both steps are stored');
  agent.step('c');
  await eventually(() => controller.position?.n === 3, 'the third is stored');
  t.deepEqual(controller.applied, ['1:1 a', '1:2 b', '1:3 c']);
  const status = await agent.said.find(message => message.t === 'status' && message.acknowledged?.n === 3);
  t.like(status, {connected: true, problem: null, spool: {batches: 0, bytes: 0}, degraded: false});
  t.deepEqual(agent.refused, []);
  t.deepEqual(controller.problems, []);
});

test('a host enrols with a token and says hello on the same connection', async t => {
  const {agent, controller, startLink} = await linkWorld(t);
  controller.tokens = ['good'];
  agent.enrol = {place: controller.place, token: 'good'};
  startLink();
  agent.step('a');
  await eventually(() => controller.position?.n === 1, 'the step is stored');
  t.is(controller.peers.all.length, 1);
  t.is(agent.id, controller.agent as string);
});

test('a token that the controller refuses is told to the agent once, and not shown again', async t => {
  const {agent, controller, startLink} = await linkWorld(t);
  agent.enrol = {place: controller.place, token: 'bad'};
  startLink();
  const failed = await agent.said.find(({t}) => t === 'enrolFailed');
  t.like(failed, {code: 'UNAUTHENTICATED'});
  t.is(controller.peers.all.length, 1);
});

test('what was spooled while the controller was away arrives when it is back, in order', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  const {port} = controller;
  await controller.close();
  startLink();
  agent.batchSteps = 1;
  agent.step('a', 'b', 'c');
  await agent.said.find(message => message.t === 'next' && message.after?.n === 3);
  await agent.said.find(message => message.t === 'status' && message.problem?.code === 'TCP_REFUSED');
  await controller.listen(port);
  await eventually(() => controller.position?.n === 3, 'all three are stored');
  t.deepEqual(controller.applied, ['1:1 a', '1:2 b', '1:3 c']);
});

test('the rules document is sent when the controller lacks it, and once', async t => {
  const {agent, controller, enrol, startLink} = await linkWorld(t);
  enrol();
  agent.rules = Buffer.from('{"v":1}');
  const digest = sha256(agent.rules);
  controller.welcome = {want: [digest, digest]};
  startLink();
  await controller.peers.count(1);
  const peer = controller.peers.all[0];
  const document = await peer?.next('document');
  t.like(document?.b, {kind: 'rules', digest, bytes: 7});
  t.is(agent.said.all.filter(({t}) => t === 'wantDocument').length, 1);
});
