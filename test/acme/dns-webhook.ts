// A webhook for DNS-01 challenges that publishes records in the DNS server of Pebble, and remembers what it was asked.
import { once } from 'node:events';
import type http from 'node:http';
import type { AddressInfo } from 'node:net';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import type { IssuedFiles } from '../support/certificates.ts';
import type { Pebble } from './pebble.ts';

/** A request to the webhook. */
export interface Asked {
  readonly action: string;
  readonly domain: string;
  readonly record: string;
  readonly value: string;
}

export class DnsWebhook {
  readonly asked: Asked[] = [];
  readonly #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
  }

  static async start(pebble: Pebble, { certificate, privateKey }: IssuedFiles, token: string): Promise<DnsWebhook> {
    const server = https.createServer({ cert: readFileSync(certificate), key: readFileSync(privateKey) });
    const webhook = new DnsWebhook(server);
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      void webhook.#answer(pebble, request, token).then((status) => response.writeHead(status).end());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return webhook;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/dns`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(pebble: Pebble, request: http.IncomingMessage, token: string): Promise<number> {
    if (request.headers.authorization !== `Bearer ${token}`) return 401;
    const asked = (await json(request)) as Asked;
    this.asked.push(asked);
    await pebble.setTxt(`${asked.record}.`, asked.action === 'present' ? asked.value : '');
    return 200;
  }
}
