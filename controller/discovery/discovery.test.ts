// The discovery with a source that the test answers for.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Faults } from '#lib/faults.ts';
import type { Endpoint } from '#api/ir/ir.ts';
import { until } from '../../test/support/until.ts';
import type { Change } from '../watch/event.ts';
import type { FoundEndpoints, SourceTrouble, WantedEndpoints } from '../watch/found.ts';
import { Discovery } from './discovery.ts';
import type { EndpointSource, Lookup } from './source.ts';

const OWNER = 'Backend/default/db';
const AWAY: SourceTrouble = { reason: 'Unreachable', message: 'it is away' };

function endpoint(address: string): Endpoint {
  return { address, port: 80, draining: false };
}

function question(settings: unknown, secrets: WantedEndpoints['secrets'] = {}): WantedEndpoints {
  return { owner: OWNER, source: 'fake', settings, secrets };
}

/** One call of the source; the test ends it. */
interface Call {
  readonly lookup: Lookup<unknown>;
  readonly end: (trouble: SourceTrouble | null) => void;
  readonly fail: (error: Error) => void;
}

let calls: Call[];
let told: FoundEndpoints[];
let logged: string[];
let discovery: Discovery;

const source: EndpointSource = {
  name: 'fake',
  follow(lookup) {
    const { promise, resolve, reject } = Promise.withResolvers<SourceTrouble | null>();
    lookup.signal.addEventListener('abort', () => resolve(null), { once: true });
    calls.push({ lookup, end: resolve, fail: reject });
    return promise;
  },
};

function want(...questions: readonly WantedEndpoints[]): Promise<void> | null {
  return discovery.want({ FoundEndpoints: new Map(questions.map((each) => [each.owner, each])) });
}

beforeEach(async () => {
  calls = [];
  told = [];
  logged = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push((JSON.parse(line) as { msg: string }).msg) });
  const times = { backoff: { minimum: 1, maximum: 2 }, patience: 20 };
  discovery = new Discovery({ sources: [source], log, faults: new Faults(log), times });
  const changed = (changes: readonly Change[]) => {
    for (const change of changes) if (change.type === 'found' && change.found !== null) told.push(change.found);
  };
  await discovery.start({ changed, synced: () => undefined, problems: () => undefined });
});

afterEach(() => discovery.stop());

describe('a discovery', () => {
  test('lets a batch wait for the first answer', async () => {
    const waiting = want(question('a'));
    calls[0]?.lookup.found([endpoint('10.0.0.2'), endpoint('10.0.0.1')]);
    await waiting;
    expect(told).toEqual([{ endpoints: [endpoint('10.0.0.1'), endpoint('10.0.0.2')], trouble: null }]);
    expect(want(question('a'))).toBeNull();
  });

  test('does not let a batch wait for a source that is away', async () => {
    await want(question('a'));
    expect(told).toEqual([]);
    expect(discovery.states()).toMatchObject([{ owner: OWNER, source: 'fake', endpoints: null, trouble: null }]);
  });

  test('keeps the last answer during a trouble, asks again, and logs each cause once', async () => {
    void want(question('a'));
    calls[0]?.lookup.found([endpoint('10.0.0.1')]);
    calls[0]?.end(AWAY);
    await until(() => calls.length === 2, 'the second attempt');
    calls[1]?.end(AWAY);
    await until(() => calls.length === 3, 'the third attempt');
    expect(told.at(-1)).toEqual({ endpoints: [endpoint('10.0.0.1')], trouble: AWAY });
    expect(discovery.failures()).toEqual([{ source: 'fake', reason: 'Unreachable', count: 2 }]);
    calls[2]?.lookup.found([endpoint('10.0.0.1')]);
    expect(told.at(-1)).toEqual({ endpoints: [endpoint('10.0.0.1')], trouble: null });
    expect(logged).toEqual([
      'a source of endpoints does not answer; its last answer stays in use',
      'the source of endpoints answers again',
    ]);
  });

  test('reports nothing if the answer is the same', () => {
    void want(question('a'));
    calls[0]?.lookup.found([endpoint('10.0.0.1')]);
    calls[0]?.lookup.found([endpoint('10.0.0.1')]);
    expect(told).toHaveLength(1);
  });

  test('asks a changed question anew, and keeps the answer to the former one until there is another', () => {
    void want(question('a'));
    calls[0]?.lookup.found([endpoint('10.0.0.1')]);
    void want(question('b'));
    expect(calls.map(({ lookup }) => [lookup.settings, lookup.signal.aborted])).toEqual([
      ['a', true],
      ['b', false],
    ]);
    calls[0]?.lookup.found([endpoint('10.0.0.9')]);
    expect(discovery.states()).toMatchObject([{ endpoints: [endpoint('10.0.0.1')] }]);
    calls[1]?.lookup.found([endpoint('10.0.0.2')]);
    expect(discovery.states()).toMatchObject([{ endpoints: [endpoint('10.0.0.2')] }]);
  });

  test('asks anew with a changed Secret, and goes on with the former one while it cannot be read', () => {
    void want(question('a', { token: { value: '1' } }));
    void want(question('a', null));
    expect(calls[0]?.lookup.signal.aborted).toBe(false);
    void want(question('a', { token: { value: '2' } }));
    expect(calls.map(({ lookup }) => lookup.secrets)).toEqual([{ token: { value: '1' } }, { token: { value: '2' } }]);
  });

  test('ends a question that nothing asks any more', async () => {
    const ended: (FoundEndpoints | null)[] = [];
    await discovery.start({
      changed: (changes) => ended.push(...changes.flatMap((change) => (change.type === 'found' ? [change.found] : []))),
      synced: () => undefined,
      problems: () => undefined,
    });
    void want(question('a'));
    void want();
    expect(calls[0]?.lookup.signal.aborted).toBe(true);
    expect(ended).toEqual([null]);
    expect(discovery.states()).toEqual([]);
  });

  test('survives a bug of a source, which it reports, and asks again', async () => {
    void want(question('a'));
    calls[0]?.fail(new Error('a bug'));
    await until(() => calls.length === 2, 'the second attempt');
    expect(discovery.troubles().get(OWNER)?.reason).toBe('Bug');
    expect(logged[0]).toContain('a bug ended');
  });
});
