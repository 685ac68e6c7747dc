import {lookup} from 'node:dns/promises';
import {isIP, type Socket} from 'node:net';
import type {TLSSocket} from 'node:tls';
import type {Static} from 'typebox';
import * as Type from 'typebox';
import {decodeMessage} from '../../../controller/protocol/codec.ts';
import {limits} from '../../../controller/protocol/limits.ts';
import {fromController} from '../../../controller/protocol/messages.ts';
import {controllerPlace, fromLink} from '../../ipc/link-messages.ts';
import {connectMs} from '../connection/dial.ts';
import {openTunnel} from '../connection/proxy.ts';
import {authority, connectTcp, type Endpoint, endpointOf} from '../connection/tcp.ts';
import {pinOf, startTls} from '../connection/tls.ts';
import {upgrade} from '../connection/upgrade.ts';
import {LinkProblem, type ProblemCode} from '../problem.ts';
import {cures} from './cures.ts';

export const steps = ['dns', 'tcp', 'proxy', 'tls', 'pin', 'upgrade', 'protocol', 'clock', 'hello'] as const;

/**
 * One step of the way to the controller. `ok` is null when it could not be looked at, or there was nothing to look at.
 * `cure` is null when nothing is wrong.
 */
export type StepResult = {
  step: (typeof steps)[number];
  ok: boolean | null;
  found: string;
  wanted: string;
  cure: string | null;
};

/** What is asked: the place, and what the running link last said of itself, where that is known. */
export const diagnoseRequest = Type.Object({
  place: controllerPlace,
  link: Type.Optional(Type.Union([fromLink.status, Type.Null()])),
});
export type DiagnoseRequest = Static<typeof diagnoseRequest>;

/** A clock that is further off makes times in findings misleading. */
const maxSkewMs = 5_000;

/**
 * Goes the way of a connection step by step, and says what it found at each. Nothing is sent but what any stranger may
 * send: no key, no token, no name of the host. So what the controller thinks of this host comes from the running link.
 */
export async function* diagnose({place, link = null}: DiagnoseRequest): AsyncGenerator<StepResult> {
  const done = new Set<string>();
  let socket: Socket | null = null;
  try {
    for await (const {result, opened} of connectionSteps(place)) {
      socket = opened ?? socket;
      done.add(result.step);
      yield result;
      if (result.ok === false) break;
    }
  } finally {
    socket?.destroy();
  }
  for (const step of steps)
    if (!done.has(step) && step !== 'hello')
      yield {step, ok: null, found: 'not looked at: a step before it failed', wanted: '', cure: null};
  yield helloStep(link);
}

/** Whoever reads them stops at the first that is not well. */
type Step = {result: StepResult; opened?: Socket};
const good = (step: StepResult['step'], found: string, wanted: string): StepResult => ({
  step,
  ok: true,
  found,
  wanted,
  cure: null,
});
const bad = (step: StepResult['step'], code: ProblemCode, found: string, wanted: string): StepResult => ({
  step,
  ok: false,
  found,
  wanted,
  cure: cures[code] ?? null,
});

