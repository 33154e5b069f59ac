import { afterEach, describe, expect, test } from '@jest/globals';
import { err, ok, type Result } from '#lib/result.ts';
import type { DocumentHandle, LoadedDocument } from '../exchange/outside.ts';
import type { ExchangeTrace } from '../exchange/tracing.ts';
import { until } from '../../test/support/until.ts';
import { DOCUMENT_TIMES, DocumentStore, type DocumentTimes } from './documents.ts';

const QUICK: DocumentTimes = { ...DOCUMENT_TIMES, usual: 5, minimum: 5, retry: { minimum: 1, maximum: 2 } };

let store: DocumentStore;
let loads = 0;
let now = 0;

function open(next: () => string | null, times: DocumentTimes = DOCUMENT_TIMES): DocumentHandle<string> {
  loads = 0;
  store = new DocumentStore(times, () => now);
  return again(next);
}

function again(next: () => string | null, key = 'a'): DocumentHandle<string> {
  const load = async (): Promise<Result<LoadedDocument<string>>> => {
    loads++;
    const value = await Promise.resolve(next());
    return value === null ? err('is away') : ok({ value, digest: value, maxAge: null });
  };
  return store.open({ key, load });
}

function traceOf(traceId: string): ExchangeTrace {
  return { traceId, spanId: '', sampled: true, call: () => null };
}

afterEach(() => store.close());

test('a document is loaded without a request', async () => {
  const handle = open(() => 'one');
  expect(handle.value).toBeNull();
  await until(() => handle.value === 'one', 'the value');
});

test('requests share a load that is under way', async () => {
  const handle = open(() => 'one');
  await Promise.all([handle.refresh(), handle.refresh(), handle.refresh()]);
  expect([handle.value, loads]).toEqual(['one', 1]);
});

test('the trace of the request that begins a load goes with it, and those of others do not', async () => {
  const [first, second] = [traceOf('a'), traceOf('b')];
  const traces: unknown[] = [];
  store = new DocumentStore({ ...DOCUMENT_TIMES, least: 0 }, () => now);
  const load = (trace: unknown): Promise<Result<LoadedDocument<string>>> => {
    traces.push(trace);
    return Promise.resolve(err('is away'));
  };
  const handle = store.open({ key: 'a', load });
  await handle.refresh();
  await Promise.all([handle.refresh(first), handle.refresh(second)]);
  expect(traces).toEqual([null, first]);
});

test('requests cause at most one load in the least time', async () => {
  const handle = open(() => 'one');
  for (let i = 0; i < 20; i++) await handle.refresh();
  expect(loads).toBe(1);
  now += DOCUMENT_TIMES.least;
  await Promise.all([handle.refresh(), handle.refresh()]);
  expect(loads).toBe(2);
});

test('a value changes without a request, and listeners learn each change once', async () => {
  let value = 'one';
  let changes = 0;
  const handle = open(() => value, QUICK);
  handle.onChange(() => changes++);
  await until(() => loads > 3, 'some loads');
  expect(changes).toBe(1);
  value = 'two';
  await until(() => handle.value === 'two', 'the new value');
  expect(changes).toBe(2);
});

describe('while the source is away', () => {
  test('the last value stays for a day, and the source is asked again and again', async () => {
    let value: string | null = 'one';
    const handle = open(() => value, QUICK);
    await handle.refresh();
    value = null;
    const before = loads;
    await until(() => loads > before + 3 && handle.problem === 'is away', 'more attempts');
    now += 600_000;
    expect(handle.value).toBe('one');
    now += DOCUMENT_TIMES.stale;
    expect(handle.value).toBeNull();
    value = 'two';
    await until(() => handle.value === 'two', 'the new value');
    expect(handle.problem).toBe('');
  });
});

describe('the documents of a worker', () => {
  test('are the same for equal keys', async () => {
    const handle = open(() => 'one');
    await handle.refresh();
    expect(again(() => 'two').value).toBe('one');
    expect(again(() => 'two', 'b').value).toBeNull();
  });

  test('outlive their users', async () => {
    const handle = open(() => 'one');
    await handle.refresh();
    handle.close();
    handle.close();
    expect(again(() => 'two').value).toBe('one');
  });

  test('are forgotten if many others came later', async () => {
    const handle = open(() => 'one');
    await handle.refresh();
    handle.close();
    for (let i = 0; i < 64; i++) again(() => 'other', `other ${i}`).close();
    expect(again(() => 'two').value).toBeNull();
  });
});
