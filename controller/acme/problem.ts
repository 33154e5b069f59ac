// The ways in which a certificate authority refuses (RFC 8555 section 6.7).

/** A refusal of the server. */
export class AcmeProblem extends Error {
  /** The last part of the type: `rateLimited`. */
  readonly type: string;
  readonly status: number;
  /** How long to wait before another request, milliseconds; 0 if the server does not say. */
  readonly retryAfter: number;

  constructor(status: number, body: unknown, retryAfter: number) {
    const { type, detail } = fieldsOf(body);
    super(detail === '' ? `the server answered ${status}` : detail);
    this.type = type;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** What a problem document says, in one line; '' for none. */
export function describeProblem(body: unknown): string {
  const { type, detail } = fieldsOf(body);
  return detail === '' ? type : detail;
}

/** Texts of the server become conditions: one line of limited length. */
function fieldsOf(body: unknown): { readonly type: string; readonly detail: string } {
  const { type = '', detail = '' } = (typeof body === 'object' && body !== null ? body : {}) as { type?: unknown; detail?: unknown };
  return { type: String(type).split(':').at(-1) ?? '', detail: String(detail).replaceAll(/\s+/g, ' ').slice(0, 512) };
}
