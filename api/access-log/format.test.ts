// Settings of the access log: their meaning, and the errors of wrong settings.
import { describe, expect, test } from '@jest/globals';
import { DEFAULT_FIELDS, LOG_FIELDS } from './fields.ts';
import { parseFilter } from './filter.ts';
import { parseFormat } from './format.ts';

describe('a format', () => {
  test('has the default fields unless the setting has others', () => {
    expect(parseFormat('json', '')).toEqual({ ok: true, value: { kind: 'json', fields: DEFAULT_FIELDS } });
    expect(parseFormat('json', 'status, path')).toEqual({ ok: true, value: { kind: 'json', fields: ['path', 'status'] } });
  });

  test('changes the default fields', () => {
    const changed = parseFormat('json', '+referer,-userAgent,+requestHeader.X-Tenant');
    const fields = changed.ok && changed.value.kind === 'json' ? changed.value.fields : [];
    expect(fields).toEqual([...DEFAULT_FIELDS.filter((name) => name !== 'userAgent'), 'referer', 'requestHeader.x-tenant']);
  });

  test('is a template with fields', () => {
    expect(parseFormat('100%% of %{path}', '')).toEqual({
      ok: true,
      value: { kind: 'text', parts: [{ literal: '100' }, { literal: '%' }, { literal: ' of ' }, { field: 'path' }] },
    });
  });

  test.each(['common', 'combined'])('may be %s', (name) => {
    expect(parseFormat(name, '')).toMatchObject({ ok: true, value: { kind: 'text' } });
  });

  test('can contain every field', () => {
    expect(parseFormat('json', LOG_FIELDS.map(({ name }) => name).join(','))).toMatchObject({ ok: true });
  });

  test.each([
    ['combind', '', '"combind" is neither json, common, combined nor a template with %{field}; did you mean combined?'],
    ['%{metod}', '', '"metod" is not a field of the access log; did you mean method?'],
    ['%{path} 50%', '', 'a % must begin %{field}; write %% for a percent sign'],
    ['%{path', '', 'a % must begin %{field}; write %% for a percent sign'],
    ['%{path}\n%{path}', '', 'a template must not contain control characters or line breaks'],
    [
      '%{requestHeader.Authorization}',
      '',
      'requestHeader.authorization is refused: the header contains credentials, which a log must not contain',
    ],
    ['%{requestHeader.}', '', '"requestHeader." does not end with the name of a header'],
    ['%{requestHeaders.x-a}', '', '"requestHeaders.x-a" is not a field of the access log'],
    ['common', 'path', 'fields need the format json; a template contains its own fields'],
    ['json', 'pathh', '"pathh" is not a field of the access log; did you mean path?'],
    ['json', '+referer,path', 'put + or - in front of all names, which changes the default fields, or of none, which replaces them'],
    ['json', 'path,,status', '"" is not a field of the access log'],
    [
      'json',
      'responseHeader.Set-Cookie',
      'responseHeader.set-cookie is refused: the header contains credentials, which a log must not contain',
    ],
    ['json', DEFAULT_FIELDS.map((name) => `-${name}`).join(), 'the list removes every field; keep at least one'],
    [
      'json',
      Array.from({ length: 30 }, (_, i) => `requestHeader.${'x'.repeat(80)}${i}`).join(),
      'the names of the fields have more than 2048 characters',
    ],
    [`%{path}${'x'.repeat(1_100)}`, '', 'a template has at most 1024 characters'],
    ['%{path}'.repeat(73), '', 'a line has at most 72 fields'],
  ])('%j with fields %j is refused', (format, fields, reason) => {
    expect(parseFormat(format, fields)).toEqual({ ok: false, error: expect.stringContaining(reason) });
  });
});

describe('a filter', () => {
  const rule = { statuses: null, duration: null, routes: null, clients: null, principals: null, error: false, sample: 1 };

  test('does not exist if the text is empty', () => {
    expect(parseFilter(' ')).toEqual({ ok: true, value: null });
  });

  test('has rules of conditions', () => {
    expect(parseFilter('status=5xx,404,200-204 and duration>=1s or error or route=shop/cart,infra/* and sample=.5')).toEqual({
      ok: true,
      value: [
        {
          ...rule,
          statuses: [
            [500, 599],
            [404, 404],
            [200, 204],
          ],
          duration: 1_000,
        },
        { ...rule, error: true },
        { ...rule, routes: ['shop/cart', 'infra/*'], sample: 0.5 },
      ],
    });
  });

  test.each([
    [
      'stauts=5xx',
      '"stauts=5xx" is not a condition; use status=5xx, duration>=1s, route=NAMESPACE/NAME, client=ADDRESS, principal=NAME, error or sample=0.1; did you mean status=?',
    ],
    ['status>=500', 'is not a condition'],
    ['status=6xx', 'status: "6xx" is neither a status (404), a class (5xx) nor a range (500-504)'],
    ['status=504-500', 'status: "504-500" is neither'],
    ['duration>=10', 'duration: "10" must be a duration like 10s, 1h30m or 100ms'],
    ['route=cart', 'route: "cart" is neither NAMESPACE/NAME nor NAMESPACE/*'],
    ['sample=0', 'sample: "0" is not a share above 0 and up to 1'],
    ['sample=1.5', 'sample: "1.5" is not a share above 0 and up to 1'],
    ['error or ', 'error or" is not a condition'],
    ['or error', '"or error" is not a condition'],
  ])('%j is refused', (filter, reason) => {
    expect(parseFilter(filter)).toEqual({ ok: false, error: expect.stringContaining(reason) });
  });
});
