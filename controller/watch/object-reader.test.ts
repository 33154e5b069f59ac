// The reader of objects on demand, here of Secrets, against a server that is slow, silent, ahead of the watch or behind it, or refuses. The test plays the watch.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { FaultServer, sendJson } from '../../test/support/fault-server.ts';
import { until } from '../../test/support/until.ts';
import { ApiClient } from './api-client.ts';
import type { Change } from './event.ts';
import { WATCHED_KINDS } from './kinds.ts';
import { ObjectReader } from './object-reader.ts';
import type { ReaderTimes } from './object-reader.ts';

const SECRET = WATCHED_KINDS.find(({ name }) => name === 'Secret')!;
const BACKOFF = { minimum: 5, maximum: 20 };
const PATIENT: ReaderTimes = { backoff: BACKOFF, patience: 60_000 };
const IMPATIENT: ReaderTimes = { backoff: BACKOFF, patience: 20 };

function send(response: ServerResponse, name: string, resourceVersion: string, type = 'kubernetes.io/tls'): void {
  const data = { 'tls.crt': resourceVersion, 'tls.key': 'k', 'ca.crt': 'a', other: 'x' };
  sendJson(response, 200, { apiVersion: 'v1', kind: 'Secret', type, metadata: { name, namespace: 'ns', resourceVersion }, data });
}

const refuse = (response: ServerResponse, status: number) => sendJson(response, status, { message: `no: ${status}` });

const nameOf = (url: URL) => url.pathname.slice(url.pathname.lastIndexOf('/') + 1);

/** A reader, its watch, and its reported changes. */
class Rig {
  readonly #server: FaultServer;
  readonly #versions = new Map<string, string>();
  readonly reader: ObjectReader;
  /** `cert 7` for the data of version 7, `-cert` for a deletion, `cert unreadable: reason`. */
  readonly told: string[] = [];
  readonly changes: Change[] = [];
  readonly problems: string[] = [];
  /** The names of all reads, and the reads that wait for `answer`. */
  readonly asked: string[] = [];
  readonly open: { readonly name: string; readonly response: ServerResponse }[] = [];

  constructor(server: FaultServer, client: ApiClient, times: ReaderTimes) {
    this.#server = server;
    this.reader = new ObjectReader({
      client,
      kind: 'Secret',
      project: SECRET.project,
      versionOf: (_, name) => this.#versions.get(name),
      changed: (change) => this.#changed(change),
      problem: (problem) => void this.problems.push(problem?.type ?? 'solved'),
      times,
    });
    this.hold();
  }

  #changed(change: Change): void {
    this.changes.push(change);
    if (change.type === 'delete') this.told.push(`-${change.ref.name}`);
    else if (change.type === 'unreadable') this.told.push(`${change.ref.name} unreadable: ${change.reason}`);
    else if (change.type === 'upsert')
      this.told.push(`${change.object.metadata.name} ${(change.object as unknown as { data: Record<string, string> }).data['tls.crt']}`);
  }

  /** Later reads wait. */
  hold(): void {
    this.#server.answer((url, response) => {
      this.asked.push(nameOf(url));
      this.open.push({ name: nameOf(url), response });
    });
  }

  /** Sets the answer to later reads. */
  answer(answer: (response: ServerResponse, name: string) => void): void {
    this.#server.answer((url, response) => {
      this.asked.push(nameOf(url));
      answer(response, nameOf(url));
    });
  }

  /** The oldest waiting read, or the one of this name, as soon as there is one. */
  async next(name = ''): Promise<{ readonly name: string; readonly response: ServerResponse }> {
    const isMeant = (read: { readonly name: string }) => name === '' || read.name === name;
    await until(() => this.open.some(isMeant), 'a read');
    return this.open.splice(this.open.findIndex(isMeant), 1)[0]!;
  }

  /** Answers a waiting read. */
  async give(version: string, name = ''): Promise<void> {
    const read = await this.next(name);
    send(read.response, read.name, version);
  }

  /** An event of the watch: a version, or '' for a deletion. */
  watch(name: string, version: string): void {
    if (version === '') this.#versions.delete(name);
    else this.#versions.set(name, version);
    this.reader.noticed([{ type: version === '' ? 'delete' : 'upsert', namespace: 'ns', name, object: null, relevant: true }]);
  }

  /** Follows these Secrets only. */
  follow(...names: string[]): Promise<void> | null {
    return this.reader.follow(new Set(names.map((name) => `Secret/ns/${name}`)));
  }
}

