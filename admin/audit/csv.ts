// The audit log as CSV (RFC 4180) for spreadsheets. It cannot be verified: the hashes are over other texts.
import { canonicalJson, type JsonValue } from '#lib/canonical-json.ts';
import type { AuditEntry } from './entry.ts';

/** Beginnings that spreadsheets take for formulas, also after spaces; some know the wide forms of the characters. */
const FORMULA = /^[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20|]|^[\t\r\n]/;

type Column = readonly [name: string, cell: (entry: AuditEntry) => string];

const COLUMNS: readonly Column[] = [
  ['sequence', ({ sequence }) => String(sequence)],
  ['id', ({ id }) => id],
  ['time', ({ time }) => time],
  ['actorKind', ({ actor }) => actor.kind],
  ['actorId', ({ actor }) => actor.id],
  ['actorName', ({ actor }) => actor.name],
  ['address', ({ address }) => address],
  ['userAgent', ({ userAgent }) => userAgent],
  ['requestId', ({ requestId }) => requestId],
  ['operation', ({ operation }) => operation],
  ['path', ({ path }) => path],
  ['namespace', ({ namespace }) => namespace ?? ''],
  ['reason', ({ reason }) => reason],
  ['outcome', ({ outcome }) => outcome],
  ['status', ({ status }) => String(status)],
  ['code', ({ code }) => code],
  ['objects', ({ changes }) => changes.map(({ object }) => object).join(' ')],
  ['changes', ({ changes }) => (changes.length === 0 ? '' : canonicalJson(changes as unknown as JsonValue))],
  ['hash', ({ hash }) => hash],
];

/** The first line: the names of the columns. */
export const CSV_HEADER = rowOf(COLUMNS.map(([name]) => name));

/** The line of an entry. */
export function csvRow(entry: AuditEntry): string {
  return rowOf(COLUMNS.map(([, cell]) => cell(entry)));
}

function rowOf(cells: readonly string[]): string {
  return `${cells.map(quoted).join(',')}\r\n`;
}

/**
 * A cell. A text that a spreadsheet would take for a formula gets an apostrophe in front, so that an entry about
 * `=HYPERLINK(...)` is a text: https://owasp.org/www-community/attacks/CSV_Injection.
 */
function quoted(text: string): string {
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n;\t]|^\s|\s$|^'/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
