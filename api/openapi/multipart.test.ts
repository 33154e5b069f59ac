// Bodies of multipart/form-data held to documents.
import { describe, expect, test } from '@jest/globals';
import { strictJson } from '../../proxy/filter/openapi/json.ts';
import { RequestCheck, Validators } from './checked-request.ts';
import { readDocument } from './document.ts';
import { boundaryOf } from './multipart.ts';

const UPLOAD = {
  schema: {
    type: 'object',
    required: ['title', 'photo'],
    properties: {
      title: { type: 'string', minLength: 2 },
      count: { type: 'integer' },
      tags: { type: 'array', maxItems: 2, items: { type: 'integer' } },
      place: { type: 'object', required: ['city'], properties: { city: { type: 'string' } } },
      photo: { type: 'string', format: 'binary', maxLength: 4 },
    },
    additionalProperties: false,
  },
  encoding: { photo: { contentType: 'image/png, image/jpeg' } },
};

const TYPE = 'multipart/form-data; boundary=x';

/** The faults of a body, as texts. */
function faultsOf(body: string, contentType = TYPE): readonly string[] {
  const text = JSON.stringify({
    openapi: '3.1.0',
    paths: { '/a': { post: { requestBody: { content: { 'multipart/form-data': UPLOAD } } } } },
  });
  const read = readDocument(text);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  const tools = { document: read.value, validators: new Validators(read.value), parseJson: strictJson };
  const wanted = new RequestCheck(read.value.operations[0] as never, tools).body(contentType, true);
  if (wanted === null || typeof wanted === 'string') throw new Error('the body is not checked');
  return wanted.check(Buffer.from(body, 'latin1')).map(({ pointer = '', reason }) => `${pointer} ${reason}`.trim());
}

function part(parameters: string, value: string, headers = ''): string {
  return `--x\r\nContent-Disposition: form-data; ${parameters}\r\n${headers}\r\n${value}\r\n`;
}

const END = '--x--\r\n';
const TITLE = part('name="title"', 'two');
const PNG = 'Content-Type: image/png\r\n';
const PHOTO = part('name="photo"; filename="a.png"', '\x89\xff\r\n', PNG);

describe('a body', () => {
  test('that fits has parts in any order, with texts, numbers, lists, JSON and files', () => {
    const json = 'Content-Type: application/json\r\n';
    const all = `${PHOTO}${part('name=count', '7')}${part('name="tags"', '1')}${part('name="tags"', '2')}${TITLE}`;
    expect(faultsOf(`${all}${part('name="place"', '{"city":"x"}', json)}${END}`)).toEqual([]);
    expect(faultsOf(`${all}${part('name="place"', '{"city":"x"}')}--x--`)).toEqual([]);
    expect(faultsOf(`${TITLE}${PHOTO}${END}`, 'multipart/form-data; charset=utf-8; Boundary="x"')).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['a part that is missing', PHOTO, '/title is required'],
    ['a part that is unknown', `${TITLE}${PHOTO}${part('name="other"', '')}`, '/other is not in the document'],
    ['a text that is too short', `${part('name="title"', 'x')}${PHOTO}`, '/title must NOT have fewer than 2 characters'],
    ['a number that is none', `${TITLE}${PHOTO}${part('name="count"', '7a')}`, '/count must be integer'],
    ['too many parts of a list', `${TITLE}${PHOTO}${part('name="tags"', '1').repeat(3)}`, '/tags must NOT have more than 2 items'],
    ['JSON with a fault', `${TITLE}${PHOTO}${part('name="place"', '{}')}`, '/place/city is required'],
    ['JSON with a name twice', `${TITLE}${PHOTO}${part('name="place"', '{"city":"a","city":"b"}')}`, 'has "place", which has'],
    [
      'a file that is too large',
      `${TITLE}${part('name="photo"; filename="a"', '12345', PNG)}`,
      '/photo must NOT have more than 4 characters',
    ],
    [
      'a file of another type',
      `${TITLE}${part('name="photo"; filename="a"', '1')}`,
      'has "photo" with another type than image/png, image/jpeg',
    ],
    ['a part twice', `${TITLE}${TITLE}${PHOTO}`, 'has "title" more than once'],
  ])('with %s does not fit', (_, body, fault) => {
    expect(faultsOf(`${body}${END}`)).toEqual([expect.stringContaining(fault)]);
  });
});

/** Two readers may find other parts in these. */
describe('a body that is ambiguous', () => {
  test.each<[string, string, string]>([
    ['has bytes before its parts', `preamble\r\n${TITLE}${PHOTO}${END}`, 'must begin with its boundary'],
    ['has bytes behind its parts', `${TITLE}${PHOTO}${END}epilogue`, 'goes on behind its last part'],
    ['has lines that end with LF only', `${TITLE}${PHOTO}${END}`.replaceAll('\r\n', '\n'), 'has a malformed boundary'],
    ['has another boundary within a part', `--x\r\nA: b\r\n\r\n\r\n--xy\r\n${END}`, 'has a part without a name'],
    ['has no end', TITLE, 'ends within a part'],
    ['has two names', part('name="title"; name="other"', 'x'), 'has a part without a name'],
    ['has a name in two forms', part(`name="title"; name*=utf-8''other`, 'x'), 'has a part without a name'],
    ['has an escaped quotation mark', part('name="title"; filename="a\\"; name=\\"other"', 'x'), 'has a part without a name'],
    ['has no name', part('filename="x"', ''), 'has a part without a name'],
    [
      'has a header twice',
      part('name="title"', 'x', 'Content-Disposition: form-data; name="other"\r\n'),
      'has a part with malformed headers',
    ],
    ['has a folded header', part('name="title"', 'x', 'A: b\r\n c: d\r\n'), 'has a part with malformed headers'],
    [
      'has a transfer encoding',
      part('name="title"', 'eA==', 'Content-Transfer-Encoding: base64\r\n'),
      'has a part with a transfer encoding',
    ],
    ['has endless headers', `--x\r\nA: ${'b'.repeat(100_000)}`.concat(`\r\n${END}`), 'has a part with headers of more than 8192 bytes'],
    ['has endless parts', `${part('name="tags"', '1').repeat(1_001)}`, 'has more than 1000 parts'],
    ['is empty', END, '/title is required'],
  ])('because it %s does not fit', (_, body, fault) => {
    expect(faultsOf(body.endsWith(END) || body.includes('epilogue') || body === TITLE ? body : `${body}${END}`)[0]).toBe(fault);
  });

  test.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=a; boundary=b',
    `multipart/form-data; boundary=${'a'.repeat(71)}`,
  ])('because of its type %s does not fit', (contentType) => {
    expect(boundaryOf(contentType)).toBeNull();
    expect(faultsOf(`${TITLE}${PHOTO}${END}`, contentType)).toEqual(['has no usable boundary in its media type']);
  });
});
