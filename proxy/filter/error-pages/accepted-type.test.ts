import { expect, test } from '@jest/globals';
import { preferredType } from './accepted-type.ts';

const HTML = 'text/html; charset=utf-8';
const PROBLEM = 'application/problem+json';
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8';

test.each([
  ['no header', null, [PROBLEM, HTML], PROBLEM],
  ['a browser', BROWSER, [PROBLEM, HTML], HTML],
  ['anything', '*/*', [HTML, PROBLEM], HTML],
  ['JSON', 'application/json', [HTML, PROBLEM], PROBLEM],
  ['JSON before anything', 'application/json, text/plain, */*', [HTML, PROBLEM], PROBLEM],
  ['a range', 'text/*;q=0.5, application/problem+json;q=0.4', [PROBLEM, HTML], HTML],
  ['everything but HTML', 'text/html;q=0, */*', [HTML, PROBLEM], PROBLEM],
  ['the exact type less', 'application/problem+json;q=0.1, application/json', [PROBLEM, 'application/json'], 'application/json'],
  ['a little more', 'text/html;q=0.101, application/problem+json;q=0.1', [PROBLEM, HTML], HTML],
  ['none of them', 'image/png', [HTML, PROBLEM], HTML],
  ['a malformed weight', 'text/html;q=x, application/problem+json;q=0.1', [HTML, PROBLEM], PROBLEM],
  ['capital letters', 'Application/Problem+JSON; Q=0.5, TEXT/HTML;q=0.4', [HTML, PROBLEM], PROBLEM],
  ['nothing', '', [HTML, PROBLEM], HTML],
])('the type for a client that accepts %s', (_, header, types, expected) => {
  expect(types[preferredType(header, types)]).toBe(expected);
});
