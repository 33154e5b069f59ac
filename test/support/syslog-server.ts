// A server of syslog that holds every message to RFC 5424 and every frame to RFC 6587: another byte ends the test.
import net from 'node:net';
import tls from 'node:tls';
import { closeLater } from './fixture.ts';

export interface SyslogMessage {
  readonly priority: number;
  readonly time: string;
  readonly host: string;
  readonly program: string;
  readonly process: string;
  readonly id: string;
  readonly text: string;
}

const PRINTABLE = '[!-~]';
const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z`;
const MESSAGE = new RegExp(
  `^<(\\d{1,3})>1 (${TIME}) (${PRINTABLE}{1,255}) (${PRINTABLE}{1,48}) (${PRINTABLE}{1,128}) (${PRINTABLE}{1,32}) - (.*)$`,
  's',
);

export class SyslogServer {
  readonly messages: SyslogMessage[] = [];
  /** The first byte that breaks a rule. */
  problem = '';
  readonly #sockets = new Set<net.Socket>();
  readonly #server: net.Server;
  #port = 0;

  private constructor(pair: { readonly key: string; readonly cert: string } | null) {
    const taken = (socket: net.Socket): void => this.#take(socket);
    this.#server = pair === null ? net.createServer(taken) : tls.createServer(pair, taken);
  }

  /** Listens at a free port, or this one; with TLS if there is a pair. */
  static async start({
    pair = null,
    port = 0,
  }: { pair?: { key: string; cert: string } | null; port?: number } = {}): Promise<SyslogServer> {
    const server = new SyslogServer(pair);
    await new Promise<void>((resolve) => server.#server.listen(port, '127.0.0.1', resolve));
    server.#port = (server.#server.address() as net.AddressInfo).port;
    closeLater(() => server.close());
    return server;
  }

  get port(): number {
    return this.#port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #take(socket: net.Socket): void {
    this.#sockets.add(socket);
    let rest = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = this.#frame(rest); end > 0; end = this.#frame(rest)) rest = rest.subarray(end);
    });
  }

  /** The length of the first whole frame; 0: none. */
  #frame(bytes: Buffer): number {
    const space = bytes.indexOf(0x20);
    if (space < 0) return 0;
    const digits = bytes.toString('latin1', 0, space);
    if (!/^[1-9][0-9]{0,5}$/.test(digits)) this.problem ||= `no length: ${digits.slice(0, 40)}`;
    const end = space + 1 + Number(digits);
    if (!(end <= bytes.length)) return 0;
    this.#message(bytes.toString('utf8', space + 1, end));
    return end;
  }

  #message(text: string): void {
    const parts = MESSAGE.exec(text);
    if (parts === null || Number(parts[1]) > 191 || text.includes('\n')) this.problem ||= `no message: ${text.slice(0, 80)}`;
    const [priority, time, host, program, process, id, message] = (parts?.slice(1) ?? []) as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    this.messages.push({ priority: Number(priority), time, host, program, process, id, text: message });
  }
}
