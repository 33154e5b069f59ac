// Times of renewals and of attempts after failures.
import { describe, expect, test } from '@jest/globals';
import { CertificateAuthority, makeAuthority } from '#lib/certificate-authority.ts';
import { parseRetryAfter } from './client.ts';
import { factsOf, ownRenewal, waitAfter, windowOf, withinWindow } from './schedule.ts';

const DAY = 86_400_000;
const FACTS = { hosts: ['a'], notBefore: 0, notAfter: 90 * DAY, id: '' };

describe('a renewal', () => {
  test('is due after two thirds of the lifetime, and never later', () => {
    expect(ownRenewal(FACTS, null, 0)).toBeCloseTo(60 * DAY, -3);
    expect(ownRenewal(FACTS, null, 1)).toBeCloseTo(58.5 * DAY, -3);
  });

  test('is due as long before the end as the user says, but not at once for a short certificate', () => {
    expect(ownRenewal(FACTS, 20 * DAY, 0)).toBe(70 * DAY);
    expect(ownRenewal({ ...FACTS, notAfter: 3 * DAY }, 20 * DAY, 0)).toBeCloseTo(DAY, -3);
  });

  test('is in the window of the server, and stays where it was chosen', () => {
    const window = windowOf({ suggestedWindow: { start: '2026-01-01T00:00:00Z', end: '2026-01-03T00:00:00Z' } });
    const start = Date.UTC(2026, 0, 1);
    expect(window).toEqual({ start, end: start + 2 * DAY });
    expect(withinWindow({ start, end: start + 2 * DAY }, 0, 0.5)).toBe(start + DAY);
    expect(withinWindow({ start, end: start + 2 * DAY }, start + 1, 0.5)).toBe(start + 1);
  });

  test.each([
    undefined,
    null,
    'text',
    {},
    { suggestedWindow: { start: 'x', end: 'y' } },
    { suggestedWindow: { start: '2026-01-02', end: '2026-01-01' } },
  ])('knows no window in %j', (body) => expect(windowOf(body)).toBeNull());
});

describe('the facts about a certificate', () => {
  test('are its names, its lifetime, and its name for the server', () => {
    const { certificate, privateKey } = makeAuthority('ca', { now: Date.now(), lifetime: 9 * DAY });
    const issued = new CertificateAuthority(certificate, privateKey).issue({
      commonName: 'a',
      holder: { kind: 'server', host: 'A.example.com' },
      now: Date.now(),
      lifetime: DAY,
    });
    const facts = factsOf(issued.certificate);
    expect(facts?.hosts).toEqual(['a.example.com']);
    expect(facts?.id).toMatch(/^[A-Za-z0-9_-]{27}\.[A-Za-z0-9_-]+$/);
  });

  test('are none for other texts', () => expect(factsOf('')).toBeNull());
});

test('waits after failures grow from a minute to a day', () => {
  expect([1, 2, 3, 4, 20].map((failures) => waitAfter(failures, 1))).toEqual([60_000, 240_000, 960_000, 3_840_000, DAY]);
  expect(waitAfter(1, 0)).toBe(45_000);
});

test.each([
  ['', 0],
  ['7', 7_000],
  ['Thu, 01 Jan 1970 00:01:00 GMT', 59_000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['soon', 0],
  ['999999999', 7 * DAY],
])('Retry-After: %s is %d ms', (text, wait) => expect(parseRetryAfter(text, 1_000)).toBe(wait));
