// Any text is read as a document or refused with faults, and any request is held to any document: nothing throws, and the work has bounds.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { strictJson } from '../../proxy/filter/openapi/json.ts';
import { checkAnswer } from './checked-answer.ts';
import { RequestCheck, Validators, type BodyTools } from './checked-request.ts';
import { checkDocument, describeFault, readDocument, type Operation } from './document.ts';
import { mockAnswer, preferenceOf } from './mock.ts';

const TEXTS = 400;
const DOCUMENTS = 80;

/** Keywords with values that they may have; `isHostile`: also with others, and with names that documents may not have. */
function documents(isHostile: boolean): fc.Arbitrary<object> {
  const or = <T>(sane: readonly T[], hostile: readonly unknown[]): fc.Arbitrary<unknown> =>
    fc.constantFrom<unknown>(...sane, ...(isHostile ? hostile : []));
  const names = fc.constantFrom('a', 'b', 'id', '__proto__', 'constructor', 'a/b', 'a~b', '');
  const numbers = or([0, 1, 3, 1.5], [-5, NaN, '1', null, true]);
  const counts = or([0, 1, 3], [-5, 1.5, '1', null]);
  const limits = { maxDepth: 3, depthSize: 'small' } as const;
  const { schema } = fc.letrec<{ schema: unknown }>((tie) => {
    const inner = tie('schema');
    const map = fc.dictionary(names, inner, { maxKeys: 3 });
    const list = fc.array(inner, { minLength: isHostile ? 0 : 1, maxLength: 3 });
    const keywords = {
      $ref: or(['#/components/schemas/A', '#/components/schemas/B'], ['#', '#/paths', '#a', 'other.yaml', '#/%zz', 7]),
      type: or(['object', 'array', 'string', 'integer', 'number', 'boolean'], ['file', 5, []]),
      nullable: fc.boolean(),
      enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 3 }),
      pattern: or(['^a+$', '(a+)+$', '^[\\w-]{1,100}$', '(a|aa)*b', '\\p{L}+'], ['(?=a)', '\\1', '[', 9]),
      format: or(['date', 'uuid', 'int32', 'byte', 'unknown'], [3]),
      minimum: numbers,
      multipleOf: or([1, 2.5], [0, -1]),
      maxLength: counts,
      minItems: counts,
      uniqueItems: or([true, false], ['yes']),
      required: isHostile ? fc.oneof(fc.array(names), fc.boolean()) : fc.uniqueArray(names, { maxLength: 3 }),
      properties: map,
      patternProperties: fc.dictionary(or(['^a', '(a+)+$'], ['[']) as fc.Arbitrary<string>, inner, { maxKeys: 2 }),
      additionalProperties: inner,
      items: inner,
      prefixItems: list,
      allOf: list,
      anyOf: list,
      oneOf: list,
      not: inner,
      unevaluatedProperties: inner,
      readOnly: fc.boolean(),
      example: fc.jsonValue({ maxDepth: 2 }),
      ...(isHostile ? { $id: fc.constant('x') } : {}),
    };
    const some = fc
      .subarray(Object.entries<fc.Arbitrary<unknown>>(keywords), { minLength: 1, maxLength: 4 })
      .chain((chosen) => fc.record(Object.fromEntries(chosen)));
    return { schema: fc.oneof(limits, or([true, {}], [null, 'text', []]), some) };
  });
  const encoding = fc.dictionary(names, fc.record({ contentType: or(['text/*', 'image/png, */*'], [4]) }), { maxKeys: 2 });
  const types = fc.constantFrom('application/json', 'application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain', '*/*');
  const content = fc.dictionary(types, fc.record({ schema, encoding }), { maxKeys: 3 });
  const parameter = fc.record(
    {
      name: isHostile ? names : fc.constantFrom('a', 'b', '__proto__'),
      in: or(['query', 'header', 'cookie'], ['path', 'body']),
      required: fc.boolean(),
      explode: fc.boolean(),
      style: or([undefined], ['deepObject', 'label', 'pipeDelimited']),
      schema,
    },
    { requiredKeys: ['name', 'in'] },
  );
  const operation = fc.record({
    parameters: fc.array(parameter, { maxLength: 2 }),
    requestBody: fc.record({ required: fc.boolean(), content }),
    responses: fc.dictionary(or(['200', '4XX', 'default'], ['99']) as fc.Arbitrary<string>, fc.record({ content }), { maxKeys: 2 }),
  });
  const id = { name: 'id', in: 'path', required: true };
  const item = fc.record({
    parameters: fc.tuple(or(['simple', 'label', 'matrix'], ['form']), fc.boolean(), schema).map((given) => {
      const [style, explode, own] = given;
      return [{ ...id, style, explode, schema: own }];
    }),
    post: operation,
  });
  return fc.record({
    openapi: or(['3.0.3', '3.1.0'], ['2.0', 3.1]),
    paths: fc.dictionary(or(['/a/{id}', '/{id}'], ['/a', '/{id', 'a']) as fc.Arbitrary<string>, item, { minKeys: 1, maxKeys: 2 }),
    components: fc.record({ schemas: fc.record({ A: schema, B: schema }) }),
  });
}

