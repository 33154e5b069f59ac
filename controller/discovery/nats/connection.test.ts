// Connections to a server that behaves as badly as a test wants; `test/discovery/nats-client.tool.test.ts` uses a real one.
import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { followBucket } from './bucket.ts';
import { NATS_LIMITS, NatsConnection } from './connection.ts';
import type { NatsLimits } from './connection.ts';
import { ANONYMOUS } from './credentials.ts';
import type { NatsLogin } from './credentials.ts';
import { ServicePolls } from './services.ts';
import { withServer } from './session.ts';
import type { NatsAccess } from './session.ts';

const open: net.Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of open.splice(0)) await once(server.close(), 'close');
});

/** A server; resolves to its port. */
async function serve(connected: (socket: Socket) => void): Promise<number> {
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    connected(socket);
  });
  open.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const INFO = 'INFO {"server_id":"x","headers":true,"max_payload":1048576}\r\n';

/** A server that accepts everyone, and answers each line of a client. */
function serveLines(answer: (line: string, socket: Socket) => void): Promise<number> {
  return serve((socket) => {
    socket.write(INFO);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      const lines = (text + chunk.toString('latin1')).split('\r\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (line === 'PING') socket.write('PONG\r\n');
        answer(line, socket);
      }
    });
  });
}

interface How {
  readonly limits?: Partial<NatsLimits>;
  readonly login?: NatsLogin;
  readonly more?: Partial<NatsAccess>;
}

/** Why the work with a server ends. */
async function reason(port: number, { limits = {}, login = ANONYMOUS, more = {} }: How, work = untilClosed): Promise<string> {
  const tls = { tls: null, handshakeFirst: false };
  const access = {
    servers: [`nats://127.0.0.1:${port}`],
    ...tls,
    login,
    guard: () => null,
    limits: { ...NATS_LIMITS, ...limits },
    ...more,
  };
  try {
    await withServer(access, new AbortController().signal, work);
    return 'none';
  } catch (error) {
    return (error as Error).message.replace(/^\S+ /, '');
  }
}

function untilClosed(connection: NatsConnection): Promise<void> {
  return new Promise((_, reject) => connection.whenClosed(reject));
}

const NEVER = new AbortController().signal;

function polls(connection: NatsConnection, report: (ports: readonly number[]) => void = () => undefined): Promise<void> {
  const times = { interval: 5, settle: 1, grace: 0 };
  return new ServicePolls({ name: 'orders' }, [], (found) => report(found.map(({ port }) => port)), times).run(connection, NEVER);
}

function bucket(connection: NatsConnection): Promise<void> {
  return followBucket(connection, { bucket: 'b', keys: '>' }, () => undefined, NEVER);
}

/** Answers of JetStream, up to the creation of the consumer; then `then` gets the subscription of its deliveries. */
function jetStream(then: (socket: Socket, subscription: string) => void): Promise<number> {
  const subscriptions = new Map<string, string>();
  let asked: { readonly question: string; readonly reply: string } | null = null;
  const answer = (socket: Socket, reply: string, body: object): void => {
    const text = JSON.stringify(body);
    socket.write(`MSG ${reply} ${subscriptions.get(reply)} ${text.length}\r\n${text}\r\n`);
  };
  return serveLines((line, socket) => {
    const [, word, subject = '', second = ''] = /^(SUB|PUB) (\S+) (\S+)/.exec(line) ?? [];
    if (word === 'SUB') subscriptions.set(subject, second);
    if (word === 'PUB') asked = { question: subject, reply: second };
    if (word !== undefined || asked === null) return;
    const { question, reply } = asked;
    asked = null;
    if (question.includes('.STREAM.INFO.')) return answer(socket, reply, { config: {}, ts: new Date().toISOString() });
    answer(socket, reply, { num_pending: 5 });
    const { deliver_subject: inbox } = (JSON.parse(line) as { config: { deliver_subject: string } }).config;
    then(socket, subscriptions.get(inbox) ?? '');
  });
}

