// One request on a connection with HTTP/2, for the checks that need it.
import http2 from 'node:http2';
import type net from 'node:net';
import { failureOf } from './outcome.ts';
import type { Settle } from './outcome.ts';

/** The bounds for what an endpoint sends: one header block, and the data that one window takes. */
const BOUNDS: http2.ClientSessionOptions & http2.SecureClientSessionOptions = {
  maxSessionMemory: 1,
  maxHeaderListPairs: 128,
  settings: { enablePush: false, maxHeaderListSize: 16_384, initialWindowSize: 65_535 },
};

/** Gets the parts of an answer. */
export interface Http2Answer {
  /** The final head. `last`: nothing follows. */
  head(headers: http2.IncomingHttpHeaders, status: number): void;
  data(chunk: Buffer): void;
  trailers(headers: http2.IncomingHttpHeaders): void;
  end(): void;
}

/** Sends a request on an open connection. */
export function callHttp2(socket: net.Socket, headers: http2.OutgoingHttpHeaders, body: Buffer | null, to: [Http2Answer, Settle]): void {
  const [answer, settle] = to;
  const session = http2.connect('http://probe', { ...BOUNDS, createConnection: () => socket });
  socket.once('close', () => session.destroy());
  session.on('error', (error) => settle(failureOf(error)));
  session.on('goaway', (code) => {
    if (code !== http2.constants.NGHTTP2_NO_ERROR) settle({ fault: 'closed', detail: `GOAWAY with code ${code}` });
  });
  const stream = session.request(headers, { endStream: body === null });
  stream.on('error', (error) => settle(failureOf(error)));
  stream.on('response', (received) => answer.head(received, received[':status'] ?? 0));
  stream.on('data', (chunk: Buffer) => answer.data(chunk));
  stream.on('trailers', (received: http2.IncomingHttpHeaders) => answer.trailers(received));
  stream.on('end', () => answer.end());
  stream.on('close', () => settle({ fault: 'closed', detail: `the stream ended with code ${stream.rstCode}` }));
  if (body !== null) stream.end(body);
}
