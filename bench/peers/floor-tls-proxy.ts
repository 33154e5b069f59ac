// The floor for TLS: plain node:tls with the same loop. A client that requests the end of its connection, like the handshake load, gets it
// after its answer; the connection to the origin is kept.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { acquire, release } from './floor-origins.ts';

const [listenPort, originPort, certificate, privateKey] = process.argv.slice(2) as [string, string, string, string];
const CLOSE = 'Connection: close\r\n';

const options: tls.TlsOptions = {
  cert: readFileSync(certificate),
  key: readFileSync(privateKey),
  ALPNProtocols: ['http/1.1'],
  minVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_256_GCM_SHA384',
  noDelay: true,
};

tls
  .createServer(options, (client) => {
    const origin = acquire(Number(originPort));
    let last = false;
    origin.receive = (text) => {
      client.write(text, 'latin1');
      if (last) client.end();
    };
    client.on('data', (chunk: Buffer) => {
      const text = chunk.latin1Slice();
      last = text.includes(CLOSE);
      origin.send(last ? text.replace(CLOSE, '') : text);
    });
    client.on('error', () => undefined);
    client.on('close', () => release(origin));
  })
  .on('tlsClientError', () => undefined)
  .listen(Number(listenPort), '127.0.0.1', 4_096);
