// A kind that is watched in several namespaces: one list and watch for each, reported as one.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FaultServer, sendJson } from '../../test/support/fault-server.ts';
import { until } from '../../test/support/until.ts';
import { ApiClient } from './api-client.ts';
import type { InformerProblem, InformerTimes } from './informer.ts';
import { Informers } from './informers.ts';
import { WATCHED_KINDS } from './kinds.ts';
import { describeProblem } from './trouble.ts';

const TIMES: InformerTimes = { backoff: { minimum: 5, maximum: 20 }, stale: 60_000, watch: 60_000 };
const kindOf = (name: string) => WATCHED_KINDS.find((kind) => kind.name === name)!;

let server: FaultServer;
let client: ApiClient;
let informers: Informers | null = null;

beforeEach(async () => {
  server = new FaultServer();
  client = new ApiClient(await server.start());
});

afterEach(async () => {
  await informers?.stop();
  informers = null;
  await client.close();
  await server.stop();
});

/** The reports, and the requested paths. */
function start(kind: string, namespaces: readonly string[], refused: readonly string[] = []) {
  const told = { names: [] as string[], synced: 0, problems: [] as (InformerProblem | null)[] };
  const asked = new Set<string>();
  server.answer((url, response) => {
    const place = `${url.pathname} ${url.searchParams.get('fieldSelector') ?? ''}`.trim();
    asked.add(place);
    if (refused.some((part) => place.includes(part))) return sendJson(response, 403, { message: 'forbidden' });
    if (url.searchParams.get('watch') === 'true') return void response.writeHead(200).flushHeaders();
    const namespace = /namespaces\/([^/]+)\//.exec(url.pathname)?.[1] ?? '';
    sendJson(response, 200, { items: [{ metadata: { namespace, name: 'a', resourceVersion: '1' } }], metadata: { resourceVersion: '1' } });
  });
  const listener = {
    changed: (changes: readonly { readonly namespace: string; readonly name: string }[]) =>
      void told.names.push(...changes.map(({ namespace, name }) => `${namespace}/${name}`)),
    synced: () => void (told.synced += 1),
    problem: (problem: InformerProblem | null) => void told.problems.push(problem),
    began: () => undefined,
  };
  informers = new Informers(kindOf(kind), namespaces, client, listener, TIMES);
  informers.start();
  return { told, asked };
}

describe('Informers', () => {
  test('watch the whole cluster without namespaces', async () => {
    const { told, asked } = start('Service', []);
    await until(() => told.synced === 1, 'sync');
    expect([...asked]).toEqual(['/api/v1/services']);
  });

  test('watch each namespace separately, and are synced when all are', async () => {
    const { told, asked } = start('Service', ['shop', 'blog']);
    await until(() => told.synced === 1, 'sync');
    expect([...asked].sort()).toEqual(['/api/v1/namespaces/blog/services', '/api/v1/namespaces/shop/services']);
    expect(told.names.toSorted()).toEqual(['blog/a', 'shop/a']);
    expect(informers?.size).toBe(2);
    expect(informers?.fingerprintOf('blog', 'a')).toBeDefined();
    expect(informers?.fingerprintOf('other', 'a')).toBeUndefined();
  });

  test('watch only the given Namespaces, each by its name', async () => {
    const { told, asked } = start('Namespace', ['shop', 'blog']);
    await until(() => told.synced === 1, 'sync');
    expect([...asked].sort()).toEqual(['/api/v1/namespaces metadata.name=blog', '/api/v1/namespaces metadata.name=shop']);
  });

  test('watch all objects of other cluster-scoped kinds', async () => {
    const { told, asked } = start('GatewayClass', ['shop']);
    await until(() => told.synced === 1, 'sync');
    expect([...asked]).toEqual(['/apis/gateway.networking.k8s.io/v1/gatewayclasses']);
  });

  test('name the namespace of a missing right, and watch the others', async () => {
    const { told } = start('Service', ['shop', 'blog'], ['/blog/']);
    await until(() => told.problems.length > 0 && told.names.length > 0, 'a problem');
    expect(told.problems).toEqual([{ type: 'forbidden', verb: 'list', namespace: 'blog' }]);
    expect(told.names).toEqual(['shop/a']);
    expect(told.synced).toBe(0);
    const { api, install } = kindOf('Service');
    expect(describeProblem(api, install, told.problems[0]!)).toBe(
      'the controller may not list services in namespace blog: its Role there lacks the rule {"apiGroups":[""],"resources":["services"],"verbs":["list","watch"]}',
    );
  });
});
