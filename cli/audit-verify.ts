// `weir audit verify`: verifies the chain of the audit log. With a file it needs no connection to the program that has written it.
import { createReadStream } from 'node:fs';
import { err, ok, type Result } from '#lib/result.ts';
import type { ChainReport } from '../admin/audit/chain.ts';
import { verifyExport } from '../admin/audit/exported-log.ts';
import type { ApiRun } from './admin-api/api-command.ts';
import { print } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import { UsageError } from './command.ts';
import { printable } from './operations/table.ts';

/** Verifies an export, or the log of the server. Returns 1 if the chain is broken. */
export async function verify(run: ApiRun, [file, ...more]: readonly string[]): Promise<number> {
  if (more.length > 0) throw new UsageError('weir audit verify takes at most one FILE');
  const anchors = anchorsOf(run.values.text('anchor'));
  if (!anchors.ok) throw new UsageError(`--anchor: ${anchors.error}`);
  if (file === undefined) return verifyServer(run, anchors.value);
  const report = await verifyExport(createReadStream(file), anchors.value);
  if (!report.ok) throw new UsageError(`${file} ${report.error}`);
  return tell(run, file, report.value);
}

/** An anchor would be compared by the very server that it is to hold, so it needs an export. */
async function verifyServer(run: ApiRun, anchors: ReadonlyMap<string | number, string>): Promise<number> {
  if (anchors.size > 0) throw new UsageError('--anchor needs a FILE: weir audit export --file FILE writes one');
  const { target } = run;
  const { body } = valueOf(await target.client.call('audit.verify'), target);
  return tell(run, 'the audit log of the server', body as ChainReport);
}

function tell({ values }: ApiRun, log: string, report: ChainReport): number {
  print(values, report, () => reportText(log, report).split('\n').map(printable).join('\n'));
  return report.broken === null ? 0 : 1;
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

/** The report in words. `log`: what was verified. */
function reportText(log: string, { entries, first, last, removed, broken }: ChainReport): string {
  if (broken !== null) return `${log} is broken: ${broken.reason}. ${entries} entries before it are whole.`;
  if (first === null) return `${log} is whole, and has no entries.`;
  const begin = removed === null ? '' : ` Retention has removed the entries up to ${removed}.`;
  return `${log} is whole: entries ${first} to ${last.sequence}.${begin}\nanchor ${last.sequence}:${last.hash}`;
}
