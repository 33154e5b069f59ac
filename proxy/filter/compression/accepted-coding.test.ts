import { expect, test } from '@jest/globals';
import { acceptedCoding, type ContentCoding } from './accepted-coding.ts';

const ALL: readonly ContentCoding[] = ['zstd', 'br', 'gzip'];

test.each([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['GZIP ; Q=0.8', 'gzip'],
  ['deflate, gzip;q=1.0, *;q=0.5', 'gzip'],
  ['*', 'zstd'],
  ['*;q=0.1', 'zstd'],
  ['zstd;q=0, *', 'br'],
  ['gzip;q=0.5, br;q=0.51', 'br'],
  ['br;q=0.001', 'br'],
  ['identity;q=0.5, gzip', 'gzip'],
  ['identity;q=0', null],
  ['identity', null],
  ['identity;q=0.9, gzip;q=0.8', null],
  ['', null],
  ['deflate, compress', null],
  ['gzip;q=0', null],
  ['*;q=0', null],
  ['gzip;q=2', null],
  ['gzip;q=-1', null],
  ['gzip;q=1e0', null],
  ['gzip;q=0.1234', null],
  ['gzip;q=', null],
  [',,, ;, ;q=1, gzip', 'gzip'],
  [`${'x,'.repeat(100_000)}gzip`, null],
] as const)('%j of a client gives %j', (header, coding) => {
  expect(acceptedCoding(header, ALL)).toBe(coding);
});