let server: FaultServer;
let client: ApiClient;
let rig: Rig;

function start(times = PATIENT): Rig {
  rig = new Rig(server, client, times);
  return rig;
}

beforeEach(async () => {
  server = new FaultServer();
  client = new ApiClient(await server.start());
});

afterEach(async () => {
  rig.reader.stop();
  await client.close();
  await server.stop();
});

describe('ObjectReader', () => {
  test('reads only the Secrets that it follows, and keeps their data', async () => {
    const { reader, told, changes, asked } = start();
    rig.answer((response, name) => send(response, name, '7', name === 'cert' ? 'kubernetes.io/tls' : 'Opaque'));
    for (const name of ['cert', 'ca', 'other']) rig.watch(name, '7');
    await rig.follow('cert', 'ca', 'absent');
    expect(told.toSorted()).toEqual(['ca 7', 'cert 7']);
    expect(asked.toSorted()).toEqual(['ca', 'cert']);
    const data = changes.map((change) => (change.type === 'upsert' ? (change.object as unknown as { data: object }).data : null));
    expect(data).toContainEqual({ 'tls.crt': '7', 'tls.key': 'k', 'ca.crt': 'a', other: 'x' });
    expect(rig.follow('cert', 'ca', 'absent')).toBeNull();
    expect(reader.hasStarted).toBe(true);
  });

  test('reads many at a time, but not all', async () => {
    const { open, told } = start();
    const names = Array.from({ length: 50 }, (_, i) => `s${i}`);
    for (const name of names) rig.watch(name, '1');
    const following = rig.follow(...names);
    await until(() => open.length === 16, 'sixteen reads');
    for (let i = 0; i < names.length; i++) {
      await rig.give('1');
      expect(open.length).toBeLessThanOrEqual(16);
    }
    await following;
    expect(told).toHaveLength(50);
  });

  test('waits for a Secret that appears after it was followed', async () => {
    const { told } = start();
    expect(rig.follow('cert')).toBeNull();
    rig.watch('cert', '7');
    const waiting = rig.follow('cert');
    expect(waiting).not.toBeNull();
    await rig.give('7', 'cert');
    await waiting;
    expect(told).toEqual(['cert 7']);
  });

  test('an answer ahead of the watch is not read again', async () => {
    const { told, asked } = start();
    rig.watch('cert', '7');
    const following = rig.follow('cert');
    await rig.give('8', 'cert');
    await following;
    rig.watch('cert', '8');
    rig.watch('cert', '9');
    await rig.give('9', 'cert');
    await until(() => told.length === 2);
    expect(told).toEqual(['cert 8', 'cert 9']);
    expect(asked).toHaveLength(2);
  });

  test('an answer behind the watch is used, and read again', async () => {
    const { told } = start();
    rig.watch('cert', '7');
    const following = rig.follow('cert');
    const { response } = await rig.next();
    rig.watch('cert', '8');
    send(response, 'cert', '7');
    await following;
    await rig.give('8', 'cert');
    await until(() => told.length === 2);
    expect(told).toEqual(['cert 7', 'cert 8']);
  });

  test('a Secret deleted before its read does not exist; one in use stays until the watch reports its deletion', async () => {
    const { told } = start();
    rig.answer((response) => refuse(response, 404));
    rig.watch('cert', '7');
    await rig.follow('cert');
    expect(told).toEqual([]);
    expect(rig.follow('cert')).toBeNull();
    rig.answer((response) => send(response, 'cert', '8'));
    rig.watch('cert', '8');
    await rig.follow('cert');
    rig.answer((response) => refuse(response, 404));
    rig.watch('cert', '9');
    await until(() => rig.asked.length === 3);
    expect(told).toEqual(['cert 8']);
    rig.watch('cert', '');
    expect(told).toEqual(['cert 8', '-cert']);
  });

  test('data read before a deletion is not used for the new Secret of the name', async () => {
    const { told } = start();
    rig.watch('cert', '7');
    const following = rig.follow('cert');
    const old = await rig.next();
    rig.watch('cert', '');
    rig.watch('cert', '9');
    await following;
    const waiting = rig.follow('cert');
    send(old.response, 'cert', '7');
    await rig.give('9', 'cert');
    await waiting;
    expect(told).toEqual(['cert 9']);
  });

  test('forgets a Secret that is no longer followed, and ignores its late answer', async () => {
    const { told, asked } = start();
    rig.watch('a', '1');
    rig.watch('b', '1');
    const following = rig.follow('a', 'b');
    await rig.give('1', 'a');
    await until(() => told.length === 1);
    const late = await rig.next('b');
    expect(rig.follow()).toBeNull();
    await following;
    send(late.response, 'b', '1');
    rig.watch('a', '2');
    const again = rig.follow('b');
    await rig.give('1', 'b');
    await again;
    expect(told).toEqual(['a 1', '-a', 'b 1']);
    expect(asked.toSorted()).toEqual(['a', 'b', 'b']);
  });
});

