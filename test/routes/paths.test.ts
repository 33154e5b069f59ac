// Paths in routes, in any spelling, with paths of clients: over both protocols and in weir explain.
import { expect, test } from '@jest/globals';
import { closeAfterEach, get, openClient, openUpstream } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { ok } from '../support/raw-upstream.ts';
import { explainedRule, openRoutes, routeObjects } from './routes.ts';

closeAfterEach();

const CAFE = ['/caf%c3%a9', '/caf%C3%A9', '/%63af%C3%a9'];

test.each([
  ['RegularExpression', '/caf%c3%a9', CAFE],
  ['RegularExpression', '/caf(é|e)', CAFE],
  ['RegularExpression', '/(?:caf%C3%A9|%7euser)', ['/~user', '/%7Euser', ...CAFE]],
  ['RegularExpression', '/a b', ['/a%20b']],
  ['RegularExpression', '/a%2fb', ['/a%2Fb', '/a%2fb']],
  ['RegularExpression', 'template:/users/{id}/caf%c3%a9', ['/users/7/caf%c3%a9', '/users/%7E/caf%C3%A9']],
  ['RegularExpression', 'template:/users/{id}/*', ['/users/7', '/users/7/', '/users/7/a/b']],
  ['RegularExpression', 'template:/{file}.json', ['/a.json', '/a.b.json']],
  ['Exact', '/caf%c3%a9', CAFE],
  ['PathPrefix', '/caf%c3%a9', CAFE.map((path) => `${path}/x`)],
])('%s %s', async (type, value, paths) => {
  const [met, missed] = [await openUpstream(ok('met')), await openUpstream(ok('missed'))];
  const rules = [{ port: missed.port }, { port: met.port, matches: [{ path: { type, value } }] }];
  const { port } = await openRoutes(rules);
  const [client, session] = [await openClient(port), openSession(port)];
  for (const path of paths) {
    expect((await client.ask(get(path))).body).toBe('met');
    expect((await request(session, { ':path': path })).body.toString()).toBe('met');
    expect(explainedRule(routeObjects(rules), `http://a${path}`, 'GET', [])).toBe(1);
  }
  expect((await client.ask(get('/cafe2'))).body).toBe('missed');
});
