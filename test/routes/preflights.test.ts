// CORS preflights with rules that differ by method or header: answered by the rule of the announced request, or refused, over both
// protocols and in weir explain.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, openClient, openUpstream } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { header } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { explained, openRoutes, routeObjects } from './routes.ts';
import type { TestRule } from './routes.ts';

closeAfterEach();

const ORIGIN = 'https://page.example';

/** A CORS filter, recognised by its method. */
function cors(method: string, fields: Readonly<Record<string, unknown>> = {}): unknown {
  return { type: 'CORS', cors: { allowOrigins: [ORIGIN], allowMethods: [method], allowHeaders: ['x-tenant'], ...fields } };
}

type Rule = Omit<TestRule, 'port'>;

/**
 * The outcome of a preflight: the allowed methods, `refused`, or `passed on` to a backend. HTTP/1.1, HTTP/2 and explain have to agree.
 */
async function outcome(rules: readonly Rule[], method: string, headers = '', more: readonly string[] = []): Promise<string> {
  const upstream = await openUpstream(ok('passed on'));
  const complete = rules.map((rule) => ({ ...rule, port: upstream.port }));
  const lines = [`Origin: ${ORIGIN}`, `Access-Control-Request-Method: ${method}`, `Access-Control-Request-Headers: ${headers}`, ...more];
  const { port } = await openRoutes(complete);
  const answer = await (await openClient(port)).ask(`OPTIONS / HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n`);
  const said = outcomeOf(answer.body, header(answer, ALLOWED));
  const fields = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]));
  const second = await request(openSession(port), { ...fields, ':method': 'OPTIONS' });
  expect(outcomeOf(second.body.toString(), second.headers[ALLOWED] as string | undefined)).toBe(said);
  const { preflight } = explained(routeObjects(complete), 'http://a/', 'OPTIONS', lines);
  expect(preflight?.verdict).toBe(VERDICTS.get(said) ?? 'answered');
  return said;
}

const ALLOWED = 'access-control-allow-methods';
const VERDICTS = new Map([
  ['passed on', 'ordinary'],
  ['refused', 'refused'],
]);

function outcomeOf(body: string, allowed: string | undefined): string {
  return body === '' ? (allowed ?? 'refused') : body;
}

const forMethod = (method: string, filters: readonly unknown[] = []): Rule => ({ match: { method }, filters });
const forTenant = (value: string, filters: readonly unknown[] = []): Rule => ({
  match: { headers: [{ name: 'X-Tenant', value }] },
  filters,
});
const forAll = (filters: readonly unknown[] = []): Rule => ({ filters });

describe('by method', () => {
  test('the rule of the announced method answers', async () => {
    const rules = [forMethod('GET', [cors('GET')]), forMethod('PUT', [cors('PUT')]), forAll([cors('PATCH')])];
    expect(await outcome(rules, 'GET')).toBe('GET');
    expect(await outcome(rules, 'PUT')).toBe('PUT');
    expect(await outcome(rules, 'PATCH')).toBe('PATCH');
  });

  test('without a CORS filter the rule does not use that of another rule', async () => {
    expect(await outcome([forMethod('DELETE'), forAll([cors('DELETE')])], 'DELETE')).toBe('refused');
    expect(await outcome([forMethod('GET'), forMethod('OPTIONS', [cors('GET')])], 'GET')).toBe('refused');
    expect(await outcome([forMethod('OPTIONS', [cors('GET')])], 'GET')).toBe('refused');
  });

  test('it takes precedence over a rule for OPTIONS', async () => {
    expect(await outcome([forMethod('GET', [cors('GET')]), forMethod('OPTIONS')], 'GET')).toBe('GET');
  });

  test('without any CORS a preflight is an OPTIONS like any other', async () => {
    expect(await outcome([forMethod('GET'), forAll()], 'GET')).toBe('passed on');
    expect(await outcome([forAll()], 'GET')).toBe('passed on');
  });
});

describe('by headers, whose values a preflight does not have', () => {
  test('a rule for a header that is not announced is not used', async () => {
    expect(await outcome([forTenant('a', [cors('PUT')]), forAll([cors('GET')])], 'GET')).toBe('GET');
  });

  test('an announced header may match two rules: answered if their filters agree, refused if not', async () => {
    expect(await outcome([forTenant('a', [cors('GET')]), forAll([cors('GET')])], 'GET', 'x-other, X-Tenant')).toBe('GET');
    expect(await outcome([forTenant('a', [cors('GET')]), forAll([cors('PUT')])], 'GET', 'x-tenant')).toBe('refused');
    expect(await outcome([forTenant('a', [cors('GET')]), forAll()], 'GET', 'x-tenant')).toBe('refused');
    expect(await outcome([forTenant('a'), forAll([cors('GET')])], 'GET', 'x-tenant')).toBe('refused');
    expect(await outcome([forTenant('a', [cors('GET')]), forTenant('b', [cors('GET')])], 'GET', 'x-tenant')).toBe('GET');
  });

  test('headers that browsers add without an announcement may match or not', async () => {
    const rule = (name: string): Rule => ({ match: { headers: [{ name, value: 'a' }] }, filters: [cors('PUT')] });
    for (const name of ['Cookie', 'Authorization', 'Accept', 'Content-Type'])
      expect(await outcome([rule(name), forAll([cors('GET')])], 'GET')).toBe('refused');
  });

  test('headers of the preflight itself are matched by value', async () => {
    const agent: Rule = { match: { headers: [{ name: 'User-Agent', value: 'a' }] }, filters: [cors('PUT')] };
    const host: Rule = {
      match: {
        headers: [
          { name: 'Host', value: 'a' },
          { name: 'Origin', value: ORIGIN },
        ],
      },
      filters: [cors('PATCH')],
    };
    expect(await outcome([agent, forAll([cors('GET')])], 'GET', '', ['User-Agent: a'])).toBe('PUT');
    expect(await outcome([agent, forAll([cors('GET')])], 'GET', '', ['User-Agent: b'])).toBe('GET');
    expect(await outcome([host, forAll([cors('GET')])], 'GET')).toBe('PATCH');
  });

  test('the announcement is no header of the announced request', async () => {
    const asking: Rule = { match: { headers: [{ name: 'Access-Control-Request-Method', value: 'GET' }] }, filters: [cors('PUT')] };
    expect(await outcome([asking, forAll([cors('GET')])], 'GET')).toBe('GET');
  });
});

test('the query is that of the announced request, and other paths do not count', async () => {
  const rules = [
    { match: { queryParams: [{ name: 'a', value: 'b' }] }, filters: [cors('PUT')] },
    { path: '/other', filters: [cors('PATCH')] },
    forAll([cors('GET')]),
  ];
  expect(await outcome(rules, 'GET')).toBe('GET');
});

test('CORS of a backend answers', async () => {
  expect(await outcome([{ backendFilters: [cors('GET')] }], 'GET')).toBe('GET');
});