describe('a connection to NATS', () => {
  test.each<[string, (socket: Socket) => void, string]>([
    ['sends something else', (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'), 'sends bytes that are not the NATS protocol'],
    ['sends a greeting without an end', (socket) => socket.write(`INFO {${' '.repeat(100_000)}`), 'sends a line of more than 65536 bytes'],
    ['sends a greeting that is not JSON', (socket) => socket.write('INFO {"a":\r\n'), 'sends an INFO that is not a JSON object'],
    ['closes at once', (socket) => socket.end(), 'closes the connection'],
    ['refuses everyone', (socket) => socket.write(`${INFO}-ERR 'Authorization Violation'\r\n`), 'answers: Authorization Violation'],
    [
      'requires TLS and sends more before it',
      (socket) => socket.write('INFO {"tls_required":true}\r\nPONG\r\n'),
      'sends bytes before the handshake of TLS',
    ],
    ['sends text with an escape sequence', (socket) => socket.write("-ERR 'a\x1b[31mb'\r\n"), 'answers: a [31mb'],
  ])('ends if the server %s', async (_, script, message) => {
    expect(await reason(await serve(script), {})).toBe(message);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => undefined],
    ['only greets', (socket) => socket.write(INFO)],
  ])('ends in time if the server %s', async (_, script) => {
    expect(await reason(await serve(script), { limits: { connect: 50 } })).toBe('does not answer');
  });

  test('ends if the server stops to answer pings', async () => {
    let isFirst = true;
    const port = await serve((socket) => {
      socket.write(INFO);
      socket.on('data', () => {
        if (isFirst) socket.write('PONG\r\n');
        isFirst = false;
      });
    });
    expect(await reason(port, { limits: { ping: 10 } })).toBe('does not answer');
  });

  test('ends at a message that is too large', async () => {
    const port = await serveLines((line, socket) => void (line === 'PING' && socket.write('MSG a 1 999999999\r\n')));
    expect(await reason(port, {})).toBe('sends a message of more than 1048576 bytes');
  });

  test('ends at a flood of small messages', async () => {
    const port = await serveLines((line, socket) => {
      const flood = (): void => void (socket.writable && socket.write('PING\r\n'.repeat(1_000), flood));
      if (line === 'PING') flood();
    });
    expect(await reason(port, { limits: { flow: 1_000_000 } })).toBe('sends more than 1000000 bytes at once');
  });

  test('does not send credentials to a server without TLS if TLS is wanted', async () => {
    const received: string[] = [];
    const port = await serveLines((line) => received.push(line));
    const login: NatsLogin = () => ({ auth_token: 'secret' });
    expect(await reason(port, { login, more: { tls: {} } })).toBe('does not offer TLS');
    expect(received).toEqual([]);
  });

  test('signs no text that is not a nonce', async () => {
    const signed: string[] = [];
    const port = await serve((socket) => socket.write(`INFO ${JSON.stringify({ nonce: 'x'.repeat(1_000) })}\r\n`));
    const login: NatsLogin = (nonce) => (signed.push(nonce), {});
    await reason(port, { login, limits: { connect: 50 } });
    expect(signed).toEqual(['']);
  });

  test('is not opened to a refused address', async () => {
    let connections = 0;
    const port = await serve(() => connections++);
    expect(await reason(port, { more: { guard: () => 'is a loopback address' } })).toBe('is a loopback address');
    expect(connections).toBe(0);
  });

  test('does not go to servers that a server names', async () => {
    let connections = 0;
    const other = await serve(() => connections++);
    const port = await serve((socket) => {
      socket.write(`INFO {"connect_urls":["127.0.0.1:${other}"]}\r\n`);
      socket.once('data', () => socket.end());
    });
    expect(await reason(port, {})).toBe('closes the connection');
    expect(connections).toBe(0);
  });

  test('ends while the address of the server is tried, if it is not needed any more', async () => {
    const stop = new AbortController();
    const port = await serve(() => stop.abort());
    const server = { host: '127.0.0.1', port, tls: null, handshakeFirst: false, login: ANONYMOUS, guard: () => null };
    await expect(NatsConnection.open(server, stop.signal)).rejects.toThrow('is not needed any more');
  });
});

describe('answers for a service', () => {
  /** Answers every poll with these texts. */
  function answering(...texts: readonly string[]): Promise<number> {
    let subscription = '';
    return serveLines((line, socket) => {
      const [word, subject = '', second = ''] = line.split(' ');
      if (word === 'SUB') subscription = second;
      if (word !== 'PUB') return;
      for (const text of texts) socket.write(`MSG ${second} ${subscription} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
      expect(subject).toBe('$SRV.INFO.orders');
    });
  }

  function info(id: unknown, port: unknown, name = 'orders'): string {
    return JSON.stringify({ id, name, version: '1.0.0', metadata: { address: '10.0.0.1', port } });
  }

  test('are ignored if they are not of the service, or malformed', async () => {
    const malformed = ['', 'hello', '[]', 'null', '{}', info(1, 80), info('', 81), info('x'.repeat(200), 82), info('a', 83, 'other')];
    const port = await answering(...malformed, info('b', '84'));
    const ports = await new Promise<readonly number[]>((resolve) => {
      void reason(port, {}, (connection) => polls(connection, (found) => found.length > 0 && (resolve(found), connection.close())));
    });
    expect(ports).toEqual([84]);
  });

  test('are too many at some point', async () => {
    const port = await answering(...Array.from({ length: 2_001 }, (_, i) => info(String(i), 80)));
    expect(await reason(port, {}, polls)).toBe('reports more than 2000 instances');
  });
});

describe('answers for a bucket', () => {
  function delivered(subscription: string, delivery: number, subject = '$KV.b.a'): string {
    return `MSG ${subject} ${subscription} $JS.ACK.KV_b.c.1.${delivery}.${delivery}.1700000000000000000.5 2\r\n{}\r\n`;
  }

  test.each<[string, (subscription: string) => string, string]>([
    ['a message of another subject', (to) => delivered(to, 1, '$KV.other.a'), 'sends messages that are not of the bucket'],
    ['a message without a position', (to) => `MSG $KV.b.a ${to} 2\r\n{}\r\n`, 'sends messages that are not of the bucket'],
    ['a gap', (to) => delivered(to, 1) + delivered(to, 3), 'has left out messages of the bucket'],
  ])('end at %s', async (_, script, message) => {
    const port = await jetStream((socket, subscription) => socket.write(script(subscription)));
    expect(await reason(port, {}, bucket)).toBe(message);
  });

  test('are too many at some point', async () => {
    const port = await jetStream((socket, subscription) => {
      for (let i = 1; i <= 2_001; i++) socket.write(delivered(subscription, i, `$KV.b.${i}`));
    });
    expect(await reason(port, {}, bucket)).toBe('has more than 2000 instances in the bucket');
  });

  test.each([
    ['no JSON', 'hello', 'answers JetStream requests with invalid JSON'],
    ['an error', '{"error":{"description":"stream not found"}}', 'answers: stream not found'],
    ['an error without words', '{"error":{"description":{}}}', 'answers: an error'],
  ])('end at %s', async (_, text, message) => {
    let subscription = '';
    const port = await serveLines((line, socket) => {
      const [word, , second = ''] = line.split(' ');
      if (word === 'SUB') subscription = second;
      if (word === 'PUB') socket.write(`MSG ${second} ${subscription} ${text.length}\r\n${text}\r\n`);
    });
    expect(await reason(port, {}, bucket)).toBe(message);
  });

  test('end if there are none', async () => {
    expect(await reason(await serveLines(() => undefined), { limits: { connect: 300 } }, bucket)).toBe(
      'does not answer a request to $JS.API.STREAM.INFO.KV_b',
    );
  });

  test('end if the user may not use JetStream', async () => {
    let subscription = '';
    const port = await serveLines((line, socket) => {
      const [word, , second = ''] = line.split(' ');
      if (word === 'SUB') subscription = second;
      if (word === 'PUB') socket.write(`HMSG ${second} ${subscription} 16 16\r\nNATS/1.0 503\r\n\r\n\r\n`);
    });
    expect(await reason(port, {}, bucket)).toBe('does not offer JetStream to this user');
  });
});
