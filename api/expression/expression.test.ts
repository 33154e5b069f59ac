import { describe, expect, test } from '@jest/globals';
import { compileExpression, type ExpressionResult } from './expression.ts';
import { ClientFacts, PrincipalFacts, RequestFacts, ResponseFacts, type Facts } from './facts.ts';

const facts: Facts = {
  request: new RequestFacts({
    method: 'GET',
    scheme: 'https',
    host: 'app.test',
    path: '/orders/42',
    query: 'q=a%20b&q=c&__proto__=x',
    headers: ['x-team', 'red', 'accept', 'text/html', 'accept', 'text/plain'],
    size: -1,
  }),
  client: new ClientFacts('10.1.2.3'),
  principal: new PrincipalFacts({
    id: 'alice',
    method: 'jwt',
    groups: ['customers', 'beta'],
    claims: JSON.parse('{"level":3,"roles":["admin"],"nested":{"a":"b"},"__proto__":{"admin":true}}') as Record<string, unknown>,
    consumer: 'default/alice',
    plan: 'gold',
  }),
  now: new Date('2026-05-04T10:30:00Z'),
};

function evaluate(source: string, result: ExpressionResult = 'bool', given: Facts = facts): unknown {
  const expression = compileExpression(source, { result });
  if (!expression.ok) throw new Error(expression.error);
  const value = expression.value.evaluate(given);
  return value.ok ? value.value : { error: value.error };
}

function refusal(source: string, result: ExpressionResult = 'bool'): string {
  const expression = compileExpression(source, { result });
  return expression.ok ? '' : expression.error;
}

describe('expressions read', () => {
  test.each([
    ['request.method == "GET" && request.scheme == "https"'],
    ['request.path.startsWith("/orders/") && request.host == "app.test"'],
    ['request.headers["x-team"] == "red"'],
    ['request.headers["accept"] == "text/html, text/plain"'],
    ['!("x-none" in request.headers)'],
    ['request.headers[?"x-none"].orValue("none") == "none"'],
    ['request.query["q"] == "a b" && request.query["__proto__"] == "x"'],
    ['request.size < 0'],
    ['client.address.inRange("10.0.0.0/8") && !client.address.inRange("fd00::/8") && client.version == 4'],
    ['"customers" in principal.groups && principal.plan == "gold"'],
    ['principal.claims.level >= 3 && "admin" in principal.claims.roles'],
    ['principal.claims.nested.a == "b"'],
    ['principal.groups.exists(g, g.startsWith("be"))'],
    ['now.getHours("Europe/Berlin") == 12 && now.getDayOfWeek() == 1'],
    ['request.path.matches("^/orders/[0-9]+$") && request.path.matches("ders")'],
    ['principal.groups.filter(g, g.matches("^b")).size() == 1'],
  ])('%s', (source) => {
    expect(evaluate(source)).toBe(true);
  });

  test('texts', () => {
    expect(evaluate('principal.id + "@" + request.host', 'string')).toBe('alice@app.test');
  });

  test('no principal as an empty one', () => {
    const nobody = { ...facts, principal: new PrincipalFacts(null) };
    expect(evaluate('principal.id == "" && principal.groups.size() == 0 && !has(principal.claims.sub)', 'bool', nobody)).toBe(true);
  });

  test('answers, where there is one', () => {
    const late = compileExpression('response.status >= 500', { result: 'bool', moment: 'response' });
    const answer = new ResponseFacts({ status: 503, headers: [] });
    expect(late.ok && late.value.evaluate({ ...facts, response: answer })).toEqual({ ok: true, value: true });
    expect(refusal('response.status >= 500')).toContain('response');
  });
});

describe('expressions have no value', () => {
  test.each([
    ['request.headers["x-none"] == "a"'],
    ['principal.claims.none == 1'],
    ['principal.claims.level + 1 == 4'],
    ['principal.claims.constructor == 1'],
    ['request.headers["toString"] == "a"'],
    ['principal.claims.level'],
    ['principal.claims.roles[7] == "a"'],
  ])('%s', (source) => {
    expect(evaluate(source)).toEqual({ error: expect.any(String) });
  });
});

describe('expressions are refused', () => {
  test.each([
    ['request.', 'is not valid'],
    ['request.methud == "GET"', 'methud'],
    ['user.name == "a"', 'user'],
    ['principal.id', 'must be true or false, and is of type string'],
    ['principal.id == 5', 'no such overload'],
    ['request.path.matches("(")', 'invalid pattern'],
    ['request.path.matches(request.host)', 'must be a text in quotes'],
    ['request.path.matches("(?=a)")', 'invalid pattern'],
    ['request.path.matchesPattern("a")', 'matchesPattern'],
    ['principal.groups.all(a, principal.groups.all(b, a == b))', 'loops cannot nest'],
    ['principal.groups.exists(a, [1].map(b, b).size() == 1)', 'loops cannot nest'],
    [`"${'a'.repeat(3_000)}" == ""`, 'at most 2048 characters'],
    [`${'('.repeat(40)}true${')'.repeat(40)} && ${'!'.repeat(60)}true`, 'is not valid'],
  ])('%s', (source, reason) => {
    expect(refusal(source)).toContain(reason);
  });

  test('by the type of their text', () => {
    expect(refusal('request.size > 1', 'string')).toBe('must be a text, and is of type bool');
  });
});

test('a pattern that is exponential elsewhere takes linear time', () => {
  const hostile = { ...facts, request: new RequestFacts({ ...REQUEST, path: `/${'a'.repeat(50_000)}!` }) };
  expect(evaluate('request.path.matches("^/(a+)+$")', 'bool', hostile)).toBe(false);
});

const REQUEST = { method: 'GET', scheme: 'http', host: 'a', path: '/', query: '', headers: [], size: 0 };
