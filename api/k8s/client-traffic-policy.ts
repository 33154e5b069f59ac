// ClientTrafficPolicy: how listeners treat clients.
import { GATEWAY_TARGET, LISTENER_SET_TARGET, policyKind } from './policy.ts';
import { ALPN_PROTOCOLS, CIPHER_SUITES, KEY_EXCHANGES, TLS_VERSIONS } from '#lib/tls-names.ts';
import { choice, choices, count, duration, fieldName, flag, group, ranges, size } from './setting.ts';

const MAX_COUNT = 1_000_000_000;
/** Bytes per second. */
const RATE = { minimum: 0, maximum: 1_000_000_000 };
/** RFC 9113: the initial and the maximum window of HTTP/2. */
const WINDOW = { minimum: 65_535, maximum: 2_147_483_647 };

export const clientTrafficPolicy = policyKind({
  kind: 'ClientTrafficPolicy',
  plural: 'clienttrafficpolicies',
  shortNames: ['ctp'],
  description:
    'How listeners treat clients: timeouts, limits, protocols. For each field a listener wins over its ListenerSet, and the ListenerSet over its Gateway.',
  targets: [GATEWAY_TARGET, LISTENER_SET_TARGET],
  appliesTo: 'listener',
  additions: [
    // A proxy without it trusts no peer's information about the client.
    { capability: 'client-ip', path: 'settings.clientIP', otherwise: 'omit' },
    { capability: 'least-rates', path: 'settings.rates', otherwise: 'omit' },
  ],
  settings: {
    timeouts: group('How long a client may take. 0s is no timeout.', {
      proxyHeader: duration('The header of the PROXY protocol, from accept, where one is required.'),
      tlsHandshake: duration('The TLS handshake, from accept to its end.'),
      requestHead: duration('The head of a request, from its first byte to its last.'),
      requestBodyIdle: duration('The longest silence within the body of a request.'),
      idle: duration('The longest silence between two requests of a connection, and after accept.'),
      write: duration('The longest time in which a client reads nothing of an answer that waits for it.'),
    }),
    rates: group(
      'The least bytes per second of a body, on average. A client whose delay reaches the timeout is cut. The time of the backend is not counted. Tunnels and gRPC calls have no least rate. 0 is none.',
      {
        requestBody: size(
          'The bytes per second that a client has to send of a request body; timeouts.requestBodyIdle limits its delay.',
          RATE,
        ),
        response: size('The bytes per second that a client has to read of an answer; timeouts.write limits its delay.', RATE),
      },
    ),
    limits: group('How much a client may ask for.', {
      headerBytes: size('Request line and headers of one request together; also its trailers.', { minimum: 1_024, maximum: 1_048_576 }),
      headers: count('Headers of one request, Host not counted.', { minimum: 1, maximum: 10_000 }),
      targetBytes: size('The request target: path and query.', { minimum: 256, maximum: 1_048_576 }),
      requestBody: size('The body of one request; a larger one is answered with 413. 0 is no limit.', { minimum: 0 }),
      requestsPerConnection: count('Requests of one connection before it is closed. 0 is no limit.', { minimum: 0, maximum: MAX_COUNT }),
    }),
    proxyProtocol: group('The PROXY protocol, version 1 or 2: a balancer in front tells the address of the client.', {
      mode: choice(
        'Whether every connection has to begin with a header. An optional header does not exist, since any client could send it. Write Off in quotes: without them YAML reads false.',
        ['Off', 'Required'],
      ),
      trustedSources: ranges(
        'The addresses that connections with a header may come from; others are reset. Every address, when empty or absent.',
      ),
    }),
    clientIP: group('The address of the client behind a CDN or a balancer of layer 7: the proxies in front that are trusted to tell it.', {
      trustedHops: count(
        'The number of trusted proxies in front; each of them adds the address of its peer. 0 trusts none, whatever else is set. Absent: all proxies in trustedCIDRs, or one proxy where only header is set.',
        { minimum: 0, maximum: 32 },
      ),
      trustedCIDRs: ranges('The addresses of these proxies; headers of other peers are removed. Every address, when empty or absent.'),
      header: fieldName(
        'The header with the address of the client: X-Forwarded-For by default, Forwarded (RFC 7239), or a header that holds one address, such as CF-Connecting-IP.',
      ),
      failClosed: flag(
        'True: a request of a trusted proxy without the address of the client is answered with 403. False: the last trusted address counts as the client.',
      ),
    }),
    tls: group('The terms of listeners that terminate TLS; tls.options of a listener win over them.', {
      minVersion: choice('The oldest version.', TLS_VERSIONS),
      maxVersion: choice('The newest version; the oldest wins where it is newer.', TLS_VERSIONS),
      cipherSuites: choices('Cipher suites. Suites of one version of TLS do not change those of the other.', CIPHER_SUITES),
      keyExchanges: choices('Ways to agree on a key, best first.', KEY_EXCHANGES),
      alpn: choices('The protocols inside of TLS, best first.', ALPN_PROTOCOLS),
      ocspStapling: flag('Handshakes have the answer of the OCSP responder that the certificate names.'),
    }),
    http2: group('HTTP/2 connections of clients.', {
      maxConcurrentStreams: count('Requests under way on one connection. Further ones are refused, and clients send them again.', {
        minimum: 1,
        maximum: 2_147_483_647,
      }),
      streamWindow: size(
        'The bytes of the body of one request that may be on their way: the memory for a backend that does not read.',
        WINDOW,
      ),
      connectionWindow: size('The same for all requests of one connection together.', WINDOW),
    }),
  },
});
