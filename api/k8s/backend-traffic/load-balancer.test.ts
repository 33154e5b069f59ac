// The keys of balancers: which ones a policy may have.
import { expect, test } from '@jest/globals';
import { validateObject } from '../validate.ts';

function problems(part: object): readonly string[] {
  const valid = validateObject(
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'BackendTrafficPolicy',
      metadata: { name: 'p', namespace: 'default' },
      spec: { targetRefs: [{ group: '', kind: 'Service', name: 'app' }], loadBalancer: { type: 'Maglev', hashOn: [part] } },
    },
    { strict: true },
  );
  return valid.ok ? [] : valid.error.map(({ field, reason }) => `${field}: ${reason}`);
}

test.each([
  [{ principal: 'id' }],
  [{ consumer: true }],
  [{ claim: 'sub' }],
  [{ claim: 'https://example.com/tenant' }],
  [{ claim: 'home town' }],
])('%j is a part of a key', (part) => {
  expect(problems(part)).toEqual([]);
});

test.each([
  [{ claim: '' }, /claim/],
  [{ claim: ' sub' }, /claim.*must be the name of a claim/],
  [{ claim: 'a\nb' }, /claim.*must be the name of a claim/],
  [{ claim: 'x'.repeat(257) }, /claim/],
  [{ principal: 'name' }, /principal/],
  [{ principal: 'id', claim: 'sub' }, /exactly one of header, cookie, query, sourceIP, principal, consumer and claim/],
])('%j is none', (part, message) => {
  expect(problems(part).join('\n')).toMatch(message);
});
