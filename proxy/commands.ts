// The commands of operators that this proxy knows.
import type { OverrideMessage } from '#api/wire/telemetry-messages.ts';
import { LOG_LEVELS } from '#lib/log.ts';
import type { Log } from '#lib/log.ts';
import { Commands, ownCommands } from './reporting/commands.ts';
import { OverrideKeeper } from './reporting/overrides.ts';
import { inspectionCommands } from './inspection-commands.ts';
import { limitCommands } from './limit-commands.ts';
import type { Serving } from './serving.ts';

/** The commands for a serving proxy. */
export function commandsOf(serving: Pick<Serving, 'supervisor' | 'retire'>, log: Log): Commands {
  const overrides = new OverrideKeeper(serving.supervisor.broadcast);
  const table = {
    ...ownCommands(log, LOG_LEVELS, () => serving.retire()),
    ...inspectionCommands(serving.supervisor),
    ...limitCommands(serving.supervisor),
    override: ({ override }: { readonly override: OverrideMessage }) => overrides.set(override),
  };
  return new Commands(table, log, (all, complete) => overrides.take(all, complete));
}
