import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ERRORS } from './errors.ts';
import { BAD_DEADLINE, callTimeout, encodeMessage, formatTimeout, isGrpcType, NO_DEADLINE } from './grpc.ts';
import { GRPC_STATUS, grpcStatusOf, grpcStatusOfHttp, grpcStatusOfReset } from './grpc-status.ts';

const DOCUMENT = path.resolve(import.meta.dirname, '../../docs/reference/grpc.md');

describe('a call by its content type', () => {
  test.each(['application/grpc', 'application/grpc+proto', 'application/grpc;charset=utf-8', 'Application/GRPC+json'])('%s', (type) =>
    expect(isGrpcType(type)).toBe(true),
  );
  test.each([null, '', 'application/grp', 'application/grpc-web', 'application/grpcs', 'text/html', ' application/grpc'])(
    'not %p',
    (type) => expect(isGrpcType(type)).toBe(false),
  );
});

describe('grpc-timeout', () => {
  test.each([
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['3S', 3_000],
    ['40m', 40],
    ['500u', 0.5],
    ['1n', 1e-6],
    ['0S', 0],
    ['99999999S', 99_999_999_000],
  ])('%s', (text, ms) => expect(callTimeout(['grpc-timeout', text])).toBeCloseTo(ms, 9));

  test.each(['', 'S', '5', '5s', '123456789S', '-1S', '+1S', '1.5S', ' 1S', '1S ', '0x1S', '1SS', '١S'])('%p is invalid', (text) =>
    expect(callTimeout(['grpc-timeout', text])).toBe(BAD_DEADLINE),
  );

  test('without a header, and with two', () => {
    expect(callTimeout(['te', 'trailers'])).toBe(NO_DEADLINE);
    expect(callTimeout(['grpc-timeout', '1S', 'grpc-timeout', '1S'])).toBe(BAD_DEADLINE);
  });

  test('is formatted validly, never longer, and as precisely as eight digits allow', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 9e10, noNaN: true }), (ms) => {
        const read = callTimeout(['grpc-timeout', formatTimeout(ms)]);
        expect(read).toBeLessThanOrEqual(ms * (1 + 1e-9));
        expect(read).toBeGreaterThan(ms - Math.max(0.001, ms / 1e4) - 1e-9);
      }),
    );
    expect(formatTimeout(-5)).toBe('1u');
    expect(formatTimeout(1e300)).toBe('99999999S');
  });
});

describe('grpc-message', () => {
  test('escapes all but printable ASCII', () => {
    expect(encodeMessage('all good')).toBe('all good');
    expect(encodeMessage('50%\r\né')).toBe('50%25%0D%0A%C3%A9');
  });

  test('is decoded to the same text', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => expect(decodeURIComponent(encodeMessage(text))).toBe(text)));
  });
});

describe('statuses', () => {
  test('of errors are documented, each once', () => {
    const rows = [...readFileSync(DOCUMENT, 'utf8').matchAll(/^\| (\d+) [A-Z_]+ \| (`.*`) \|$/gm)];
    const documented = rows.flatMap(([, status, codes = '']) => [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => `${code} ${status}`));
    expect(documented.sort()).toEqual(
      Object.values(ERRORS)
        .map((error) => `${error.code} ${grpcStatusOf(error)}`)
        .sort(),
    );
  });

  test('of HTTP answers and of resets', () => {
    const ofHttp = [200, 400, 401, 403, 404, 429, 500, 502, 503, 504].map(grpcStatusOfHttp);
    expect(ofHttp).toEqual([2, 13, 16, 7, 12, 14, 2, 14, 14, 14]);
    expect([0, 1, 5, 7, 8, 11, 12, 13, 99].map(grpcStatusOfReset)).toEqual([13, 13, 2, 14, 1, 8, 7, 2, 2]);
    expect(GRPC_STATUS.unauthenticated).toBe(16);
  });
});
