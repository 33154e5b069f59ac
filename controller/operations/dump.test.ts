import { expect, test } from '@jest/globals';
import { encodeResource, type Resource } from '#api/ir/ir.ts';
import { dumpResources } from './dump.ts';

const SECRETS: readonly Resource[] = [
  { kind: 'Secret', key: 'ns/cert', certificate: 'pem', privateKey: 'hunter2' },
  { kind: 'ObjectData', key: 'Secret/ns/users', data: { htpasswd: 'hunter2' } },
  { kind: 'SessionKeys', key: 'sessions', keys: ['hunter2'] },
];

test('the dump has every resource, and the names of entries, but no secret', () => {
  const dump = JSON.stringify(dumpResources(SECRETS.map(encodeResource)));
  expect(dump).not.toContain('hunter2');
  for (const { key } of SECRETS) expect(dump).toContain(key);
  expect(dump).toContain('htpasswd');
});
