// The file with the keys that seal secrets in the store. A file that cannot be read is a trouble of second factors only.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { err, ok, type Result } from '#lib/result.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import { SecretBox } from './secret-box.ts';

/** Where the keys are. */
export interface KeySettings {
  /** '' for none: then no second factor can begin. */
  readonly file: string;
  /** A file that does not exist is made, readable for its owner only. */
  readonly isMade: boolean;
}

/** Gives the keys to those that need them. */
export interface Keys {
  box(): Result<SecretBox, AdminProblem>;
}

const MISSING = refuse(409, 'key-missing', 'a second factor needs a key to seal its secret; --admin-key-file names one');
const AWAY = refuse(503, 'key-away', 'the key of second factors cannot be read; the log has the reason', { retryAfter: 5 });

export const NO_KEYS: Keys = { box: () => MISSING };

const MAX_CHARACTERS = 4_096;

export class KeyFile implements Keys {
  readonly #settings: KeySettings;
  #box: SecretBox | null = null;
  #trouble = '';

  constructor(settings: KeySettings) {
    this.#settings = settings;
  }

  /** Why the file could not be used the last time; '' if it could, or if there is none. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Reads the file until that succeeds once. */
  box(): Result<SecretBox, AdminProblem> {
    if (this.#settings.file === '') return MISSING;
    if (this.#box !== null) return ok(this.#box);
    const read = readKeys(this.#settings);
    this.#trouble = read.ok ? '' : read.error;
    if (!read.ok) return AWAY;
    this.#box = read.value;
    return read;
  }
}

function readKeys({ file, isMade }: KeySettings): Result<SecretBox> {
  try {
    if (isMade) make(file);
    const box = SecretBox.parse(readFileSync(file, 'utf8').slice(0, MAX_CHARACTERS));
    return box.ok ? box : err(`--admin-key-file: ${file} ${box.error}`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return err(`--admin-key-file: ${describeSystemError(error, file)}`);
  }
}

/** A file that another program has made meanwhile stays. */
function make(file: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, SecretBox.makeText(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'EEXIST') throw error;
  }
}
