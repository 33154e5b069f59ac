// The certificate of the admin API. Its files are read again now and then, so that a rotation needs no restart.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Server as TlsServer } from 'node:https';
import type { Server } from 'node:http';
import type { Log } from '#lib/log.ts';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Milliseconds between two reads of the files. */
const REFRESH_MS = 10_000;

const MIN_VERSION = 'TLSv1.2';

export class TlsPair {
  readonly #files: TlsFiles;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #pair: Pair;
  #server: TlsServer | null = null;

  private constructor(files: TlsFiles, pair: Pair, log: Log) {
    this.#files = files;
    this.#pair = pair;
    this.#log = log;
    this.#timer = setInterval(() => void this.refresh(), REFRESH_MS).unref();
  }

  /** Rejects if the files cannot be used; the message names the file. */
  static async load(files: TlsFiles, log: Log): Promise<TlsPair> {
    return new TlsPair(files, await read(files), log);
  }

  /** The options of a server. */
  get settings(): Pair & { readonly minVersion: typeof MIN_VERSION } {
    return { ...this.#pair, minVersion: MIN_VERSION };
  }

  /** Gives a server of these settings each new certificate. */
  applyTo(server: Server): void {
    this.#server = server as TlsServer;
  }

  /** Reads the files now. New connections get the result. Files that do not match, as during a rotation, are not used. */
  async refresh(): Promise<void> {
    try {
      const pair = await read(this.#files);
      if (pair.cert.equals(this.#pair.cert) && pair.key.equals(this.#pair.key)) return;
      this.#pair = pair;
      this.#server?.setSecureContext(this.settings);
      this.#log.info('the certificate of the admin API has changed');
    } catch (error) {
      this.#log.warn({ err: error }, 'cannot read the certificate of the admin API; the previous one stays in use');
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

async function read({ certificate, privateKey }: TlsFiles): Promise<Pair> {
  const [cert, key] = await Promise.all([readFile(certificate), readFile(privateKey)]);
  const own = parsed(certificate, 'certificate', () => new X509Certificate(cert));
  if (!own.checkPrivateKey(parsed(privateKey, 'private key', () => createPrivateKey(key)))) {
    throw new Error(`${privateKey} is not the key of ${certificate}`);
  }
  return { cert, key };
}

function parsed<Value>(file: string, noun: string, parse: () => Value): Value {
  try {
    return parse();
  } catch {
    throw new Error(`${file} has no ${noun} in PEM`);
  }
}
