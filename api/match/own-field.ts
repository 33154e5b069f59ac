// Headers that codecs keep in fields of their own, but that routes can match. Requests of both protocols have them. Headers of HTTP/1.1
// connections only (Connection, Transfer-Encoding) cannot be matched: api/k8s refuses them.

/** The fields, implemented by the exchange of a proxy. */
export interface OwnFields {
  /** Host or `:authority` as received; '' if absent. */
  readonly authority: string;
  /** The declared length, -1 if absent. */
  readonly contentLength: number;
  /** In lower case, '' if absent. */
  readonly expect: string;
  /** Upgrade or `:protocol` in lower case, '' if absent; also set if it is ignored. */
  readonly askedUpgrade: string;
}

const NAMES = ['host', 'content-length', 'expect', 'upgrade'] as const;

/** One of these headers. */
export type OwnFieldName = (typeof NAMES)[number];

/** The field of a header (name in lower case), or null if the header is in the list. */
export function ownFieldOf(name: string): OwnFieldName | null {
  return NAMES.find((own) => own === name) ?? null;
}

/** The value in the form of the header, or null. */
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

/** Headers whose values codecs store in lower case, because their case has no meaning. */
const CASELESS: ReadonlySet<string> = new Set(['expect', 'upgrade', 'te']);

/** Whether the case of the value has no meaning. */
export function isCaseless(name: string): boolean {
  return CASELESS.has(name);
}
