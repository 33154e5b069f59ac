// The client of a request that came through proxies, as those that are trusted tell of it.

export interface ForwardedClient {
  /** In the one spelling of RFC 5952; the last address that is believed where the client's own is not known. */
  readonly address: string;
  /** What the backend is told: the client, then every proxy on the way, the peer last. */
  readonly chain: string;
  /** The elements of Forwarded (RFC 7239) that stand for them, ours not among them; null where the proxies write another header. */
  readonly elements: string | null;
  /** As the client sees it. */
  readonly scheme: 'http' | 'https';
  /** The authority that the client asked for, where a proxy says that it is another; else ''. */
  readonly authority: string;
  /** As the client sees it. */
  readonly port: number;
}
