// The list of subcommands. Each is loaded on demand: `weir explain` does not load a gRPC stack. An image contains only its own subcommands.
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Command } from './command.ts';

type Load = () => Promise<Command>;

const COMMANDS: Readonly<Record<string, Load>> = {
  up: async () => (await import('./up.ts')).up,
  controller: async () => (await import('./controller.ts')).controller,
  admin: async () => (await import('./admin.ts')).admin,
  proxy: async () => (await import('./proxy.ts')).proxy,
  validate: async () => (await import('./validate.ts')).validate,
  explain: async () => (await import('./explain.ts')).explain,
  try: async () => (await import('./try.ts')).tryOut,
  status: async () => (await import('./status.ts')).status,
  top: async () => (await import('./top.ts')).top,
  errors: async () => (await import('./errors.ts')).errors,
  endpoint: async () => (await import('./endpoint.ts')).endpoint,
  breaker: async () => (await import('./breaker.ts')).breaker,
  block: async () => (await import('./block.ts')).block,
  tail: async () => (await import('./tail.ts')).tail,
  trace: async () => (await import('./trace.ts')).trace,
  controllers: async () => (await import('./controllers.ts')).controllers,
  proxies: async () => (await import('./proxies.ts')).proxies,
  endpoints: async () => (await import('./endpoints.ts')).endpoints,
  limits: async () => (await import('./limits.ts')).limits,
  cache: async () => (await import('./cache.ts')).cache,
  connections: async () => (await import('./connections.ts')).connections,
  grpc: async () => (await import('./grpc.ts')).grpc,
  login: async () => (await import('./login.ts')).login,
  logout: async () => (await import('./logout.ts')).logout,
  context: async () => (await import('./context.ts')).context,
  get: async () => (await import('./get.ts')).get,
  apply: async () => (await import('./apply.ts')).apply,
  diff: async () => (await import('./diff.ts')).diff,
  delete: async () => (await import('./delete.ts')).remove,
  revisions: async () => (await import('./revisions.ts')).revisions,
  rollback: async () => (await import('./rollback.ts')).rollback,
  backup: async () => (await import('./backup.ts')).backup,
  restore: async () => (await import('./restore.ts')).restore,
  users: async () => (await import('./users.ts')).users,
  tokens: async () => (await import('./tokens.ts')).tokens,
  roles: async () => (await import('./roles.ts')).roles,
  alerts: async () => (await import('./alerts.ts')).alerts,
  audit: async () => (await import('./audit.ts')).audit,
  consumer: async () => (await import('./consumer.ts')).consumer,
  plugin: async () => (await import('./plugin.ts')).plugin,
  migrate: async () => (await import('./migrate.ts')).migrate,
  probe: async () => (await import('./probe.ts')).probe,
  completion: async () => (await import('./completion.ts')).completion,
  version: async () => (await import('./version.ts')).version,
};

/** The commands of this installation, by name. */
export const HERE: ReadonlyMap<string, Load> = new Map(
  Object.entries(COMMANDS).filter(([name]) => existsSync(path.join(import.meta.dirname, `${name}.ts`))),
);

/** Loads all commands, in the order of the help. */
export function loadAll(): Promise<readonly Command[]> {
  return Promise.all([...HERE.values()].map((load) => load()));
}