const texts = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom('a=1&a=2', 'a[b]=%zz', ';a=1;b', '.a.b', '%00', 'a=&=', 'true', '1e999', '-0', '__proto__=1', 'a%5Bb%5D=1'),
);
const multipart = fc
  .array(fc.tuple(fc.constantFrom('name="a"', 'name="__proto__"; filename=x', 'name=', 'filename="\\""', 'name="a"; name="b"'), texts), {
    maxLength: 4,
  })
  .map((parts) => `${parts.map(([head, text]) => `--x\r\nContent-Disposition: form-data; ${head}\r\n\r\n${text}\r\n`).join('')}--x--\r\n`);
const bodies = fc.oneof(fc.json({ maxDepth: 4 }), texts, multipart).map((text) => Buffer.from(text));
const contentTypes = fc.constantFrom(
  ...['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'multipart/form-data', 'text/plain', ''],
);
const request = fc.record({ query: texts, header: fc.option(texts), path: fc.webPath(), body: bodies, contentType: contentTypes });

function toolsOf(read: ReturnType<typeof readDocument> & { readonly ok: true }): BodyTools {
  return { document: read.value, validators: new Validators(read.value), parseJson: strictJson };
}

describe('any text', () => {
  test.each<[string, fc.Arbitrary<string>]>([
    ['of characters', fc.string({ maxLength: 200 })],
    ['of JSON', fc.json({ maxDepth: 6 })],
    [
      'of parts of YAML',
      fc
        .array(fc.constantFrom('a: ', '- ', '&x ', '*x ', '{', '}', '[', ']', '\n', '  ', '!!map ', '"', ': ', '<<: ', '#'))
        .map((parts) => parts.join('')),
    ],
  ])('%s is a document or has faults', (_, text) => {
    fc.assert(
      fc.property(text, (given) => {
        for (const fault of checkDocument(given)) expect(describeFault(given, fault)).toContain(fault.reason);
      }),
      { numRuns: TEXTS },
    );
  });
});

interface Sent {
  readonly query: string;
  readonly header: string | null;
  readonly path: string;
  readonly body: Buffer;
  readonly contentType: string;
}

/** Holds a request to each operation of a document. False: the document has faults. */
function holds(text: string, sent: Sent): boolean {
  for (const fault of checkDocument(text)) describeFault(text, fault);
  const read = readDocument(text);
  if (!read.ok) return false;
  const tools = toolsOf(read);
  for (const operation of read.value.operations) holdTo(operation, sent, tools);
  return true;
}

function holdTo(operation: Operation, { query, header, path, body, contentType }: Sent, tools: BodyTools): void {
  const variables = tools.document.find(path)?.variables ?? new Map([['id', header ?? '']]);
  const check = new RequestCheck(operation, tools);
  for (const fault of check.checkHead({ query, variables, header: () => header })) expect(fault.reason).not.toBe('');
  const wanted = check.body(contentType, true);
  if (wanted !== null && typeof wanted !== 'string') wanted.check(body);
  const answer = checkAnswer(operation, { status: 200, hasBody: true, header: () => contentType }, tools);
  answer.body?.check(body);
  mockAnswer(operation, preferenceOf(header), tools.document.references, () => 0);
}

test.each([
  ['sane', false, DOCUMENTS / 2],
  ['hostile', true, 0],
])('any request is held to a %s document', (_, isHostile, leastUsed) => {
  let used = 0;
  fc.assert(
    fc.property(documents(isHostile), request, (described, sent) => {
      if (holds(JSON.stringify(described), sent)) used++;
    }),
    { numRuns: DOCUMENTS },
  );
  expect(used).toBeGreaterThanOrEqual(leastUsed);
});

test('patterns that take other engines beyond all time take none', () => {
  const hostile = { type: 'string', pattern: '^(a+)+$' };
  const text = JSON.stringify({
    openapi: '3.1.0',
    paths: { '/a': { post: { requestBody: { content: { 'application/json': { schema: hostile } } } } } },
  });
  const read = readDocument(text);
  if (!read.ok) throw new Error('the document has faults');
  const [only] = read.value.operations;
  const wanted = new RequestCheck(only as never, toolsOf(read)).body('application/json', true);
  if (wanted === null || typeof wanted === 'string') throw new Error('the body is not checked');
  expect(wanted.check(Buffer.from(JSON.stringify(`${'a'.repeat(100_000)}!`)))).toHaveLength(1);
});
