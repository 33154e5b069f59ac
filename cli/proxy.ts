// `weir proxy`: serves what a controller sends.
import { createLog } from '#lib/log.ts';
import { describeProxyFlags, readProxyConfig } from '../proxy/config.ts';
import { runProxy } from '../proxy/main.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

export const proxy: Command = {
  name: 'proxy',
  usage: '--controller HOST:PORT [--workers N] [--last-good FILE] ... (--flags lists all)',
  summary: 'Serves what a controller sends, until a signal; then drains.',
  async run(args) {
    if (args[0] === '--flags') {
      console.log(describeProxyFlags());
      return 0;
    }
    const config = readProxyConfig(args);
    if (!config.ok) throw new UsageError(config.error);
    const served = await runProxy(config.value, createLog(config.value.logLevel));
    if (!served.ok) throw new UsageError(served.error);
    return 0;
  },
};
