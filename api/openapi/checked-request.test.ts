// Requests held to documents.
import { describe, expect, test } from '@jest/globals';
import { err, ok, type Result } from '#lib/result.ts';
import { RequestCheck, Validators, type MessageFault } from './checked-request.ts';
import { readDocument } from './document.ts';

interface Asked {
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly type?: string;
}

function parseJson(body: Buffer): Result<unknown> {
  try {
    return ok(JSON.parse(body.toString()));
  } catch {
    return err('is not JSON');
  }
}

/** A check of the only operation of a document with these members. */
function checkOf(
  operation: object,
  { version = '3.1.0', template = '/a', components = {} } = {},
): (asked: Asked) => readonly MessageFault[] | string {
  const read = readDocument(JSON.stringify({ openapi: version, paths: { [template]: { post: operation } }, components }));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const check = new RequestCheck(read.value.operations[0] as never, {
    document: read.value,
    validators: new Validators(read.value),
    parseJson,
  });
  return ({ path = '/a', query = '', headers = {}, body = '', type = 'application/json' }) => {
    const variables = read.value.find(path)?.variables ?? new Map<string, string>();
    const faults = check.checkHead({ query, variables, header: (name) => headers[name] ?? null });
    const wanted = check.body(type, body !== '');
    if (typeof wanted === 'string') return wanted;
    return [...faults, ...(wanted === null ? [] : wanted.check(Buffer.from(body)))];
  };
}

function jsonBody(schema: unknown, options: object = {}): (value: unknown) => readonly string[] {
  const check = checkOf({ requestBody: { content: { 'application/json': { schema } } } }, options);
  return (value) =>
    (check({ body: JSON.stringify(value) }) as readonly MessageFault[]).map(({ pointer = '', reason }) => `${pointer} ${reason}`);
}

describe('a body', () => {
  test('has all its faults named', () => {
    const check = jsonBody({
      type: 'object',
      required: ['name', 'age'],
      properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
      additionalProperties: false,
    });
    expect(check({ name: 'a', age: 1 })).toEqual([]);
    expect(check({ age: -1, x: 1 })).toEqual(['/name is required', '/x is not in the document', '/age must be >= 0']);
    expect(check({ name: 1, age: 1.5 })).toEqual(['/name must be string', '/age must be integer']);
  });

  test('is checked by schemas that refer to each other', () => {
    const components = {
      schemas: {
        Node: {
          type: 'object',
          properties: { next: { $ref: '#/components/schemas/Node' }, value: { type: 'integer' }, $ref: { type: 'integer' } },
        },
      },
    };
    const check = jsonBody({ $ref: '#/components/schemas/Node' }, { components });
    expect(check({ next: { next: { value: 'a' } }, $ref: 'b' })).toEqual(['/next/next/value must be integer', '/$ref must be integer']);
  });

  test('of a document 3.0 may be null, and has bounds that exclude', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'string', nullable: true }, b: { type: 'number', minimum: 1, exclusiveMinimum: true } },
    };
    const check = jsonBody(schema, { version: '3.0.3' });
    expect(check({ a: null, b: 1.5 })).toEqual([]);
    expect(check({ a: 1, b: 1 })).toEqual(['/a must be string,null', '/b must be > 1']);
  });

  test('needs no property that is only read', () => {
    const check = jsonBody({ type: 'object', required: ['id', 'a'], properties: { id: { type: 'string', readOnly: true }, a: {} } });
    expect(check({})).toEqual(['/a is required']);
  });

  test('is held to formats and patterns', () => {
    const check = jsonBody({
      type: 'object',
      properties: {
        d: { format: 'date' },
        t: { format: 'date-time' },
        e: { format: 'email' },
        p: { pattern: '^\\d+$' },
        n: { format: 'int32' },
        x: { format: 'own' },
      },
    });
    expect(check({ d: '2024-02-29', t: '2024-02-29T12:00:00Z', e: 'a@b.c', p: '12', n: 1, x: 'y' })).toEqual([]);
    expect(check({ d: '2023-02-29', t: 'x', e: '@', p: '1a', n: 2 ** 31 })).toHaveLength(5);
  });

  test('may have several patterns, each of which counts for its own value', () => {
    const text = (pattern: string): object => ({ type: 'string', pattern });
    const check = jsonBody({
      properties: { a: text('^a$'), b: text('^b$') },
      patternProperties: { '^x': { const: 1 }, '^y': { const: 2 } },
    });
    expect(check({ a: 'a', b: 'b', x: 1, y: 2 })).toEqual([]);
    const wrong = ['/a must match pattern "^a$"', '/b must match pattern "^b$"', '/x must be 1', '/y must be 2'];
    expect([...check({ a: 'b', b: 'a', x: 2, y: 1 })].sort()).toEqual(wrong);
  });

  test('has unique items, found in linear time', () => {
    const check = jsonBody({ type: 'array', uniqueItems: true });
    expect(
      check([
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ]),
    ).toEqual([' must not have equal items']);
    expect(check(Array.from({ length: 100_000 }, (_, i) => ({ i })))).toEqual([]);
  });

  test('is given up where a schema needs endless time', () => {
    const branch = { type: 'object', properties: { x: { $ref: '#/components/schemas/E' } } };
    const components = {
      schemas: {
        E: { anyOf: [branch, branch] },
        S: { $ref: '#/components/schemas/S' },
      },
    };
    let value: unknown = 1;
    for (let depth = 0; depth < 40; depth++) value = { x: value };
    const check = jsonBody({ $ref: '#/components/schemas/E' }, { components });
    expect(check(value)).toEqual([' is too complex to be checked']);
    expect(jsonBody({ $ref: '#/components/schemas/S' }, { components })(1)).toEqual([' is too complex to be checked']);
    expect(check({ l: 1 })).toEqual([]);
  });

  test('with a hostile pattern takes linear time', () => {
    const check = jsonBody({ type: 'string', pattern: '^(a+)+$' });
    expect(check(`${'a'.repeat(10_000)}!`)).toHaveLength(1);
  });

  test('with many faults has the first one', () => {
    const check = jsonBody({ type: 'array', items: { type: 'integer' } });
    expect(check(Array.from({ length: 20_000 }, () => 'a'))).toEqual(['/0 must be integer']);
  });

  test('is a form', () => {
    const schema = {
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'integer' }, b: { type: 'array', items: { type: 'boolean' } } },
    };
    const check = checkOf({ requestBody: { content: { 'application/x-www-form-urlencoded': { schema } } } });
    const type = 'application/x-www-form-urlencoded; charset=utf-8';
    expect(check({ body: 'a=1&b=true&b=false', type })).toEqual([]);
    expect(check({ body: 'a=x&b=maybe', type })).toEqual([
      { in: 'body', pointer: '/a', reason: 'must be integer' },
      { in: 'body', pointer: '/b/0', reason: 'must be boolean' },
    ]);
    expect(check({ body: '%ff=1&a=%ff', type })).toEqual([{ in: 'body', reason: 'is not percent-encoded UTF-8' }]);
  });

  test('has a media type of the document, or is missing', () => {
    const check = checkOf({
      requestBody: { required: true, content: { 'application/*': {}, 'text/plain': { schema: { maxLength: 1 } } } },
    });
    expect(check({ body: 'x', type: 'image/png' })).toBe('media type');
    expect(check({})).toBe('required');
    expect(check({ body: 'x', type: 'application/pdf' })).toEqual([]);
    expect(check({ body: 'xy', type: 'text/plain' })).toEqual([{ in: 'body', reason: 'must NOT have more than 1 characters' }]);
  });
});

