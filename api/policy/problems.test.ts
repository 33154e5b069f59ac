import { describe, expect, test } from '@jest/globals';
import type { Policy, PolicyProblem } from '../ir/ir.ts';
import { ruleTargets, PolicyIndex } from './layers.ts';
import { describeProblem, problemsInForce } from './problems.ts';

const KIND = 'BackendTrafficPolicy';
const TARGETS = ruleTargets({ objectKind: 'HTTPRoute', namespace: 'ns', name: 'web', ruleName: 'all' });

function policy(section: string, settings: Policy['settings'], problems?: readonly PolicyProblem[]): Policy {
  const name = section === '' ? 'route' : section;
  return {
    ...{ kind: 'Policy', key: `${KIND}/ns/${name}`, policyKind: KIND, namespace: 'ns', name, createdAt: 0 },
    targets: [{ kind: 'HTTPRoute', namespace: 'ns', name: 'web', section }],
    settings,
    ...(problems === undefined ? {} : { problems: [...problems] }),
  };
}

function problemsOf(...policies: readonly Policy[]): string[] {
  return problemsInForce(new PolicyIndex(policies), TARGETS, [KIND]).map(describeProblem);
}

const BROKEN = { field: 'retry.codes[1]', message: 'broken' };

describe('problems', () => {
  test('of settings in force count', () => {
    expect(problemsOf(policy('', { retry: { codes: [500, 503] } }, [BROKEN]))).toEqual([`${KIND}/ns/route retry.codes[1]: broken`]);
  });

  test('of settings that a nearer policy replaces do not', () => {
    expect(problemsOf(policy('all', { retry: { codes: [502] } }), policy('', { retry: { codes: [500, 503] } }, [BROKEN]))).toEqual([]);
  });

  test('of whole policies count, since their settings are not known', () => {
    const whole = policy('', {}, [{ field: '', message: 'spec.retry: is wrong' }]);
    expect(problemsOf(policy('all', { retry: { codes: [502] } }), whole)).toEqual([`${KIND}/ns/route: spec.retry: is wrong`]);
  });

  test('of other targets do not count', () => {
    expect(problemsOf({ ...policy('other', {}, [{ field: '', message: 'broken' }]) })).toEqual([]);
  });
});
