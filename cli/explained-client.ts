// The client of the request in `weir explain`, and the request as routes see it. The code of the proxy decides both.
import net from 'node:net';
import type { MatchRequest } from '#api/match/table.ts';
import { Exchange } from '../proxy/exchange/exchange.ts';
import type { DownstreamConnection } from '../proxy/exchange/exchange.ts';
import type { DownstreamStream } from '../proxy/exchange/stream.ts';
import type { TrustedProxies } from '../proxy/listener/trusted-proxies.ts';
import { setForwarded } from '../proxy/upstream/forwarded.ts';
import { UsageError } from './command.ts';
import type { SampleRequest } from '../proxy/trial/sample-request.ts';

/** The request as routes see it. */
export interface IdentifiedRequest {
  readonly request: MatchRequest;
  /** The client that trusted proxies report; null means that the peer is the client. */
  readonly client: string | null;
  /** The proxy refuses the request because the trusted proxies report no client. */
  readonly refused: boolean;
}

/** `from`: the address of the peer. `proxies`: the trusted proxies of its listener, if any. Throws a UsageError if `from` is invalid. */
export function identified({ port, secured, request }: SampleRequest, from: string, proxies: TrustedProxies | null): IdentifiedRequest {
  if (net.isIP(from) === 0) throw new UsageError(`--from: ${JSON.stringify(from)} is not an address`);
  // `identify` reads only these fields.
  const connection = { remoteAddress: from, localPort: port, tls: secured ? {} : null } as DownstreamConnection;
  const exchange = new Exchange(connection, {} as DownstreamStream, 0);
  exchange.authority = request.own?.authority ?? request.host;
  exchange.requestHeaders = [...request.headers];
  const refused = proxies !== null && !proxies.identify(exchange);
  setForwarded(exchange);
  return { request: { ...request, headers: exchange.requestHeaders }, client: exchange.client?.address ?? null, refused };
}
