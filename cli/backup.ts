// `weir backup`: one archive of the configuration and of the store of the admin API.
import { readFileSync, unlinkSync } from 'node:fs';
import { checkArchive, type CheckedArchive } from '../admin/backup/archive.ts';
import { actionOf } from './actions.ts';
import { ApiRun, apiFlags } from './admin-api/api-command.ts';
import { print } from './admin-api/printed.ts';
import { valueOf } from './admin-api/problem-text.ts';
import { toNewFile } from './admin-api/saved-stream.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { printable } from './operations/table.ts';

const FLAGS = apiFlags({}, { changes: true });

export const backup: Command = {
  name: 'backup',
  arguments: 'create|check FILE',
  summary:
    'Makes a new file with the configuration, users, revisions and audit log, and checks it; or checks one without a connection. It has no data of Secrets, but hashes of passwords: keep it as a secret.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const run = new ApiRun(args, FLAGS);
    const [act, rest] = actionOf('backup', ACTIONS, run.words);
    const [file, ...more] = rest;
    if (file === undefined || more.length > 0) throw new UsageError('weir backup takes create or check, and one FILE');
    await act(run, file);
    return 0;
  },
};

type Action = (run: ApiRun, file: string) => Promise<void>;

const ACTIONS: Readonly<Record<string, Action>> = { create, check };

/** A file that is no whole backup does not stay, since it would look like one. */
async function create(run: ApiRun, file: string): Promise<void> {
  const stream = valueOf(await run.target.client.stream('backups.create'), run.target);
  await toNewFile(stream, file);
  try {
    await check(run, file);
  } catch (error) {
    unlinkSync(file);
    throw error;
  }
}

async function check({ values }: ApiRun, file: string): Promise<void> {
  const checked = await checkArchive(readFileSync(file));
  if (!checked.ok) throw new UsageError(`${file} is no whole backup: ${printable(checked.error)}`);
  const { manifest, sha256, rows } = checked.value;
  const { created, release, objects, secrets } = manifest;
  print(values, { sha256, created, release, objects, secrets, rows }, () => summaryOf(file, checked.value));
}

function summaryOf(file: string, { manifest, sha256, rows }: CheckedArchive): string {
  const { created, release, objects, secrets } = manifest;
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  const lines = [
    `${file} is a whole backup of ${created} by Weir ${release}: ${objects} objects, ${total} rows of the store`,
    ...(secrets.length === 0 ? [] : [`without the data of ${secrets.length} Secrets: ${secrets.join(', ')}`]),
    `sha256 ${sha256}`,
  ];
  return lines.map(printable).join('\n');
}
