// `weir tail` and `weir proxies tail`: print lines of the access log as they come, and at the end what is missing.
import { StringDecoder } from 'node:string_decoder';
import { parseDuration } from '#lib/duration.ts';
import type { FlagValues } from '#lib/flags.ts';
import type { TailEnd, TailLine } from '../../controller/operations/tail.ts';
import { UsageError } from '../command.ts';
import { streamOperation } from './client.ts';
import { commandCode, commandText } from './command-text.ts';
import type { Connection } from './connection.ts';

/** The default time of a tail. */
const DEFAULT_TIME = '1m';
/** How much longer than the tail the answer may take, milliseconds. */
const SLACK_MS = 20_000;

/** What takes the place of the flags of the same names. */
export interface TailChoice {
  readonly filter?: string | undefined;
  readonly duration?: string | undefined;
}

/** Prints the lines of these proxies, of all if there are none. Returns the exit code. */
export async function printTail(
  connection: Connection,
  values: FlagValues,
  proxies: readonly string[],
  { filter = values.text('filter'), duration = values.text('duration') }: TailChoice = {},
): Promise<number> {
  const body = {
    ...{ filter, rate: values.count('rate', 1), worker: values.text('worker') },
    ...(duration === '' ? {} : { duration }),
    ...(proxies.length === 0 ? {} : { proxies }),
  };
  // `| head` closes the pipe.
  process.stdout.once('error', () => process.exit(0));
  const printer = new TailPrinter(values.text('output') === 'json');
  const call = { method: 'POST', path: '/proxies/tail', body } as const;
  await streamOperation(connection, call, {
    take: (data) => printer.take(data),
    timeout: timeOf(duration) + SLACK_MS,
  });
  return printer.end(connection.name);
}

/** A wrong duration is an error of the operation. */
function timeOf(duration: string): number {
  const parsed = parseDuration(duration === '' ? DEFAULT_TIME : duration);
  return parsed.ok ? parsed.value : 0;
}

class TailPrinter {
  readonly #asJson: boolean;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #end: TailEnd | null = null;

  constructor(asJson: boolean) {
    this.#asJson = asJson;
  }

  take(data: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(data)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#print(line, JSON.parse(line) as TailLine | TailEnd);
  }

  /** Says on standard error what is missing. The exit code is 1 if a proxy did not take part. */
  end(controller: string): number {
    if (this.#end === null) throw new UsageError(`${controller} ended the tail too early`);
    const { proxies, dropped } = this.#end;
    if (dropped > 0) console.error(`${dropped} more lines were dropped, since this command reads too slowly`);
    const missing = proxies.filter(({ reason }) => reason !== '');
    if (proxies.length === 0) console.error('no proxy is connected');
    else if (missing.length > 0) console.error(commandText({ proxies: missing }));
    return commandCode(this.#end);
  }

  #print(text: string, value: TailLine | TailEnd): void {
    if ('proxies' in value) this.#end = value;
    else console.log(this.#asJson ? text : value.line);
  }
}
