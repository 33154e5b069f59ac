// URLs that credentials are not sent to.
import { describe, expect, test } from '@jest/globals';
import { originOf } from './trust.ts';

describe('the URL of an admin API', () => {
  test.each([
    ['https://admin.example.com', 'https://admin.example.com'],
    ['https://admin.example.com:8443/', 'https://admin.example.com:8443'],
    ['http://127.0.0.1:15080', 'http://127.0.0.1:15080'],
    ['http://[::1]:15080/', 'http://[::1]:15080'],
    ['HTTP://LOCALHOST', 'http://localhost'],
  ])('%s', (url, origin) => {
    expect(originOf(url)).toBe(origin);
  });

  test.each([
    ['https://admin.example.com/path', /more than the origin/],
    ['https://admin.example.com?x=1', /more than the origin/],
    ['http://admin.example.com', /in the clear/],
    ['http://127.0.0.1.example.com', /in the clear/],
    ['http://localhost.example.com', /in the clear/],
    ['https://ana:secret-word@admin.example.com', /with a name or a password/],
    ['file:///etc/passwd', /neither http nor https/],
    ['admin', /is no URL/],
  ])('%s is refused', (url, message) => {
    expect(() => originOf(url)).toThrow(message);
    expect(() => originOf(url)).not.toThrow(/secret-word/);
  });
});
