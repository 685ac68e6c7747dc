import type {Static} from 'typebox';
import * as Type from 'typebox';
import {parseJson} from '../../../controller/protocol/codec.ts';
import {uuid} from '../../../controller/protocol/messages.ts';
import {hasShape} from '../../../controller/protocol/shape.ts';
import {ReeveError} from '../../errors.ts';
import {controllerPlace} from '../../ipc/link-messages.ts';
import {readPrivate, writeWhole} from '../atomic-file.ts';
import {forgetHostKey, type HostKey, loadHostKey, makeHostKey, promoteHostKey, readHostKey} from './host-key.ts';

const maxFileBytes = 64 * 1024;
const {url, pins, fleet} = controllerPlace.properties;

/** Where this host belongs, under which id, and with which key (base64 of the raw public one). */
const enrolmentFile = Type.Object(
  {v: Type.Literal(1), url, pins, fleet, agent: uuid, publicKey: Type.String({pattern: '^[A-Za-z0-9+/]{43}=$'})},
  {additionalProperties: false},
);
export type Enrolment = Omit<Static<typeof enrolmentFile>, 'v' | 'publicKey'>;

/**
 * The key of this host and where it is enrolled, in `<state>/host.key` and `<state>/enrolment.json`. A new place with a
 * new key is one step: the enrolment names its key, and the key waits in `host.key.next` until the enrolment is written;
 * `open` finishes what a crash between the two left.
 */
export class Identity {
  readonly #directory: string;
  readonly #uid: number;
  #key: HostKey;
  #enrolment: Enrolment | null;

  private constructor(directory: string, uid: number, key: HostKey, enrolment: Enrolment | null) {
    this.#directory = directory;
    this.#uid = uid;
    this.#key = key;
    this.#enrolment = enrolment;
  }

  /** Throws `REEVE_STATE_UNUSABLE` when a file is not ours alone or cannot be right. */
  static open(directory: string, uid: number): Identity {
    const file = read(directory, uid);
    if (file === null) return new Identity(directory, uid, loadHostKey(keyPath(directory), uid), null);
    const {v: _, publicKey, ...enrolment} = file;
    const current = readHostKey(keyPath(directory), uid);
    if (current !== null && isOf(current, publicKey)) return new Identity(directory, uid, current, enrolment);
    const next = readHostKey(nextPath(directory), uid);
    if (next === null || !isOf(next, publicKey))
      throw unusable(
        enrolmentPath(directory),
        'its key is not the one in host.key; remove it and enrol this host anew',
      );
    promoteHostKey(nextPath(directory), keyPath(directory));
    return new Identity(directory, uid, next, enrolment);
  }

  get key(): HostKey {
    return this.#key;
  }

  get enrolment(): Enrolment | null {
    return this.#enrolment;
  }

  /** The key to enrol with: ours, or a new one that takes its place only when the controller took it. */
  keyToEnrol(replace: boolean): HostKey {
    if (!replace) return this.#key;
    return readHostKey(nextPath(this.#directory), this.#uid) ?? makeHostKey(nextPath(this.#directory));
  }

  /** The controller took this key under this id. On disk when it returns. */
  enrol(enrolment: Enrolment, key: HostKey): void {
    const file = {v: 1, ...enrolment, publicKey: key.public.toString('base64')};
    writeWhole(enrolmentPath(this.#directory), `${JSON.stringify(file, null, 2)}\n`, 0o600);
    if (key === this.#key) forgetHostKey(nextPath(this.#directory));
    else promoteHostKey(nextPath(this.#directory), keyPath(this.#directory));
    this.#key = key;
    this.#enrolment = enrolment;
  }
}

const keyPath = (directory: string) => `${directory}/host.key`;
const nextPath = (directory: string) => `${directory}/host.key.next`;
const enrolmentPath = (directory: string) => `${directory}/enrolment.json`;
const isOf = (key: HostKey, publicKey: string) => key.public.toString('base64') === publicKey;

function read(directory: string, uid: number): Static<typeof enrolmentFile> | null {
  const text = readPrivate(enrolmentPath(directory), uid, maxFileBytes);
  if (text === null) return null;
  const value = parseJson(text);
  if (hasShape(enrolmentFile, value)) return value;
  throw unusable(enrolmentPath(directory), 'it is damaged; remove it and enrol this host anew');
}

const unusable = (path: string, reason: string) =>
  new ReeveError('REEVE_STATE_UNUSABLE', `cannot use "${path}": ${reason}`);