describe('without the right to get', () => {
  test('the start waits for the right', async () => {
    const { told, problems, asked, reader } = start(IMPATIENT);
    rig.answer((response) => refuse(response, 403));
    rig.watch('cert', '7');
    const following = rig.follow('cert');
    await until(() => asked.length > 3);
    expect([told, reader.hasStarted, problems]).toEqual([[], false, ['forbidden']]);
    rig.answer((response, name) => send(response, name, '7'));
    await following;
    expect([told, reader.hasStarted, problems]).toEqual([['cert 7'], true, ['forbidden', 'solved']]);
  });

  test('for one of several Secrets, the start continues without it', async () => {
    const { told } = start(IMPATIENT);
    rig.answer((response, name) => (name === 'cert' ? send(response, name, '7') : refuse(response, 403)));
    rig.watch('cert', '7');
    rig.watch('foreign', '7');
    await rig.follow('cert', 'foreign');
    expect(told.toSorted()).toEqual(['cert 7', 'foreign unreadable: the controller may not get secrets']);
  });

  test('known Secrets stay in use and new ones are unreadable at once, until the right is back', async () => {
    const { told, problems } = start();
    rig.answer((response, name) => send(response, name, '7'));
    rig.watch('cert', '7');
    await rig.follow('cert');
    rig.answer((response) => refuse(response, 403));
    rig.watch('cert', '8');
    rig.watch('new', '8');
    await rig.follow('cert', 'new');
    expect(told).toEqual(['cert 7', 'new unreadable: the controller may not get secrets']);
    await until(() => problems.at(-1) === 'forbidden');
    rig.answer((response, name) => send(response, name, '8'));
    await until(() => problems.at(-1) === 'solved');
    expect(told.slice(2).toSorted()).toEqual(['cert 8', 'new 8']);
  });
});

describe('a server that does not answer', () => {
  test('delays the start only for a limited time; a late answer is used', async () => {
    const { told } = start(IMPATIENT);
    expect(rig.follow()).toBeNull();
    rig.watch('cert', '7');
    await rig.follow('cert');
    expect(told).toEqual(['cert unreadable: the API server has not answered yet']);
    expect(rig.follow('cert')).toBeNull();
    await rig.give('7', 'cert');
    await until(() => told.length === 2);
    expect(told[1]).toBe('cert 7');
  });

  test('is asked again after a failure; repeated failures are reported', async () => {
    const { told, problems } = start();
    expect(rig.follow()).toBeNull();
    rig.answer((response) => response.destroy());
    rig.watch('cert', '7');
    const following = rig.follow('cert');
    await until(() => problems.length > 0);
    expect(problems).toEqual(['failing']);
    rig.answer((response, name) => send(response, name, '7'));
    await following;
    expect([told, problems.at(-1)]).toEqual([['cert 7'], 'solved']);
  });

  test('an unreadable Secret that is deleted does not exist', async () => {
    const { told } = start(IMPATIENT);
    expect(rig.follow()).toBeNull();
    rig.watch('cert', '7');
    await rig.follow('cert');
    rig.watch('cert', '');
    expect(told.at(-1)).toBe('-cert');
  });
});

test('a wait ends with stop', async () => {
  const { told } = start();
  rig.watch('cert', '7');
  const following = rig.follow('cert');
  rig.reader.stop();
  await following;
  expect(told).toEqual([]);
});
