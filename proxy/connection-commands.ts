// The commands of operators about open connections of all workers of a proxy.
import type { CloseConnectionsMessage, ConnectionsMessage } from '#api/wire/telemetry-messages.ts';
import type { ConnectionFilter, ConnectionLine } from '#api/wire/open-connections.ts';
import { MAX_CLOSE_REASON } from '#api/wire/telemetry-limits.ts';
import { packLines, readLines } from '#lib/json-lines.ts';
import { Listing } from '#lib/limit/listing.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { PART_BYTES } from './inspection/inspection.ts';
import type { CommandTable, Running } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** The supervisor, as these commands see it. */
type Inspectable = Pick<Supervisor, 'inspect'>;

export function connectionCommands(supervisor: Inspectable): CommandTable {
  return {
    connections: ({ connections }, running) => list(supervisor, connections, running),
    closeConnections: ({ closeConnections }, running) => close(supervisor, closeConnections, running),
  };
}

async function list(supervisor: Inspectable, message: ConnectionsMessage, { chunk, signal }: Running): Promise<Result<undefined>> {
  const listing = new Listing<ConnectionLine>(message.top);
  const part = async (data: Buffer): Promise<void> => {
    for (const line of readLines(data) as ConnectionLine[]) listing.add(line.since, line);
  };
  const inspected = await supervisor.inspect({ kind: 'connections', filter: filterOf(message), top: message.top }, null, { part, signal });
  if (!inspected.ok) return inspected;
  const more = listing.more + inspected.value.dropped;
  for (const lines of packLines([...listing.values, { more }], PART_BYTES)) await chunk(lines);
  return ok(undefined);
}

async function close(supervisor: Inspectable, message: CloseConnectionsMessage, { chunk, signal }: Running): Promise<Result<undefined>> {
  const { code, reason } = message;
  if (Buffer.byteLength(reason) > MAX_CLOSE_REASON) return err(`reason: must have at most ${MAX_CLOSE_REASON} bytes`);
  let count = 0;
  const part = async (data: Buffer): Promise<void> => void (count += (readLines(data) as number[]).reduce((sum, each) => sum + each, 0));
  const inspected = await supervisor.inspect({ kind: 'closeConnections', filter: filterOf(message), code, reason }, null, { part, signal });
  for (const lines of packLines([count], PART_BYTES)) await chunk(lines);
  return inspected.ok ? ok(undefined) : err('a worker has not closed its connections; repeat the command');
}

function filterOf({ id, route, principal, source, kind }: ConnectionFilter): ConnectionFilter {
  return { id, route, principal, source, kind };
}
