// The client of a request that came through trusted proxies.

export interface ForwardedClient {
  /** In the canonical form of RFC 5952; the last trusted address if that of the client is not known. */
  readonly address: string;
  /** The addresses for the backend: the client, then each proxy on the way, the peer last. */
  readonly chain: string;
  /** The elements of Forwarded (RFC 7239) for them, without ours; null if the proxies write another header. */
  readonly elements: string | null;
  /** From the client's point of view. */
  readonly scheme: 'http' | 'https';
  /** The authority that the client requested, if a proxy reports a different one; else ''. */
  readonly authority: string;
  /** From the client's point of view. */
  readonly port: number;
}
