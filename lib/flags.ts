// Flags with environment variables: WEIR_DRAIN_DELAY applies if `--drain-delay` is absent. Each command has one table of flags, which
// the parser, the help, the completions and the documentation use.
import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import { parseDuration } from './duration.ts';
import { nearest } from './nearest.ts';
import { err, ok } from './result.ts';
import type { Result } from './result.ts';
import { parseSize } from './size.ts';

/** A flag: its default, the form of its value in the help, and its meaning. */
export interface Flag {
  /** As text; '' for none. */
  readonly default: string;
  /** The unit or form: `TIME`, `BYTES`, `FILE`, `PORT|off`. '': a switch, which takes no value. */
  readonly value: string;
  readonly text: string;
  /** The letter of its short form: `H` for `-H`. */
  readonly short?: string;
  /** The flag may occur several times. */
  readonly multiple?: boolean;
  /** The possible values, if they are a few words. */
  readonly words?: readonly string[];
  /** The page of the reference with more details, like `fleets.md#addresses`. */
  readonly see?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** Flags under a heading of the help; '': no heading. */
export interface FlagGroup {
  readonly title: string;
  readonly flags: Flags;
}

/** All flags of groups. */
export function flagsOf(groups: readonly FlagGroup[]): Flags {
  return Object.assign({}, ...groups.map(({ flags }) => flags)) as Flags;
}

/** The address of a server. `host` '': all addresses; `port` 0: a free port. */
export interface BindAddress {
  readonly host: string;
  readonly port: number;
}

/** An invalid setting. The message names the flag and is complete for the user. */
export class Mistake extends Error {}

/** The value of each flag as text. */
/** A setting with what decides its value. */
export interface FlagOrigin {
  /** Without dashes. */
  readonly name: string;
  readonly value: string;
  readonly origin: 'flag' | 'environment' | 'default';
  /** The variable of the environment that sets it. */
  readonly variable: string;
  readonly default: string;
}

export class FlagValues {
  readonly #flags: Flags;
  readonly #given: ReadonlyMap<string, readonly string[]>;
  readonly #environment: NodeJS.ProcessEnv;
  readonly positionals: readonly string[];

  /** Throws a Mistake for an unknown flag, or for a flag without its value. */
  constructor(args: readonly string[], flags: Flags, environment: NodeJS.ProcessEnv, allowPositionals = false) {
    this.#flags = flags;
    this.#environment = environment;
    const { given, positionals } = parse(args, flags);
    if (!allowPositionals && positionals.length > 0) throw new Mistake(`unexpected argument ${JSON.stringify(positionals[0])}`);
    this.#given = given;
    this.positionals = positionals;
  }

  text(name: string): string {
    return this.#given.get(name)?.at(-1) ?? this.#environment[variableOf(name)] ?? this.#flags[name]?.default ?? '';
  }

  /** Whether it is given, as a flag or by its variable. */
  isSet(name: string): boolean {
    return this.#given.has(name) || this.#environment[variableOf(name)] !== undefined;
  }

  /** Each setting with what decides it. */
  origins(): readonly FlagOrigin[] {
    return Object.entries(this.#flags).map(([name, flag]) => {
      const origin = this.#given.has(name) ? 'flag' : this.isSet(name) ? 'environment' : 'default';
      const value = flag.multiple === true ? this.list(name).join(', ') : this.text(name);
      return { name, value, origin, variable: variableOf(name), default: flag.default };
    });
  }

  /** All given values. */
  list(name: string): readonly string[] {
    return this.#given.get(name) ?? [];
  }

  /** The parts of a text that commas separate; none if it is empty. */
  parts(name: string): readonly string[] {
    return this.text(name)
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }

  /** Whether a switch is on. */
  isOn(name: string): boolean {
    const text = this.text(name);
    if (!['true', 'false', ''].includes(text)) throw this.#mistake(name, 'is neither true nor false');
    return text === 'true';
  }

