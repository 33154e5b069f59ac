import { describe, expect, test } from '@jest/globals';
import { matchOf } from './match.ts';
import { parseRule } from './rule.ts';

/** The conditions of each alternative, as `Matcher(args)`. */
function alternatives(rule: string): string[] | string {
  const parsed = parseRule(rule);
  if (!parsed.ok) return parsed.error;
  return parsed.value.map((each) => each.map(({ matcher, args }) => `${matcher}(${args.join(',')})`).join(' '));
}

describe('rules of Traefik', () => {
  test.each([
    ['Host(`a.test`)', ['Host(a.test)']],
    ['Host(`a.test`, `b.test`)', ['Host(a.test)', 'Host(b.test)']],
    ['Host(`a.test`) && (Path(`/x`) || Path(`/y`))', ['Host(a.test) Path(/x)', 'Host(a.test) Path(/y)']],
    ['Path(`/x`) || Path(`/y`) && Method(`GET`)', ['Path(/x)', 'Path(/y) Method(GET)']],
    ['Header("X-A", "1")', ['Header(X-A,1)']],
    ['Query(`a=1`)', ['Query(a=1)']],
  ])('%s', (rule, expected) => expect(alternatives(rule)).toEqual(expected));

  test.each([
    ['Host(`a.test`) && !Path(`/x`)', 'the rule has a negation, and the Gateway API has none'],
    ['Host(`a.test`', 'the rule lacks ")"'],
    ['Host(a.test)', 'the rule "Host(a.test)" cannot be read'],
    ['Host(`a`) Host(`b`)', 'the rule has something behind its end'],
    ['', 'the rule lacks a matcher'],
    [Array.from({ length: 7 }, () => '(Path(`/a`) || Path(`/b`))').join(' && '), 'the rule has more than 64 alternatives'],
  ])('%s is refused', (rule, reason) => expect(alternatives(rule)).toBe(reason));

  test.each([
    ['Host(`a.test`) && Host(`b.test`)', 'Host(b.test) has no equivalent in a rule with the other conditions'],
    ['ClientIP(`10.0.0.0/8`)', 'the matcher ClientIP has no equivalent'],
    ['HostRegexp(`a|b`)', 'HostRegexp(a|b) has no equivalent in a rule with the other conditions'],
  ])('%s has no match', (rule, reason) => {
    const parsed = parseRule(rule);
    expect(parsed.ok && matchOf(parsed.value[0] ?? [])).toEqual({ ok: false, error: reason });
  });
});
