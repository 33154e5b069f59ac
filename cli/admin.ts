// `weir admin`: the admin API as a program of its own.
import { createLog, standardError } from '#lib/log.ts';
import { RecentLog } from '#lib/recent-log.ts';
import { firstSignal, onHangup } from '#lib/signals.ts';
import { ADMIN_FLAGS, readConfig } from '../admin/config.ts';
import { AdminProgram } from '../admin/main.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

export const admin: Command = {
  name: 'admin',
  arguments: '',
  summary: 'Serves the admin API, with users, roles and an audit log.',
  flags: ADMIN_FLAGS,
  readsEnvironment: true,
  async run(args) {
    const config = readConfig(args);
    if (!config.ok) throw new UsageError(config.error);
    const recentLog = new RecentLog(standardError());
    const log = createLog(config.value.logLevel, recentLog);
    const program = new AdminProgram(config.value, log, showPassword, recentLog);
    const signal = firstSignal();
    onHangup(() => {
      log.info({ signal: 'SIGHUP' }, 'the admin program continues');
      void program.refreshCertificate();
    });
    const started = await program.start();
    if (!started.ok) throw new UsageError(started.error);
    log.info({ signal: await signal }, 'stopping');
    await program.stop();
    return 0;
  },
};

/** On standard output, not in the log: logs are kept and shipped. */
export function showPassword(user: string, password: string): void {
  console.log(`admin API: log in as ${user} with the password ${password} (it is not shown again)`);
}
