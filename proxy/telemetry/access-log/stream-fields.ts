// The value of each field of the access log for a stream.
import { gatewayOfListener } from '#api/ir/listener-key.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';
import { endpointReader, ruleOf, routeNameOf } from './origin.ts';
import type { Reader, ReaderOf } from './line.ts';

type Fields = Readonly<Record<string, Reader<StreamSession>>>;

/** The readers of streams; fields of requests have no reader. */
export function streamReaders(): ReaderOf<StreamSession> {
  const endpoint = endpointReader();
  const fields: Fields = { ...STREAM, ...ORIGIN, endpoint: { kind: 'safe', read: (session) => endpoint(session.endpoint) } };
  return (name) => fields[name] ?? null;
}

const STREAM: Fields = {
  time: { kind: 'moment', read: (_, moment) => moment.iso(moment.now) },
  startTime: { kind: 'varied', read: (_, moment) => moment.iso(Math.round(moment.now - moment.ms)) },
  commonTime: { kind: 'moment', read: (_, moment) => moment.common(moment.now) },
  durationMs: { kind: 'ms', read: (_, { ms }) => ms },
  connectMs: { kind: 'ms', read: ({ connectedAfter }) => (connectedAfter > 0 ? connectedAfter : null) },
  receivedBytes: { kind: 'varied-number', read: ({ receivedBytes }) => receivedBytes },
  sentBytes: { kind: 'varied-number', read: ({ sentBytes }) => sentBytes },
  remoteAddress: { kind: 'safe', read: ({ remoteAddress }) => remoteAddress },
  client: { kind: 'safe', read: ({ remoteAddress }) => remoteAddress },
  protocol: { kind: 'safe', read: ({ target }) => target.protocol },
  serverName: { kind: 'long', read: ({ target }) => target.serverName },
  closedBy: { kind: 'safe', read: ({ closedBy }) => closedBy },
  tlsVersion: { kind: 'safe', read: ({ tls }) => (tls === null ? null : tls.version) },
  tlsCipher: { kind: 'safe', read: ({ tls }) => (tls === null ? null : tls.cipher) },
  attempts: { kind: 'number', read: ({ attempts }) => (attempts > 1 ? attempts : null) },
  error: { kind: 'safe', read: ({ error }) => (error === null ? null : error.code) },
  // The detail may contain text of peers.
  errorDetail: { kind: 'detail', read: ({ error }) => (error === null ? null : error.detail), secrets: '' },
};

const ORIGIN: Fields = {
  route: { kind: 'long', read: ({ target: { plan } }) => (plan === null ? null : plan.key) },
  routeName: { kind: 'long', read: ({ target: { plan } }) => (plan === null ? null : routeNameOf(plan.key)) },
  rule: { kind: 'number', read: ({ target: { plan } }) => (plan === null ? null : ruleOf(plan.key)) },
  listener: { kind: 'long', read: ({ target }) => target.listener },
  gateway: { kind: 'long', read: ({ target }) => (target.listener === '' ? null : gatewayOfListener(target.listener)) },
};
