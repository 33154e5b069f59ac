// Headers that codecs keep out of header lists and that a route can match all the same: requests of either protocol have them, each
// in a field of its own. What only HTTP/1.1 connections have (Connection, Transfer-Encoding) cannot be matched, api/k8s refuses it.

/** Where a proxy finds them: its exchange. */
export interface OwnFields {
  /** Host, or `:authority`, as it came; '' without one. */
  readonly authority: string;
  /** What the request says, -1 where it says nothing. */
  readonly contentLength: number;
  /** In lower case, '' without one. */
  readonly expect: string;
  /** Upgrade, or `:protocol`, in lower case, '' without one; also where it is ignored. */
  readonly askedUpgrade: string;
}

const NAMES = ['host', 'content-length', 'expect', 'upgrade'] as const;

/** One of those headers. */
export type OwnFieldName = (typeof NAMES)[number];

/** The field that a header (name in lower case) is kept in, or null when it is in the list. */
export function ownFieldOf(name: string): OwnFieldName | null {
  return NAMES.find((own) => own === name) ?? null;
}

/** The value as a header would have it, or null. */
export function ownFieldValue(fields: OwnFields, name: OwnFieldName): string | null {
  switch (name) {
    case 'host':
      return nullIfEmpty(fields.authority);
    case 'content-length':
      return fields.contentLength < 0 ? null : String(fields.contentLength);
    case 'expect':
      return nullIfEmpty(fields.expect);
    case 'upgrade':
      return nullIfEmpty(fields.askedUpgrade);
  }
}

function nullIfEmpty(value: string): string | null {
  return value === '' ? null : value;
}

/** Headers of which codecs keep the lower case: their values mean the same in any. */
const CASELESS: ReadonlySet<string> = new Set(['expect', 'upgrade', 'te']);

/** Whether the case of the value says nothing. */
export function isCaseless(name: string): boolean {
  return CASELESS.has(name);
}
