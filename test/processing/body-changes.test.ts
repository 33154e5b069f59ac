// Changes of bodies, from the user's HTTPPolicy to the bytes that backends and clients get.
import { beforeAll, describe, expect, test } from '@jest/globals';
import zlib from 'node:zlib';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { manifest, SecurityRig as PolicyRig } from '../security/rig.ts';
import { closeAfterAll, get, post } from '../support/fixture.ts';
import { header, status, type Message } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { exchangeUnder, httpPolicy, type Exchanged } from './policy-exchange.ts';

closeAfterAll();

const JSON_TYPE = 'content-type: application/json\r\n';

let rig: PolicyRig;
beforeAll(async () => {
  rig = await PolicyRig.start([]);
});

const exchange = (settings: object, bytes: string, answer?: string): Promise<Exchanged> => exchangeUnder(rig, settings, bytes, answer);

/** What the backend gets of a JSON text; a status and code if it gets nothing. */
async function sentOf(body: object, json: string): Promise<string> {
  const { sent, answer } = await exchange({ request: { body } }, post(json, '/users/7?q=1', JSON_TYPE));
  return sent === undefined ? `${status(answer)} ${(JSON.parse(answer.body) as { code: string }).code}` : sent.body;
}

describe('JSON of requests', () => {
  test.each<[string, object, string, string]>([
    ['removes', { remove: ['/a', '/list/*/x', '/list/0'] }, '{"a":1,"list":[{"x":1},{"x":2,"y":3}]}', '{"list":[{"y":3}]}'],
    ['renames', { rename: [{ path: '/list/*/x', to: 'y' }] }, '{"list":[{"x":1,"y":2},{"z":1},5]}', '{"list":[{"y":1},{"z":1},5]}'],
    ['moves', { move: [{ from: '/a', to: '/b/c' }] }, '{"a":[1]}', '{"b":{"c":[1]}}'],
    ['moves nothing to no place', { move: [{ from: '/a', to: '/b/c' }] }, '{"a":1,"b":2}', '{"b":2,"a":1}'],
    [
      'maps',
      { map: [{ path: '/list/*', value: '{"id": value, "n": size(body.list)}' }] },
      '{"list":["a","b"]}',
      '{"list":[{"id":"a","n":2},{"id":"b","n":2}]}',
    ],
    ['maps what has a value', { map: [{ path: '/*', value: 'value.x' }] }, '{"a":{"x":1},"b":2}', '{"a":1,"b":2}'],
    ['sets', { set: [{ path: '/a/b', value: 'body.x + request.query["q"]' }] }, '{"x":"y"}', '{"x":"y","a":{"b":"y1"}}'],
    [
      'sets every element',
      { set: [{ path: '/*/a', value: '[1, 2.5, true, null]' }] },
      '[{},{"a":0},3]',
      '[{"a":[1,2.5,true,null]},{"a":[1,2.5,true,null]},3]',
    ],
    ['appends', { set: [{ path: '/list/-', value: '"c"' }] }, '{"list":["a"]}', '{"list":["a","c"]}'],
    ['sets under a condition', { set: [{ path: '/a', value: '1', when: 'body.b > 1.0' }] }, '{"b":1}', '{"b":1}'],
    ['removes what has no value', { set: [{ path: '/admin', value: 'body.none' }] }, '{"admin":true}', '{}'],
    ['has names with slashes', { remove: ['/a~1b', '/c~0d'] }, '{"a/b":1,"c~d":2,"e":3}', '{"e":3}'],
    ['keeps a scalar', { remove: ['/a'] }, '"a"', '"a"'],
  ])('%s', async (_, body, json, expected) => {
    expect(await sentOf(body, json)).toBe(expected);
  });

  test('keeps the digits of numbers', async () => {
    const numbers = '12345678901234567890,1.10,-0,1e400,0.1,5';
    expect(await sentOf({ move: [{ from: '/a', to: '/b' }] }, `{"a":[${numbers}]}`)).toBe(`{"b":[${numbers}]}`);
  });

  test('has the right head', async () => {
    const { sent } = await exchange(
      { request: { body: { remove: ['/a'] } } },
      post('{"a":1}', '/', `${JSON_TYPE}content-digest: sha-256=:AA==:\r\n`),
    );
    expect([sent?.body, header(sent as Message, 'content-length'), header(sent as Message, 'content-digest')]).toEqual([
      '{}',
      '2',
      undefined,
    ]);
  });

  test('of another type passes', async () => {
    const { sent } = await exchange({ request: { body: { remove: ['/a'] } } }, post('{"a":1}', '/', 'content-type: text/plain\r\n'));
    expect(sent?.body).toBe('{"a":1}');
  });
});

