// What a sender needs for a request: the content of its files, and the transport of its protocol.
import { readFile } from 'node:fs/promises';
import { parseHeaderLines } from './headers.ts';
import type { Headers } from './headers.ts';
import type { SignalSettings } from './settings.ts';
import type { TlsFiles, Transport } from './transport.ts';

/** The content of the files of a signal, read before each request: Secrets are renewed. Rejects if one cannot be read. */
export async function readFiles(settings: SignalSettings): Promise<{ readonly tls: TlsFiles; readonly headers: Headers }> {
  const { caFile, certificateFile, keyFile, headersFile } = settings;
  const [ca = '', certificate = '', key = '', lines = ''] = await Promise.all(
    [caFile, certificateFile, keyFile, headersFile].map(contentOf),
  );
  return { tls: { ca, certificate, key }, headers: [...settings.headers, ...parseHeaderLines(lines)] };
}

function contentOf(file: string): Promise<string> {
  return file === '' ? Promise.resolve('') : readFile(file, 'utf8');
}

/** Makes the transport of a protocol, and loads its library only then. */
export async function connect(settings: SignalSettings, tls: TlsFiles): Promise<Transport> {
  const options = { url: settings.url, timeoutMs: settings.timeoutMs, compression: settings.compression, tls };
  if (settings.protocol === 'grpc') return new (await import('./grpc-transport.ts')).GrpcTransport(options, settings.signal);
  return new (await import('./http-transport.ts')).HttpTransport(options);
}
