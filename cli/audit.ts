// `weir audit verify FILE`: verifies an export of the audit log, without a connection to the program that has written it.
import { createReadStream } from 'node:fs';
import { flagsOf, FlagValues, type FlagGroup } from '#lib/flags.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { ChainReport } from '../admin/audit/chain.ts';
import { verifyExport } from '../admin/audit/exported-log.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const FLAGS: readonly FlagGroup[] = [
  {
    title: 'Options',
    flags: {
      anchor: {
        default: '',
        value: 'NUMBER:HASH,...',
        text: 'verify: entries that the log must have, as an earlier check or the log of the admin program names them; they prove that the log was not written anew',
      },
      json: { default: 'false', value: '', text: 'print JSON instead of text' },
    },
  },
];

export const audit: Command = {
  name: 'audit',
  arguments: 'verify FILE',
  summary:
    'Verifies an exported audit log and names the first entry that was changed, removed, inserted, moved or cut off. Needs no connection. Ends with 1 if the chain is broken.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('audit', ACTIONS, values.positionals);
    return run(values, rest);
  },
};

type Action = (values: FlagValues, rest: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { verify };

async function verify(values: FlagValues, [file, ...more]: readonly string[]): Promise<number> {
  if (file === undefined || more.length > 0) throw new UsageError('weir audit verify takes one FILE');
  const anchors = anchorsOf(values.text('anchor'));
  if (!anchors.ok) throw new UsageError(`--anchor: ${anchors.error}`);
  const report = await verifyExport(createReadStream(file), anchors.value);
  if (!report.ok) throw new UsageError(`${file} ${report.error}`);
  console.log(values.isOn('json') ? JSON.stringify(report.value, null, 2) : textOf(file, report.value));
  return report.value.broken === null ? 0 : 1;
}

function anchorsOf(text: string): Result<ReadonlyMap<number, string>> {
  const anchors = new Map<number, string>();
  for (const each of text === '' ? [] : text.split(',')) {
    const [, number, hash] = /^([1-9]\d{0,15}):([0-9a-f]{64})$/.exec(each.trim()) ?? [];
    if (number === undefined || hash === undefined)
      return err(`${JSON.stringify(each)} must be NUMBER:HASH, with a hash of 64 hexadecimal digits`);
    anchors.set(Number(number), hash);
  }
  return ok(anchors);
}

function textOf(file: string, { entries, first, last, removed, broken }: ChainReport): string {
  if (broken !== null) return `${file} is broken: ${broken.reason}. ${entries} entries before it are whole.`;
  if (first === null) return `${file} is whole, and has no entries.`;
  const begin = removed === null ? '' : ` Retention has removed the entries up to ${removed}.`;
  return `${file} is whole: entries ${first} to ${last.sequence}.${begin}\nanchor ${last.sequence}:${last.hash}`;
}
