// The group `decompression` of an HTTPPolicy.
import { choice, choices, count, group, size } from '../setting.ts';

export const decompression = group('Decompresses the bodies of requests, so that backends and policies get them plain.', {
  codings: choices('The content codings that are decompressed.', ['gzip', 'br', 'zstd']),
  maxSize: size('The bytes of a decompressed body. A larger one gets 413.', { minimum: 1 }),
  maxRatio: count('How many times longer than its compressed form a body may be, beyond its first 64 KiB. Otherwise it gets 413.', {
    minimum: 1,
    maximum: 100_000,
  }),
  otherCodings: choice('Bodies with another coding, or with several. Refuse: they get 415. Pass: they go on as they are.', [
    'Refuse',
    'Pass',
  ]),
});
