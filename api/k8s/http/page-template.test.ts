import { describe, expect, test } from '@jest/globals';
import { formOf, parseTemplate, templateProblem } from './page-template.ts';

describe('a page', () => {
  test('has text and variables', () => {
    expect(parseTemplate('<p>{{status}} {{ title }}</p>')).toEqual(['<p>', { variable: 'status' }, ' ', { variable: 'title' }, '</p>']);
    expect(parseTemplate('{"a":{"b":{{status}}}}')).toEqual(['{"a":{"b":', { variable: 'status' }, '}}']);
    expect(parseTemplate('')).toEqual([]);
  });

  test('without a variable of that name keeps the text', () => {
    expect(parseTemplate('{{ user }} {{}} {{status')).toEqual(['{{ user }} {{}} {{status']);
  });

  test('has 64 variables at most', () => {
    const text = '{{path}}'.repeat(65);
    expect(templateProblem(text.slice(8))).toBeNull();
    expect(templateProblem(text)).toBe('has more than 64 variables');
    expect(parseTemplate(text).at(-1)).toBe('{{path}}');
  });

  test('is refused with an unknown variable', () => {
    expect(templateProblem('{{status}} {{ user }}')).toMatch(/^has the unknown variable \{\{user}}: use status, title/);
  });
});

test.each([
  ['text/html', 'markup'],
  ['TEXT/HTML; Charset=UTF-8', 'markup'],
  ['application/xhtml+xml', 'markup'],
  ['image/svg+xml', 'markup'],
  ['application/problem+json', 'json'],
  ['text/plain;charset=utf-8', 'text'],
  ['text/html; charset=utf-7', null],
  ['text/javascript', null],
  ['text/css', null],
])('the form of %s', (type, form) => {
  expect(formOf(type)).toBe(form);
});
