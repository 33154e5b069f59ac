// Backends of HTTP/2 without TLS: node:http2, which shares no code with Weir, and one of raw frames, valid or not.
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { closeLater } from './fixture.ts';
import { END_HEADERS, END_STREAM, frame, FramePeer, literals, PREFACE, TYPE } from './h2-client.ts';
import { until } from './until.ts';

/** Handles a stream of a node:http2 backend. */
export type Serve = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => unknown;

export interface H2Backend {
  readonly port: number;
  /** Sessions accepted so far, newest last. */
  readonly sessions: readonly http2.ServerHttp2Session[];
}

/** Starts a backend of node:http2; it is closed at the end of the test. */
export async function openH2Backend(serve: Serve, options: http2.ServerOptions = {}): Promise<H2Backend> {
  const server = http2.createServer(options);
  const sessions: http2.ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
  });
  server.on('stream', (stream: http2.ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined);
    serve(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeLater(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port: (server.address() as net.AddressInfo).port, sessions };
}

/** A backend of frames. */
export class FrameServer {
  readonly peers: FramePeer[] = [];
  readonly #server: net.Server;

  private constructor(greeting: Buffer) {
    this.#server = net.createServer({ noDelay: true }, (socket) => {
      this.peers.push(new FramePeer(socket, PREFACE.length));
      closeLater(() => socket.destroy());
      if (greeting.length > 0) socket.write(greeting);
    });
  }

  /** Sends empty SETTINGS on every connection unless other frames are given. */
  static async start(greeting = frame(TYPE.settings, 0, 0)): Promise<FrameServer> {
    const server = new FrameServer(greeting);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    closeLater(() => server.#server.close());
    return server;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** The connection with this number, once it is accepted. */
  async peer(index = 0): Promise<FramePeer> {
    await until(() => this.peers.length > index, `connection ${index} to the backend`);
    return this.peers[index] as FramePeer;
  }

  /** The connection with the head of a request on this stream, once that has arrived. */
  async asked(stream = 1, index = 0): Promise<FramePeer> {
    const peer = await this.peer(index);
    await until(() => peer.of(TYPE.headers, stream).length > 0, `a request on stream ${stream}`);
    return peer;
  }
}

/** The head of an answer. */
export function head(stream: number, status: string, flags = 0, ...fields: readonly (readonly [string, string])[]): Buffer {
  return frame(TYPE.headers, END_HEADERS | flags, stream, literals([':status', status], ...fields));
}

/** A whole answer. */
export function whole(stream: number, status = '200', body = ''): Buffer {
  if (body === '') return head(stream, status, END_STREAM);
  return Buffer.concat([head(stream, status), frame(TYPE.data, END_STREAM, stream, Buffer.from(body))]);
}
