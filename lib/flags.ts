// Flags with environment variables behind them: `--drain-delay` is WEIR_DRAIN_DELAY where it is not given.
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { parseDuration } from './duration.ts';
import { err, ok } from './result.ts';
import type { Result } from './result.ts';

/** A flag: its default, its value in the help, and what it is for. */
export interface Flag {
  readonly default: string;
  readonly value: string;
  readonly text: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** Where a server listens. Host '' is every address; port 0 is any free port. */
export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

/** A setting that cannot be used: the message names the flag. Never leaves the reading of a configuration. */
export class Mistake extends Error {}

/** The value of each flag as text. */
export class FlagValues {
  readonly #flags: Flags;
  readonly #given: Readonly<Record<string, unknown>>;
  readonly #environment: NodeJS.ProcessEnv;
  readonly positionals: readonly string[];

  /** Throws a TypeError for flags that do not exist, as node:util's parseArgs does. */
  constructor(args: readonly string[], flags: Flags, environment: NodeJS.ProcessEnv, allowPositionals = false) {
    const options = Object.fromEntries(Object.keys(flags).map((name) => [name, { type: 'string' } as const]));
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals });
    this.#flags = flags;
    this.#given = values;
    this.#environment = environment;
    this.positionals = positionals;
  }

  text(name: string): string {
    return String(this.#given[name] ?? this.#environment[variableOf(name)] ?? this.#flags[name]?.default ?? '');
  }

  /** A whole number of at least `minimum`. */
  count(name: string, minimum = 0): number {
    const text = this.text(name);
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) throw new Mistake(`--${name}: ${JSON.stringify(text)} is not a count`);
    if (value < minimum) throw new Mistake(`--${name}: must be at least ${minimum}`);
    return value;
  }

  /** Milliseconds, given as such or as a duration like 10s or 1m30s. */
  time(name: string): number {
    const text = this.text(name);
    if (/^[0-9]{1,12}$/.test(text)) return Number(text);
    const duration = parseDuration(text);
    if (!duration.ok) throw new Mistake(`--${name}: ${JSON.stringify(text)} ${duration.error}, or a number of milliseconds`);
    return duration.value;
  }

  /** A port, 0 for any that is free, null for `off`. */
  port(name: string): number | null {
    const text = this.text(name);
    if (text === 'off') return null;
    if (!/^[0-9]{1,5}$/.test(text) || Number(text) > 65_535)
      throw new Mistake(`--${name}: ${JSON.stringify(text)} is neither a port nor off`);
    return Number(text);
  }

  /** An IP address, or '' for every address. */
  address(name: string): string {
    const text = this.text(name);
    if (text !== '' && isIP(text) === 0) throw new Mistake(`--${name}: ${JSON.stringify(text)} is not an IP address`);
    return text;
  }

  /** HOST:PORT, the host of an IPv6 address in brackets. */
  bindAddress(name: string): BindAddress {
    const text = this.text(name);
    const colon = text.lastIndexOf(':');
    const port = text.slice(colon + 1);
    if (colon === -1 || !/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535)
      throw new Mistake(`--${name}: ${JSON.stringify(text)} is not HOST:PORT`);
    return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  }

  /** One of a few words. */
  word<Word extends string>(name: string, words: readonly Word[]): Word {
    const text = this.text(name);
    const found = words.find((word) => word === text);
    if (found === undefined) throw new Mistake(`--${name}: ${JSON.stringify(text)} is none of ${words.join(', ')}`);
    return found;
  }
}

/** Runs the reading of a configuration: a Mistake becomes its message. */
export function caught<Config>(read: () => Config): Result<Config> {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof Mistake) return err(error.message);
    throw error;
  }
}

/** The name of a flag's environment variable. */
function variableOf(flag: string): string {
  return `WEIR_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** One line per flag. */
export function describe(flags: Flags): string {
  return Object.entries(flags)
    .map(([name, flag]) => `--${name} ${flag.value}`.padEnd(44) + flag.text + (flag.default === '' ? '' : ` (${flag.default})`))
    .join('\n');
}
