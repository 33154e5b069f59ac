import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { clientTrafficPolicy } from '../k8s/client-traffic-policy.ts';
import { POLICIES } from '../k8s/policies.ts';
import { leavesOf, settingsSchema, toSettings } from './settings.ts';

const { settings } = clientTrafficPolicy;

function noReference(): never {
  throw new Error('this policy has no references');
}

describe('toSettings', () => {
  test('converts durations to milliseconds and sizes to bytes, and omits all other fields', () => {
    const spec = {
      targetRefs: [{ kind: 'Gateway', name: 'edge' }],
      timeouts: { idle: '1m30s' },
      limits: { requestBody: '10Mi', headers: 5 },
    };
    expect(toSettings(settings, spec, noReference)).toEqual({
      timeouts: { idle: 90_000 },
      limits: { requestBody: 10_485_760, headers: 5 },
    });
  });

  test('adds no setting', () => {
    expect(toSettings(settings, { timeouts: {} }, noReference)).toEqual({ timeouts: {} });
    expect(toSettings(settings, {}, noReference)).toEqual({});
  });
});

describe('settingsSchema', () => {
  const validate = new Ajv({ strict: false }).compile(settingsSchema(settings));

  test.each([
    ['no settings', {}, true],
    ['milliseconds', { timeouts: { idle: 5 } }, true],
    ['text instead of milliseconds', { timeouts: { idle: '5s' } }, false],
    ['less than none', { limits: { requestBody: -1 } }, false],
    ['an unknown field', { timeouts: { idel: 5 } }, false],
    ['an unknown group', { timers: {} }, false],
  ])('%s', (_, value, valid) => {
    expect(validate(value)).toBe(valid);
  });
});

describe.each(POLICIES.map(({ kind, ...policy }) => [kind, policy] as const))('%s', (_, policy) => {
  test("has settings with a description and without a default: an absent one is another policy's to set", () => {
    const leaves = leavesOf(policy.settings);
    expect(leaves.length).toBeGreaterThan(0);
    for (const { schema } of leaves) {
      expect(schema).not.toHaveProperty('default');
      expect((schema as { description?: string }).description).toMatch(/^[A-Z].*\.$/);
    }
  });
});
