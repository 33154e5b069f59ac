import { describe, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { advance, authorityOf } from './rotation.ts';
import type { AuthorityData } from './rotation.ts';

const DAY = 86_400_000;
const LIFETIME = 360 * DAY;
const START = Date.UTC(2030, 0, 1);

/** The data after a number of days, with one `advance` per day. */
function after(days: number, data: AuthorityData = {}, from = 0): AuthorityData {
  for (let day = from; day <= days; day++) data = advance(data, { now: START + day * DAY, lifetime: LIFETIME });
  return data;
}

/** Number of trusted CAs. */
const trusted = (data: AuthorityData) => authorityOf(data).bundle.split('BEGIN CERTIFICATE').length - 1;

const holder = { kind: 'client', uri: 'spiffe://a' } as const;

describe('advance', () => {
  test('creates a CA if there is none, and keeps it while it is young', () => {
    const first = after(0);
    expect(new X509Certificate(authorityOf(first).certificate).ca).toBe(true);
    expect(after(239, first, 1)).toBe(first);
  });

  test('announces the next CA before it signs, and trusts the previous one until it expires', () => {
    const first = after(0);
    const announced = after(241, first, 1);
    expect(authorityOf(announced).certificate).toBe(authorityOf(first).certificate);
    expect(trusted(announced)).toBe(2);
    const promoted = after(302, announced, 242);
    expect(authorityOf(promoted).certificate).toBe(announced['next.crt']);
    expect(trusted(promoted)).toBe(2);
    expect(authorityOf(promoted).bundle).toContain(authorityOf(first).certificate);
    expect(promoted).not.toHaveProperty(['next.key']);
  });

  test('a bundle read a tenth of a lifetime earlier still trusts every certificate', () => {
    let bundles: string[] = [];
    let data: AuthorityData = {};
    for (let day = 0; day < 1_500; day += 6) {
      data = advance(data, { now: START + day * DAY, lifetime: LIFETIME });
      const authority = authorityOf(data);
      bundles = [...bundles, authority.bundle].slice(-6);
      for (const bundle of bundles) expect(bundle).toContain(authority.certificate);
      expect(trusted(data)).toBeLessThanOrEqual(2);
    }
  });

  test('a CA that expired between two checks is replaced at once', () => {
    const late = after(400, after(250), 400);
    const authority = authorityOf(late);
    const now = START + 400 * DAY;
    const { certificate } = authority.issue({ commonName: 'a', holder, now, lifetime: DAY });
    expect(authority.vouchesFor(certificate, holder, now)).toBe(true);
  });

  test.each(['tls.crt', 'tls.key', 'ca.crt'])('a Secret whose %s is damaged gets a new CA', (key) => {
    const first = after(0);
    const mended = advance({ ...first, [key]: 'nonsense' }, { now: START, lifetime: LIFETIME });
    expect(authorityOf(mended).certificate).not.toBe(authorityOf(first).certificate);
    // The bundle, if intact, still trusts certificates of the previous CA.
    expect(trusted(mended)).toBe(key === 'ca.crt' ? 1 : 2);
  });

  test('a damaged next CA is not used', () => {
    const announced: AuthorityData = { ...after(241), 'next.key': 'nonsense' };
    const promoted = after(310, announced, 242);
    expect(() => authorityOf(promoted)).not.toThrow();
    expect(authorityOf(promoted).certificate).not.toBe(announced['next.crt']);
  });
});