describe('a parameter', () => {
  /** The faults of one parameter, given so. */
  function parameter(described: object, asked: Asked, template = '/a'): readonly string[] {
    const faults = checkOf({ parameters: [{ name: 'p', ...described }] }, { template })(asked) as readonly MessageFault[];
    return faults.map(({ in: place, name = '', pointer = '', reason }) => `${place} ${name}${pointer} ${reason}`);
  }
  const integers = { type: 'array', items: { type: 'integer' } };
  const object = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'string' } }, required: ['a'] };

  test.each([
    ['form', { in: 'query', schema: integers }, 'p=1&p=2'],
    ['form in one text', { in: 'query', schema: integers, explode: false }, 'p=1,2'],
    ['spaces', { in: 'query', schema: integers, style: 'spaceDelimited', explode: false }, 'p=1%202'],
    ['pipes', { in: 'query', schema: integers, style: 'pipeDelimited', explode: false }, 'p=1%7C2'],
    ['members', { in: 'query', schema: object }, 'a=1&b=x'],
    ['members in one text', { in: 'query', schema: object, explode: false }, 'p=a,1,b,x'],
    ['a deep object', { in: 'query', schema: object, style: 'deepObject' }, 'p%5Ba%5D=1&p[b]=x'],
    ['JSON', { in: 'query', content: { 'application/json': { schema: object } } }, 'p=%7B%22a%22:1%7D'],
    ['an own number', { in: 'query', schema: { type: 'number' } }, 'p=1.5'],
    ['nothing', { in: 'query', schema: { type: 'number' } }, ''],
  ])('in the query as %s', (_, described, query) => {
    expect(parameter(described, { query })).toEqual([]);
    if (query !== '') expect(parameter(described, { query: query.replace(/1/g, 'z') })).not.toEqual([]);
  });

  test.each([
    ['', integers, '1,2'],
    ['label', integers, '.1,2'],
    ['matrix', integers, ';p=1,2'],
    ['', object, 'a,1,b,x%2C'],
    ['', { type: 'integer' }, '1'],
  ])('in the path with style %s', (style, schema, text) => {
    const described = { in: 'path', required: true, schema, ...(style === '' ? {} : { style }) };
    expect(parameter(described, { path: `/a/${text}` }, '/a/{p}')).toEqual([]);
    expect(parameter(described, { path: `/a/${text.replace('1', 'z')}` }, '/a/{p}')).not.toEqual([]);
  });

  test('is given once, unless it is a list', () => {
    expect(parameter({ in: 'query', schema: { type: 'integer' } }, { query: 'p=1&p=2' })).toEqual(['query p is given more than once']);
  });

  test('is required', () => {
    expect(parameter({ in: 'query', required: true }, {})).toEqual(['query p is required']);
    expect(parameter({ in: 'header', name: 'X-P', required: true }, {})).toEqual(['header x-p is required']);
    expect(parameter({ in: 'cookie', required: true }, { headers: { cookie: 'q=1' } })).toEqual(['cookie p is required']);
  });

  test('in headers and cookies has types', () => {
    expect(parameter({ in: 'header', schema: integers }, { headers: { p: '1, 2' } })).toEqual([]);
    expect(parameter({ in: 'cookie', schema: { type: 'integer' } }, { headers: { cookie: 'a=b; p=x' } })).toEqual([
      'cookie p must be integer',
    ]);
  });

  test('that is not UTF-8 is refused', () => {
    expect(parameter({ in: 'query', schema: { type: 'string' } }, { query: 'p=%ff' })).toEqual(['query p is not percent-encoded UTF-8']);
  });

  test('is no number in another notation', () => {
    for (const text of ['0x10', '1e', '', '+1', '%201'])
      expect(parameter({ in: 'query', schema: { type: 'integer' } }, { query: `p=${text}` })).toHaveLength(1);
  });
});