describe('an attack', () => {
  const proto = '{"__proto__":{"x":1}}';
  const brackets = JSON.stringify({ b: '['.repeat(100) });
  test.each<[string, object, string, string]>([
    [
      'by __proto__ in a body changes one member',
      { set: [{ path: '/a', value: 'body["__proto__"]' }] },
      proto,
      '{"__proto__":{"x":1},"a":{"x":1}}',
    ],
    ['by __proto__ that is not there reads nothing', { set: [{ path: '/a', value: 'body.constructor.name' }] }, '{}', '{}'],
    [
      'by __proto__ in a pointer makes a member',
      { set: [{ path: '/__proto__/polluted', value: 'true' }] },
      '{}',
      '{"__proto__":{"polluted":true}}',
    ],
    ['by a rename to __proto__ makes a member', { rename: [{ path: '/a', to: '__proto__' }] }, '{"a":{"x":1}}', proto],
    ['by depth', {}, `${'['.repeat(65)}${']'.repeat(65)}`, '400 body_unreadable'],
    ['by depth beyond every stack', { remove: ['/a'] }, '['.repeat(200_000), '400 body_unreadable'],
    ['by brackets in strings is none', { remove: ['/a'] }, brackets, brackets],
    ['by size', { maxSize: 100 }, JSON.stringify('x'.repeat(100)), '413 request_body_too_large'],
    [
      'by values that grow',
      { maxSize: 1_000, set: [{ path: '/b', value: '[body,body,body,body,body]' }] },
      JSON.stringify({ a: 'x'.repeat(500) }),
      '413 request_body_too_large',
    ],
    [
      'by too many places',
      { map: [{ path: '/*', value: '1' }] },
      JSON.stringify(Array.from({ length: 10_001 }, () => 0)),
      '413 request_body_too_large',
    ],
    ['by a text that is no JSON', { remove: ['/a'] }, '{"a":1', '400 body_unreadable'],
    ['by two texts', { remove: ['/a'] }, '{"a":1}{"a":2}', '400 body_unreadable'],
    ['by bytes that are no UTF-8', { remove: ['/a'] }, '{"b":"\u00ff"}', '400 body_unreadable'],
    ['by a name twice leaves one', { remove: ['/a'] }, '{"role":"user","role":"admin","a":1}', '{"role":"admin"}'],
  ])('%s', async (_, body, json, expected) => {
    expect(await sentOf(body, json)).toBe(expected);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('by a character set is refused', async () => {
    const type = 'content-type: application/json; charset="utf-7"\r\n';
    const { sent, answer } = await exchange({ request: { body: { remove: ['/a'] } } }, post('{"a":1}', '/', type));
    expect([sent, status(answer)]).toEqual([undefined, 400]);
    const known = await exchange({ request: { body: { remove: ['/a'] } } }, post('{"a":1}', '/', type.replace('utf-7', 'UTF-8')));
    expect(known.sent?.body).toBe('{}');
  });

  test('by a coding is refused', async () => {
    const { sent, answer } = await exchange(
      { request: { body: { remove: ['/a'] } } },
      post('{"a":1}', '/', `${JSON_TYPE}content-encoding: gzip\r\n`),
    );
    expect([sent, status(answer)]).toEqual([undefined, 415]);
  });
});

describe('forms', () => {
  const FORM_TYPE = 'content-type: application/x-www-form-urlencoded\r\n';

  test('become JSON, and JSON becomes a form', async () => {
    const toJson = await exchange({ request: { body: { format: 'Json' } } }, post('a=1&b=x+y&b=%C3%A9&__proto__=z', '/', FORM_TYPE));
    expect(Buffer.from(toJson.sent?.body ?? '', 'latin1').toString()).toBe('{"a":"1","b":["x y","é"],"__proto__":"z"}');
    expect(header(toJson.sent as Message, 'content-type')).toBe('application/json');
    const toForm = await exchange({ request: { body: { format: 'Form' } } }, post('{"a":1,"b":["x y",true],"c":null}', '/', JSON_TYPE));
    expect(toForm.sent?.body).toBe('a=1&b=x+y&b=true&c=');
    expect(header(toForm.sent as Message, 'content-type')).toBe('application/x-www-form-urlencoded');
  });

  test('are changed as they are', async () => {
    const body = { remove: ['/a'], set: [{ path: '/c', value: 'body.b' }] };
    expect((await exchange({ request: { body } }, post('a=1&b=2', '/', FORM_TYPE))).sent?.body).toBe('b=2&c=2');
  });

  test('cannot have objects', async () => {
    const { sent, answer } = await exchange({ request: { body: { format: 'Form' } } }, post('{"a":{"b":1}}', '/', JSON_TYPE));
    expect([sent, status(answer)]).toEqual([undefined, 400]);
  });
});

describe('XML', () => {
  const XML_TYPE = 'content-type: text/xml\r\n';
  const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';

  test('becomes JSON, and JSON becomes XML', async () => {
    const body = { format: 'Json', remove: ['/user/@debug'] };
    const toJson = await exchange({ request: { body } }, post('<user id="7" debug="1"><name>a</name><name>b</name></user>', '/', XML_TYPE));
    expect(toJson.sent?.body).toBe('{"user":{"@id":"7","name":["a","b"]}}');
    const toXml = await exchange({ request: { body: { format: 'Xml' } } }, post('{"user":{"@id":7,"name":"<a>"}}', '/', JSON_TYPE));
    expect(toXml.sent?.body).toBe(`${XML}<user id="7"><name>&lt;a&gt;</name></user>`);
    expect(header(toXml.sent as Message, 'content-type')).toBe('application/xml');
  });

  test('is changed as it is', async () => {
    const { sent } = await exchange({ request: { body: { remove: ['/a/b'] } } }, post('<a><b/><c>1</c></a>', '/', XML_TYPE));
    expect([sent?.body, header(sent as Message, 'content-type')]).toEqual([`${XML}<a><c>1</c></a>`, 'text/xml']);
  });

  test('is the answer for clients that prefer it', async () => {
    const { answer } = await exchange(
      { response: { body: { formats: ['Json', 'Xml'] } } },
      get('/', 'accept: application/xml\r\n'),
      ok('{"a":1,"b":[2,3]}', JSON_TYPE),
    );
    expect([answer.body, header(answer, 'content-type')]).toEqual([`${XML}<root><a>1</a><b>2</b><b>3</b></root>`, 'application/xml']);
  });

  test('with a DTD is refused', async () => {
    const laughs = '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;&b;">]><a>&d;</a>';
    const { sent, answer } = await exchange({ request: { body: { remove: ['/a'] } } }, post(laughs, '/', XML_TYPE));
    expect([sent, status(answer)]).toEqual([undefined, 400]);
  });
});

describe('JSON of answers', () => {
  const body = { remove: ['/secret'], set: [{ path: '/status', value: 'response.status' }] };
  const gzipped = (text: string, type = JSON_TYPE): string => {
    const bytes = zlib.gzipSync(text).toString('latin1');
    return `HTTP/1.1 200 OK\r\ncontent-length: ${bytes.length}\r\ncontent-encoding: gzip\r\n${type}\r\n${bytes}`;
  };

  test('is changed, with status and headers', async () => {
    const response = { body, status: [{ to: 201 }], headers: { set: [{ name: 'x-a', value: '"b"' }] } };
    const { answer } = await exchange({ response }, get(), ok('{"secret":1,"a":2}', `${JSON_TYPE}etag: "a"\r\n`));
    expect([answer.body, status(answer), header(answer, 'x-a')]).toEqual(['{"a":2,"status":200}', 201, 'b']);
    expect([header(answer, 'content-length'), header(answer, 'etag')]).toEqual(['20', 'W/"a"']);
  });

  test('is changed also if it is compressed, and bombs are refused', async () => {
    const { answer } = await exchange({ response: { body } }, get(), gzipped('{"secret":1}'));
    expect([answer.body, header(answer, 'content-encoding')]).toEqual(['{"status":200}', undefined]);
    const bomb = await exchange({ response: { body } }, get(), gzipped(`"${'x'.repeat(2_000_000)}"`));
    expect(status(bomb.answer)).toBe(502);
  });

  test('that cannot be read never passes', async () => {
    const refused = async (answer: string): Promise<string> => {
      const { answer: got } = await exchange({ response: { body } }, get(), answer);
      return `${status(got)} ${(JSON.parse(got.body) as { code: string }).code}`;
    };
    expect(await refused(ok('{"secret":1', JSON_TYPE))).toBe('502 answer_unreadable');
    expect(await refused(ok('{"secret":1}', `${JSON_TYPE}content-encoding: magic\r\n`))).toBe('502 answer_unreadable');
    expect(await refused(ok(JSON.stringify('x'.repeat(2_000_000)), JSON_TYPE))).toBe('502 answer_too_large');
  });

  test('is whole, so no range reaches the backend', async () => {
    const { sent } = await exchange({ response: { body } }, get('/', 'range: bytes=0-1\r\nif-range: "a"\r\n'), ok('{}', JSON_TYPE));
    expect([header(sent as Message, 'range'), header(sent as Message, 'if-range')]).toEqual([undefined, undefined]);
  });

  test('has the form that the client accepts', async () => {
    const response = { body: { formats: ['Json', 'Form'] } };
    const asked = async (accept: string): Promise<readonly unknown[]> => {
      const { answer } = await exchange({ response }, get('/', `accept: ${accept}\r\n`), ok('{"a":1}', JSON_TYPE));
      return [answer.body, header(answer, 'content-type'), header(answer, 'vary')];
    };
    expect(await asked('*/*')).toEqual(['{"a":1}', 'application/json', 'accept']);
    expect(await asked('application/x-www-form-urlencoded, application/json;q=0.5')).toEqual([
      'a=1',
      'application/x-www-form-urlencoded',
      'accept',
    ]);
  });
});

describe('with other settings', () => {
  const remove = { remove: ['/a'] };

  test('bodies are changed after they are decompressed, and before they are compressed', async () => {
    const bytes = zlib.gzipSync('{"a":1,"b":2}').toString('latin1');
    const settings = {
      decompression: { maxSize: '1Mi' },
      request: { body: remove },
      compression: { codings: ['gzip'], minSize: 1 },
      response: { body: remove },
    };
    const { sent, answer } = await exchange(
      settings,
      post(bytes, '/', `${JSON_TYPE}content-encoding: gzip\r\naccept-encoding: gzip\r\n`),
      ok('{"a":1,"c":3}', JSON_TYPE),
    );
    expect([sent?.body, header(answer, 'content-encoding')]).toEqual(['{"b":2}', 'gzip']);
    expect(zlib.gunzipSync(Buffer.from(answer.body, 'latin1')).toString()).toBe('{"c":3}');
  });

  test('each attempt gets the changed body', async () => {
    const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }];
    const rule = { name: 'all', backendRefs, retry: { codes: [503], attempts: 1, backoff: '1ms' } };
    await rig.change([
      httpPolicy({ request: { body: remove } }),
      manifest('HTTPRoute', 'app', { parentRefs: [{ name: 'gw' }], rules: [rule] }),
    ]);
    const bodies: string[] = [];
    rig.upstream.become((request) => {
      bodies.push(request.body);
      return bodies.length === 1 ? 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n' : ok();
    });
    const answer = await rig.ask(post('{"a":1,"b":2}', '/', JSON_TYPE).replace('POST', 'PUT'));
    expect([status(answer), bodies]).toEqual([200, ['{"b":2}', '{"b":2}']]);
  });

  test('a fixed answer is changed too', async () => {
    const settings = { directResponse: { contentType: 'application/json', body: '{"a":1,"b":2}' }, response: { body: remove } };
    const { answer } = await exchange(settings, get());
    expect([answer.body, header(answer, 'content-length')]).toEqual(['{"b":2}', '7']);
  });

  test('a page takes the place of a changed error', async () => {
    const page = { source: 'Backend', contentType: 'text/html', body: '<p>{{status}}</p>' };
    const settings = { errorPages: [page], response: { body: remove, status: [{ when: 'response.status == 500', to: 503 }] } };
    const error = `HTTP/1.1 500 Oops\r\ncontent-length: 7\r\n${JSON_TYPE}\r\n{"a":1}`;
    const { answer } = await exchange(settings, get('/', 'accept: text/html\r\n'), error);
    expect([status(answer), answer.body]).toEqual([503, '<p>503</p>']);
  });
});

describe('a policy is invalid', () => {
  test.each([
    ['with a strange pointer', { request: { body: { remove: ['a'] } } }, 'spec.request.body.remove[0]: must be a pointer'],
    ['with a strange escape', { response: { body: { remove: ['/~2'] } } }, 'spec.response.body.remove[0]: must write ~ as ~0'],
    [
      'with a move of several places',
      { request: { body: { move: [{ from: '/*', to: '/a' }] } } },
      'spec.request.body.move[0].from: must be one',
    ],
    [
      'with a strange expression',
      { request: { body: { set: [{ path: '/a', value: 'bodi' }] } } },
      'spec.request.body.set[0].value: is not valid',
    ],
  ])('%s', (_, settings, message) => {
    const result = validateObject(httpPolicy(settings), { strict: true });
    expect(result.ok ? [] : result.error.map(describeError)).toEqual([expect.stringContaining(message)]);
  });
});
