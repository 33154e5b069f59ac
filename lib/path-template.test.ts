import { describe, expect, test } from '@jest/globals';
import { RE2JS } from 're2js';
import { templateExpression } from './path-template.ts';

function match(template: string, path: string): unknown {
  const expression = templateExpression(template);
  if (!expression.ok) return expression.error;
  const matcher = RE2JS.compile(expression.value).matcher(path);
  if (!matcher.find()) return null;
  return Array.from({ length: matcher.groupCount() }, (_, i) => matcher.group(i + 1));
}

describe('a template', () => {
  test.each([
    ['/users/{id}', '/users/7', ['7']],
    ['/users/{id}', '/users/7/a', null],
    ['/users/{id}', '/users/', null],
    ['/users/{id}/*', '/users/7/a/b', ['7', 'a/b']],
    ['/users/{id}/*', '/users/7', ['7', null]],
    ['/users/{id}/*', '/users/7/', ['7', '']],
    ['/a/*/b', '/a/x/b', ['x']],
    ['/a/*/b', '/a/x/y/b', null],
    ['/{file}.json', '/a.json', ['a']],
    ['/{file}.json', '/axjson', null],
    ['/*', '/', ['']],
  ])('%s and %s', (template, path, expected) => {
    expect(match(template, path)).toEqual(expected);
  });

  test.each([
    ['users', 'must start with /'],
    ['/{a}/{a}', 'must have each name once, and has {a} twice'],
    ['/{}', 'must have names of letters, digits and _ in {}, and has {}'],
    ['/{a-b}', 'must have names of letters, digits and _ in {}, and has {a-b}'],
    ['/{a', 'must close each { with }'],
    ['/a?b', 'must be a path alone, without a query'],
    [`/${Array.from({ length: 17 }, (_, i) => `{a${i}}`).join('/')}`, 'must have at most 16 names'],
  ])('%s is refused', (template, reason) => {
    expect(match(template, '/')).toBe(reason);
  });
});
