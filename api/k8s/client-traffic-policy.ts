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
    'How listeners treat those who connect to them: timeouts, limits, protocols. A listener wins over its ListenerSet, and that over its Gateway, field by field.',
  targets: [GATEWAY_TARGET, LISTENER_SET_TARGET],
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
      write: duration('The longest time that a client takes nothing of an answer that waits for it.'),
    }),
    rates: group(
      'The least bytes per second of a body, on average. A client that is behind by the timeout is cut; the time of the backend is not counted, and tunnels and gRPC calls have no least rate. 0 is none.',
      {
        requestBody: size('What a client has to send of a request body; timeouts.requestBodyIdle is how far it may be behind.', RATE),
        response: size('What a client has to take of an answer that waits for it; timeouts.write is how far it may be behind.', RATE),
      },
    ),
    limits: group('How much a client may ask for.', {
      headerBytes: size('Request line and headers of one request together; also its trailers.', { minimum: 1_024, maximum: 1_048_576 }),
      headers: count('Headers of one request, Host not counted.', { minimum: 1, maximum: 10_000 }),
      targetBytes: size('The request target: path and query.', { minimum: 256, maximum: 1_048_576 }),
      requestBody: size('The body of one request; a larger one is answered with 413. 0 is no limit.', { minimum: 0 }),
      requestsPerConnection: count('Requests of one connection before it is closed. 0 is no limit.', { minimum: 0, maximum: MAX_COUNT }),
    }),
    proxyProtocol: group('The PROXY protocol, version 1 or 2: a balancer in front says whose a connection is.', {
      mode: choice(
        "Whether every connection has to begin with a header. One that may come or not could be any client's. Off stands in quotes in YAML, where a bare one is false.",
        ['Off', 'Required'],
      ),
      trustedSources: ranges('Where connections with a header may come from; others are reset. Everywhere, when empty or absent.'),
    }),
    clientIP: group('Whose a request is behind a CDN or a balancer of layer 7: which proxies in front are believed what they tell of it.', {
      trustedHops: count(
        'How many proxies a request comes through, each of which adds the address before it. 0 trusts none, whatever else is set. Absent: all that are in trustedCIDRs, or one where header alone is set.',
        { minimum: 0, maximum: 32 },
      ),
      trustedCIDRs: ranges('Where those proxies are; words of others are removed. Everywhere, when empty or absent.'),
      header: fieldName(
        'Where they write the address of the client: X-Forwarded-For by default, Forwarded (RFC 7239), or a header that holds it alone, such as CF-Connecting-IP.',
      ),
      failClosed: flag(
        'A request of a trusted proxy that does not tell the address of the client is answered with 403. Otherwise the last address that can be believed counts as the client.',
      ),
    }),
    tls: group('What listeners that terminate TLS agree to; tls.options of a listener win over it.', {
      minVersion: choice('The oldest version.', TLS_VERSIONS),
      maxVersion: choice('The newest version; the oldest wins where it is newer.', TLS_VERSIONS),
      cipherSuites: choices('Cipher suites; those of one version leave those of the other as they are.', CIPHER_SUITES),
      keyExchanges: choices('Ways to agree on a key, best first.', KEY_EXCHANGES),
      alpn: choices('What is spoken inside, best first.', ALPN_PROTOCOLS),
      ocspStapling: flag('Certificates are shown with the answer of the responder that they name.'),
    }),
    http2: group('HTTP/2 connections of clients.', {
      maxConcurrentStreams: count('Requests under way on one connection; those beyond are refused for the client to send again.', {
        minimum: 1,
        maximum: 2_147_483_647,
      }),
      streamWindow: size('How much of the body of one request may be on its way: what a backend that does not read costs.', WINDOW),
      connectionWindow: size('The same for all requests of one connection together.', WINDOW),
    }),
  },
});
