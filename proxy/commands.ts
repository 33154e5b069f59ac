// The commands of operators that this proxy knows.
import type { DetectedBlock, OverrideMessage } from '#api/wire/telemetry-messages.ts';
import type { Log } from '#lib/log.ts';
import { ok, type Result } from '#lib/result.ts';
import { pluginCommands } from './plugin-inspection.ts';
import type { BlockBook } from './reporting/block-book.ts';
import { Commands, ownCommands } from './reporting/commands.ts';
import type { Running } from './reporting/commands.ts';
import { OverrideKeeper } from './reporting/overrides.ts';
import { inspectionCommands } from './inspection-commands.ts';
import { cacheCommands } from './cache-purge.ts';
import { warmCommands } from './cache-warming.ts';
import { connectionCommands } from './connection-commands.ts';
import { grpcCommands } from './grpc-methods.ts';
import { limitCommands } from './limit-commands.ts';
import { recentRequestCommands } from './recent-requests.ts';
import type { Serving } from './serving.ts';
import { topicCommands } from './topic-commands.ts';
import { storedAnswerCommands } from './stored-answers.ts';

/** Blocks in a chunk: one has less than 1.5 KiB, and a chunk at most 64 KiB. */
const BLOCKS_PER_CHUNK = 40;

/** The commands for a serving proxy with these blocks. */
export function commandsOf(serving: Pick<Serving, 'supervisor' | 'retire'>, blocks: BlockBook, log: Log): Commands {
  const overrides = new OverrideKeeper(serving.supervisor.broadcast, blocks);
  const table = {
    ...ownCommands(log, () => serving.retire()),
    ...inspectionCommands(serving.supervisor),
    ...recentRequestCommands(serving.supervisor),
    ...limitCommands(serving.supervisor),
    ...cacheCommands(serving.supervisor),
    ...warmCommands(serving.supervisor),
    ...storedAnswerCommands(serving.supervisor),
    ...connectionCommands(serving.supervisor),
    ...grpcCommands(serving.supervisor),
    ...topicCommands(serving.supervisor),
    ...pluginCommands(serving.supervisor),
    override: ({ override }: { readonly override: OverrideMessage }) => overrides.set(override),
    blocks: (_: object, { chunk }: Running) => listed(blocks.detected(), chunk),
  };
  return new Commands(table, log, (all, complete) => overrides.take(all, complete));
}

async function listed(blocks: readonly DetectedBlock[], chunk: Running['chunk']): Promise<Result<undefined>> {
  for (let i = 0; i < blocks.length; i += BLOCKS_PER_CHUNK) await chunk(Buffer.from(JSON.stringify(blocks.slice(i, i + BLOCKS_PER_CHUNK))));
  return ok(undefined);
}
