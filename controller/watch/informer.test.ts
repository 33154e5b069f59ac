// The informer against a server with all kinds of failures, and against streams cut at any byte.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { FaultServer, sendJson } from '../../test/support/fault-server.ts';
import { until } from '../../test/support/until.ts';
import { ApiClient } from './api-client.ts';
import { Informer } from './informer.ts';
import type { InformerProblem, InformerTimes, RawChange } from './informer.ts';
import { WATCHED_KINDS } from './kinds.ts';
import type { RawObject } from './kinds.ts';

const TIMES: InformerTimes = { backoff: { minimum: 5, maximum: 20 }, stale: 60_000, watch: 60_000 };
const SERVICES = WATCHED_KINDS.find(({ name }) => name === 'Service')!;

function service(name: string, resourceVersion: string): RawObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'ns', name, uid: name, resourceVersion }, spec: { ports: [] } };
}

function event(type: string, object: RawObject): string {
  return `${JSON.stringify({ type, object })}\n`;
}

function sendList(response: ServerResponse, items: readonly RawObject[], resourceVersion: string, next = ''): void {
  sendJson(response, 200, { items, metadata: { resourceVersion, ...(next === '' ? {} : { continue: next }) } });
}

const isWatch = (url: URL) => url.searchParams.get('watch') === 'true';

let server: FaultServer;
let client: ApiClient;
let informer: Informer | null = null;

/** The calls of an informer as short words, and a way to wait for a word. */
class Words {
  readonly all: string[] = [];
  #waiting: { word: string; resolve: () => void }[] = [];

  say(word: string): void {
    this.all.push(word);
    for (const { resolve } of this.#waiting.filter((waiting) => waiting.word === word)) resolve();
    this.#waiting = this.#waiting.filter((waiting) => waiting.word !== word);
  }

  /** Resolves once the word has occurred. */
  until(word: string): Promise<void> {
    if (this.all.includes(word)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ word, resolve }));
  }
}

function start(times: InformerTimes = TIMES): Words {
  const words = new Words();
  informer = new Informer(
    SERVICES,
    client,
    {
      changed: (changes: readonly RawChange[]) =>
        changes.forEach(({ type, name, relevant }) => words.say(`${type} ${name}${relevant ? '' : ' again'}`)),
      synced: () => words.say('synced'),
      problem: (problem: InformerProblem | null) => words.say(`problem ${problem?.type ?? 'solved'}`),
      began: (what) => words.say(what),
    },
    times,
  );
  informer.start();
  return words;
}

beforeEach(async () => {
  server = new FaultServer();
  client = new ApiClient(await server.start());
});

afterEach(async () => {
  await informer?.stop();
  informer = null;
  await client.close();
  await server.stop();
});

