// The connection of a program to Redis. It is renewed when the files with its secrets change, and waits for files that are missing.
import { readFile } from 'node:fs/promises';
import { connectRedis } from './redis.ts';
import type { RedisClient, RedisSecrets, RedisSettings } from './redis.ts';

/** A mounted Secret changes within a minute or so anyway. */
const LOOK_EVERY_MS = 5_000;

export class RedisConnection {
  readonly #settings: RedisSettings;
  readonly #failed: (error: Error) => void;
  readonly #timer: NodeJS.Timeout;
  #secrets: RedisSecrets | null = null;
  #client: RedisClient | null = null;
  /** The client with changed secrets, until it is ready. */
  #next: RedisClient | null = null;
  #isClosed = false;

  /** `failed` gets each failure of a connection, and of reading a file without which there is none. */
  constructor(settings: RedisSettings, failed: (error: Error) => void, lookEveryMs = LOOK_EVERY_MS) {
    this.#settings = settings;
    this.#failed = failed;
    this.#timer = setInterval(() => void this.look(), lookEveryMs).unref();
    void this.look();
  }

  /** Null while a file is missing, and before the files are read. */
  get client(): RedisClient | null {
    return this.#client;
  }

  /** A command without an answer fails after this time, milliseconds. */
  get timeoutMs(): number {
    return this.#settings.timeoutMs;
  }

  /** Reads the files, and connects with what has changed. Never rejects. */
  async look(): Promise<void> {
    try {
      const secrets = await secretsOf(this.#settings);
      if (!this.#isClosed && !isSame(secrets, this.#secrets)) this.#connect(secrets);
    } catch (error) {
      if (this.#client === null) this.#failed(error as Error);
    }
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#client?.disconnect();
    this.#next?.disconnect();
  }

  /** The former client stays until the new one is ready: a server may know the new password later than the file. */
  #connect(secrets: RedisSecrets): void {
    this.#secrets = secrets;
    this.#next?.disconnect();
    const client = connectRedis(this.#settings, secrets, this.#failed);
    if (this.#client === null) this.#client = client;
    else {
      this.#next = client;
      client.once('ready', () => this.#replace(client));
    }
  }

  #replace(client: RedisClient): void {
    if (this.#next !== client) return;
    const former = this.#client;
    this.#client = client;
    this.#next = null;
    // Its commands are answered, or have failed.
    setTimeout(() => former?.disconnect(), this.#settings.timeoutMs).unref();
  }
}

async function secretsOf({ userFile, passwordFile, caFile, certificateFile, keyFile }: RedisSettings): Promise<RedisSecrets> {
  const files = [userFile, passwordFile, caFile, certificateFile, keyFile];
  const [user = '', password = '', ca = '', certificate = '', key = ''] = await Promise.all(files.map(textOf));
  return { user: user.trim(), password: password.trim(), ca, certificate, key };
}

function textOf(file: string): Promise<string> {
  return file === '' ? Promise.resolve('') : readFile(file, 'utf8');
}

function isSame(one: RedisSecrets, other: RedisSecrets | null): boolean {
  return other !== null && JSON.stringify(one) === JSON.stringify(other);
}
