// The headers that every answer has, so that a browser runs and shows nothing of another site with it.

/** Of answers that no browser shows as a page. */
const DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Of pages: scripts, styles and calls of this server only, and none inline. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The headers of an answer. There is no Access-Control-Allow-Origin: other sites read no answer. */
export function securityHeaders(hasTls: boolean): Readonly<Record<string, string>> {
  return {
    'content-security-policy': DATA_POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    ...(hasTls ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
}