  /** A whole number from `minimum` to `maximum`. */
  count(name: string, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): number {
    const text = this.text(name);
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) throw this.#mistake(name, 'is not a whole number');
    if (value < minimum) throw this.#mistake(name, `is too small; it must be at least ${minimum}`);
    if (value > maximum) throw this.#mistake(name, `is too large; it must be at most ${maximum}`);
    return value;
  }

  /** Bytes of a size of at least `minimum`: 65536, 64Ki, 10M. */
  bytes(name: string, minimum = 0): number {
    const size = parseSize(this.text(name));
    if (!size.ok) throw this.#mistake(name, size.error);
    if (size.value < minimum) throw this.#mistake(name, `is too small; it must be at least ${minimum}`);
    return size.value;
  }

  /** Milliseconds of a duration like 10s or 1m30s. Every number needs its unit, except 0. */
  time(name: string): number {
    const text = this.text(name);
    if (text === '0') return 0;
    if (/^[0-9]+$/.test(text)) throw this.#mistake(name, `has no unit: ${text}s is seconds, ${text}ms is milliseconds`);
    const duration = parseDuration(text);
    if (!duration.ok) throw this.#mistake(name, duration.error);
    return duration.value;
  }

  /** A port; 0: a free port; null: `off`. */
  port(name: string): number | null {
    const text = this.text(name);
    if (text === 'off') return null;
    if (!isPort(text)) throw this.#mistake(name, 'is neither a port (0 to 65535) nor off');
    return Number(text);
  }

  /** An IP address; '': all addresses. */
  address(name: string): string {
    const text = this.text(name);
    if (text !== '' && isIP(text) === 0) throw this.#mistake(name, 'is not an IP address');
    return text;
  }

  /** HOST:PORT; the host of an IPv6 address is in brackets. */
  bindAddress(name: string): BindAddress {
    const text = this.text(name);
    const colon = text.lastIndexOf(':');
    const port = text.slice(colon + 1);
    if (colon === -1 || !isPort(port)) throw this.#mistake(name, 'is not HOST:PORT');
    return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  }

  /** One of a few words. */
  word<Word extends string>(name: string, words: readonly Word[]): Word {
    const text = this.text(name);
    const found = words.find((word) => word === text);
    if (found === undefined) throw this.#mistake(name, `is none of ${words.join(', ')}`);
    return found;
  }

  /** The result of `parse`. Its errors must contain the wrong part of the text themselves. */
  parsed<Value>(name: string, parse: (text: string) => Result<Value>): Value {
    const result = parse(this.text(name));
    if (!result.ok) throw new Mistake(`${this.#origin(name)}: ${result.error}`);
    return result.value;
  }

  /** The error with the name of the flag or of its variable, and the value. */
  #mistake(name: string, reason: string): Mistake {
    return new Mistake(`${this.#origin(name)}: ${JSON.stringify(this.text(name))} ${reason}`);
  }

  #origin(name: string): string {
    const isVariable = !this.#given.has(name) && this.#environment[variableOf(name)] !== undefined;
    return `--${name}${isVariable ? ` (from ${variableOf(name)})` : ''}`;
  }
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535;
}

/** The content of a command line. */
interface Parsed {
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly positionals: readonly string[];
}

/** A flag on a command line. */
interface FlagToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function parse(args: readonly string[], flags: Flags): Parsed {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value, short }]) => {
      const type = value === '' ? ('boolean' as const) : ('string' as const);
      return [name, short === undefined ? { type } : { type, short }];
    }),
  );
  const { tokens, positionals } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined;
    if (flag === undefined) throw new Mistake(unknownFlag(token.rawName, flags));
    given.set(token.name, [...(given.get(token.name) ?? []), valueOf(token as FlagToken, flag)]);
  }
  return { given, positionals };
}

/** For `--kubeconfig --namespace a` the value was probably forgotten, so a value that looks like a flag is refused. */
function valueOf({ rawName, value, inlineValue }: FlagToken, flag: Flag): string {
  if (flag.value === '') return value ?? 'true';
  if (value === undefined) throw new Mistake(`${rawName} needs a value: ${rawName} ${flag.value}`);
  if (inlineValue !== true && value.startsWith('-') && value !== '-') {
    throw new Mistake(`${rawName} needs a value before ${value}; a value that begins with - is written ${rawName}=${value}`);
  }
  return value;
}

function unknownFlag(rawName: string, flags: Flags): string {
  const meant = nearest(rawName.replace(/^-+/, ''), Object.keys(flags));
  return `unknown flag ${rawName}${meant === null ? '' : `; did you mean --${meant}?`}`;
}

/** Reads a configuration, and returns the message of a Mistake as an error. */
export function caught<Config>(read: () => Config): Result<Config> {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof Mistake) return err(error.message);
    throw error;
  }
}

/** The name of a flag's environment variable. */
export function variableOf(flag: string): string {
  return `WEIR_${flag.toUpperCase().replaceAll('-', '_')}`;
}