async function* connectionSteps(place: DiagnoseRequest['place']): AsyncGenerator<Step> {
  const controller = endpointOf(place.url);
  const first = place.proxy === null ? controller : endpointOf(place.proxy);
  yield {result: await nameStep(first)};

  const wantedTcp = `a connection to ${place.proxy === null ? 'the controller' : 'the proxy'} at ${authority(first)}`;
  const socket = await attempt('tcp', wantedTcp, () => connectTcp(first, connectMs));
  if ('ok' in socket) return yield {result: socket};
  yield {result: good('tcp', 'connected', wantedTcp), opened: socket.value};

  if (place.proxy !== null) {
    const wanted = `a tunnel to ${authority(controller)}`;
    const tunnel = await attempt('proxy', wanted, () => openTunnel(socket.value, controller, connectMs));
    if ('ok' in tunnel) return yield {result: tunnel};
    yield {result: good('proxy', 'the proxy made a tunnel', wanted)};
  } else yield {result: {step: 'proxy', ok: null, found: 'none is configured', wanted: '', cure: null}};

  const tls = await attempt('tls', 'TLS 1.3', () => startTls(socket.value, controller.host, connectMs));
  if ('ok' in tls) return yield {result: tls};
  yield {result: good('tls', tls.value.getProtocol() ?? '', 'TLS 1.3'), opened: tls.value};

  yield {result: pinStep(tls.value, place.pins)};
  const ws = await attempt('upgrade', 'a controller of reeve', () => upgrade(place.url, tls.value, limits.handshakeMs));
  if ('ok' in ws) return yield {result: ws};
  yield {result: good('upgrade', 'it speaks reeve.v1', 'a controller of reeve')};

  const heard = await firstFrame(ws.value);
  const wall = Date.now();
  ws.value.terminate();
  const challenge = heard === null ? null : decodeMessage(fromController, heard);
  if (challenge === null || !challenge.ok || challenge.value.t !== 'challenge') {
    const found = challenge === null ? 'nothing' : challenge.ok ? `"${challenge.value.t}"` : challenge.reason;
    return yield {result: bad('protocol', challenge === null ? 'SILENT' : 'PROTOCOL', found, 'a challenge')};
  }
  const {fleet, time} = challenge.value.b;
  const wantedFleet = `fleet ${place.fleet}`;
  if (fleet !== place.fleet) yield {result: bad('protocol', 'FLEET_MISMATCH', `fleet ${fleet}`, wantedFleet)};
  else yield {result: good('protocol', `fleet ${fleet}`, wantedFleet)};
  yield {result: clockStep(wall - Date.parse(time))};
}

async function attempt<T>(
  step: StepResult['step'],
  wanted: string,
  run: () => Promise<T>,
): Promise<{value: T} | StepResult> {
  try {
    return {value: await run()};
  } catch (error) {
    if (!(error instanceof LinkProblem)) throw error;
    return bad(step, error.code, error.message, wanted);
  }
}

async function nameStep({host}: Endpoint): Promise<StepResult> {
  if (isIP(host) !== 0) return {step: 'dns', ok: null, found: `${host} is an address`, wanted: '', cure: null};
  const wanted = `an address for "${host}"`;
  try {
    const found = await lookup(host, {all: true});
    return good('dns', found.map(({address}) => address).join(', '), wanted);
  } catch (error) {
    return bad('dns', 'NAME_UNRESOLVED', `none: ${(error as NodeJS.ErrnoException).code}`, wanted);
  }
}

function pinStep(socket: TLSSocket, pins: readonly string[]): StepResult {
  const found = pinOf(socket);
  const wanted = pins.join(' or ');
  return pins.includes(found) ? good('pin', found, wanted) : bad('pin', 'PIN_MISMATCH', found, wanted);
}

function clockStep(aheadMs: number): StepResult {
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  const found = `this host is ${seconds} s ${aheadMs < 0 ? 'behind' : 'ahead of'} the controller`;
  const wanted = `at most ${maxSkewMs / 1000} s apart`;
  if (Math.abs(aheadMs) <= maxSkewMs) return good('clock', found, wanted);
  const cure = 'set the clock of the one that is wrong: timedatectl set-ntp true';
  return {step: 'clock', ok: false, found, wanted, cure};
}

function helloStep(link: DiagnoseRequest['link']): StepResult {
  const wanted = 'the controller takes the hello of this host';
  const problem = link?.problem ?? null;
  if (link === null || link === undefined)
    return {step: 'hello', ok: null, found: 'the running link was not asked', wanted, cure: null};
  if (link.connected) return good('hello', `connected since ${link.since}`, wanted);
  if (problem === null) return {step: 'hello', ok: null, found: 'the link is connecting', wanted, cure: null};
  const cure = Object.hasOwn(cures, problem.code) ? (cures[problem.code as ProblemCode] ?? null) : null;
  return {step: 'hello', ok: false, found: `${problem.message} [${problem.code}]`, wanted, cure};
}

/** The first text frame, or null when none comes. */
function firstFrame(ws: Awaited<ReturnType<typeof upgrade>>): Promise<string | null> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(null), limits.helloMs);
    const settle = (text: string | null) => {
      clearTimeout(timer);
      resolve(text);
    };
    ws.on('error', () => {});
    ws.once('close', () => settle(null));
    ws.once('message', (data, isBinary) => settle(isBinary ? '' : data.toString()));
    ws.resume();
  });
}
