// Cells of CSV are texts for spreadsheets, whatever callers put into entries.
import { expect, test } from '@jest/globals';
import { chainOf, facts } from '../../test/support/audit-entries.ts';
import { CSV_HEADER, csvRow } from './csv.ts';

function cellOf(userAgent: string): string {
  const [entry] = chainOf([facts({ userAgent })]);
  const row = csvRow(entry!);
  return row.slice(row.indexOf('192.0.2.1,') + 10, row.indexOf(',request-'));
}

test('the header has the names of the columns', () => {
  expect(CSV_HEADER).toMatch(/^sequence,id,time,actorKind,.*,hash\r\n$/);
});

test.each([
  ['curl/8', 'curl/8'],
  ['', ''],
  ['a "b", c', '"a ""b"", c"'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=HYPERLINK("http://evil.example")', `"'=HYPERLINK(""http://evil.example"")"`],
  ['+1+cmd', `"'+1+cmd"`],
  ['-2+3', `"'-2+3"`],
  ['@SUM(A1)', `"'@SUM(A1)"`],
  ['|calc', `"'|calc"`],
  ['\uff1dA1', `"'\uff1dA1"`],
  ['  =A1', `"'  =A1"`],
  ['\t=A1', `"'\t=A1"`],
  ['\nA1', `"'\nA1"`],
  ['a=b', 'a=b'],
])('%j is %j', (text, cell) => {
  expect(cellOf(text)).toBe(cell);
});