describe('Informer', () => {
  test('lists page by page, then watches from the version of the list', async () => {
    const queries: string[] = [];
    server.answer((url, response) => {
      queries.push(url.search);
      if (isWatch(url)) response.write(event('ADDED', service('c', '8')));
      else if (url.searchParams.has('continue')) sendList(response, [service('b', '6')], '7');
      else sendList(response, [service('a', '5')], '7', 'page2');
    });
    const words = start();
    await words.until('upsert c');
    expect(words.all).toEqual(['list', 'upsert a', 'upsert b', 'synced', 'watch', 'upsert c']);
    expect(queries[0]).toContain('limit=500');
    expect(queries[1]).toContain('continue=page2');
    expect(queries[2]).toContain('resourceVersion=7');
    expect(queries[2]).toContain('allowWatchBookmarks=true');
  });

  test('starts the list again if its continue token has expired', async () => {
    let pages = 0;
    server.answer((url, response) => {
      if (isWatch(url)) return void response.writeHead(200).flushHeaders();
      pages++;
      if (pages === 2) sendJson(response, 410, { code: 410, message: 'the continue token is too old' });
      else if (pages === 1) sendList(response, [service('a', '1'), service('b', '2')], '3', 'more');
      else sendList(response, [service('b', '2')], '9');
    });
    const words = start();
    await words.until('synced');
    expect(words.all).toEqual(['list', 'upsert a', 'upsert b', 'list', 'upsert b again', 'delete a', 'synced']);
  });

  test.each([
    ['an ERROR event', (response: ServerResponse) => response.write(event('ERROR', { code: 410, message: 'too old resource version' }))],
    ['status 410', (response: ServerResponse) => sendJson(response, 410, { code: 410 })],
  ])('lists again after %s and reports deleted objects', async (_name, fail) => {
    let lists = 0;
    let watches = 0;
    server.answer((url, response) => {
      if (!isWatch(url)) {
        lists++;
        return sendList(
          response,
          lists === 1 ? [service('a', '1'), service('b', '2')] : [service('a', '4'), service('c', '5')],
          String(lists * 10),
        );
      }
      watches++;
      if (watches === 1) return fail(response);
      expect(url.searchParams.get('resourceVersion')).toBe('20');
      return response.write(event('MODIFIED', service('c', '21')));
    });
    const words = start();
    await words.until('delete b');
    await words.until('watch');
    expect(words.all.slice(0, 10)).toEqual([
      'list',
      'upsert a',
      'upsert b',
      'synced',
      'watch',
      'list',
      'upsert a',
      'upsert c',
      'delete b',
      'watch',
    ]);
  });

  test('resumes from the last version seen when the server hangs up in the middle of a line', async () => {
    const versions: (string | null)[] = [];
    server.answer((url, response) => {
      if (!isWatch(url)) return sendList(response, [], '1');
      versions.push(url.searchParams.get('resourceVersion'));
      if (versions.length > 1) return void response.write(event('ADDED', service('b', '3')));
      const half = event('ADDED', service('b', '3')).slice(0, 40);
      response.write(event('ADDED', service('a', '2')) + half, () => setImmediate(() => response.destroy()));
    });
    const words = start();
    await words.until('upsert b');
    expect(versions).toEqual(['1', '2']);
    expect(words.all).toEqual(['list', 'synced', 'watch', 'upsert a', 'watch', 'upsert b']);
  });

  test('a bookmark updates the version', async () => {
    const versions: (string | null)[] = [];
    server.answer((url, response) => {
      if (!isWatch(url)) return sendList(response, [], '1');
      versions.push(url.searchParams.get('resourceVersion'));
      if (versions.length === 1) response.end(event('BOOKMARK', { kind: 'Service', metadata: { resourceVersion: '50' } }));
      else response.write(event('ADDED', service('a', '51')));
    });
    await start().until('upsert a');
    expect(versions).toEqual(['1', '50']);
  });

  test('closes a silent stream', async () => {
    let watches = 0;
    server.answer((url, response) => {
      if (!isWatch(url)) return sendList(response, [], '1');
      watches++;
      response.writeHead(200).flushHeaders();
      if (watches === 2) response.write(event('ADDED', service('a', '2')));
    });
    await start({ ...TIMES, stale: 50 }).until('upsert a');
    expect(watches).toBe(2);
  });

  test('continues after every kind of error, and reports a lasting one once', async () => {
    let lists = 0;
    server.answer((url, response) => {
      if (isWatch(url)) return void response.writeHead(200).flushHeaders();
      lists++;
      if (lists <= 2) response.destroy();
      else if (lists <= 5) sendJson(response, 500, { message: 'etcd has no leader' });
      else if (lists === 6) response.writeHead(200).end('{"items": [');
      else sendList(response, [service('a', '1')], '1');
    });
    const words = start();
    await words.until('watch');
    expect(words.all.filter((word) => word !== 'list')).toEqual([
      'problem failing',
      'problem failing',
      'upsert a',
      'problem solved',
      'synced',
      'watch',
    ]);
  });

  test('reports a missing right, and is not synced without it', async () => {
    let allowed = false;
    server.answer((url, response) => {
      if (isWatch(url)) return void response.writeHead(200).flushHeaders();
      if (allowed) sendList(response, [], '1');
      else sendJson(response, 403, { message: 'services is forbidden' });
    });
    const words = start();
    await words.until('problem forbidden');
    expect(words.all).not.toContain('synced');
    allowed = true;
    await words.until('synced');
    expect(words.all).toContain('problem solved');
  });

  test('a missing right to watch stays a problem although lists work', async () => {
    let allowed = false;
    let lists = 0;
    server.answer((url, response) => {
      if (!isWatch(url)) return sendList(response, [service('a', String(++lists))], String(lists));
      if (allowed) return void response.write(event('ADDED', service('b', '100')));
      sendJson(response, 403, { message: 'services is forbidden' });
    });
    const words = start();
    await until(() => lists > 3);
    expect(words.all.filter((word) => word.startsWith('problem'))).toEqual(['problem forbidden']);
    allowed = true;
    await words.until('upsert b');
    expect(words.all.filter((word) => word.startsWith('problem'))).toEqual(['problem forbidden', 'problem solved']);
  });

  test('is synced if the kind is not installed, and finds it after its installation', async () => {
    let installed = false;
    server.answer((url, response) => {
      if (!installed) return sendJson(response, 404, 'page not found');
      if (isWatch(url)) return void response.writeHead(200).flushHeaders();
      sendList(response, [service('a', '1')], '1');
    });
    const words = start();
    await words.until('synced');
    expect(words.all.filter((word) => word.startsWith('problem'))).toEqual(['problem absent']);
    installed = true;
    await words.until('upsert a');
    await words.until('problem solved');
  });

  test('a kind that is removed during a watch is absent, and its objects are deleted', async () => {
    let installed = true;
    server.answer((url, response) => {
      // An API server answers with text, not JSON.
      if (!installed) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
      if (!isWatch(url)) return sendList(response, [service('a', '1')], '1');
      installed = false;
      response.writeHead(200).end();
    });
    const words = start({ ...TIMES, absent: 50 });
    await words.until('delete a');
    expect(words.all.filter((word) => /^(problem|delete)/.test(word))).toEqual(['problem absent', 'delete a']);
  });

  test('reads events that are split at any byte', async () => {
    const text = event('ADDED', service('ä', '2')) + event('DELETED', service('ä', '3'));
    const bytes = Buffer.from(text);
    let cut = 0;
    server.answer((url, response) => {
      if (!isWatch(url)) return sendList(response, [], '1');
      cut++;
      if (cut >= bytes.length) return void response.end(event('ADDED', service('end', '4')));
      response.write(bytes.subarray(0, cut), () => setImmediate(() => response.end(bytes.subarray(cut))));
    });
    const words = start({ ...TIMES, backoff: { minimum: 0, maximum: 0 } });
    await words.until('upsert end');
    const told = words.all.filter((word) => word.includes('ä'));
    expect(told).toEqual(Array.from({ length: bytes.length - 1 }, () => ['upsert ä', 'delete ä']).flat());
  });
});
