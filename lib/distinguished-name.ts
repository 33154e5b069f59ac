// Distinguished names as RFC 4514 writes them: the most specific part first, `CN=alice,O=Example`.
import type { X509Certificate } from 'node:crypto';

/** The subject of a certificate. Node gives the parts in the order of the certificate, one per line, with the escapes of RFC 2253. */
export function subjectOf({ subject }: Pick<X509Certificate, 'subject'>): string {
  return normaliseName(subject.split('\n').toReversed().join(','));
}

/** The name without spaces around its separators, with upper-case types of attributes. Values stay as they are. */
export function normaliseName(name: string): string {
  return name
    .split(/(?<!\\),/)
    .map((part) =>
      part
        .split(/(?<!\\)\+/)
        .map(normalisePart)
        .join('+'),
    )
    .join(',');
}

function normalisePart(part: string): string {
  const equals = part.indexOf('=');
  if (equals === -1) return part.trim();
  return `${part.slice(0, equals).trim().toUpperCase()}=${trimValue(part.slice(equals + 1))}`;
}

/** An escaped space at the end belongs to the value. */
function trimValue(value: string): string {
  const trimmed = value.trim();
  return trimmed.endsWith('\\') && value.trimStart().length > trimmed.length ? `${trimmed} ` : trimmed;
}
