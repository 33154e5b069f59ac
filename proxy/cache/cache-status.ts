// The field Cache-Status (RFC 9211): what the cache of the proxy did with a request.

/** Why a request went to the backend. */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'stale' | 'request' | 'partial';

export const CACHE_HIT = 'weir; hit';
export const CACHE_COLLAPSED = 'weir; fwd=uri-miss; collapsed';

/** The field of a request that went to the backend. */
export function forwarded(reason: ForwardReason, { status = 0, stored = false }: { status?: number; stored?: boolean } = {}): string {
  return `weir; fwd=${reason}${status === 0 ? '' : `; fwd-status=${status}`}${stored ? '; stored' : ''}`;
}
