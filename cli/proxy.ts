// `weir proxy`: serves the configuration from a controller.
import { createLog } from '#lib/log.ts';
import { PROXY_FLAGS, readProxyConfig } from '../proxy/config.ts';
import { runProxy } from '../proxy/main.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

export const proxy: Command = {
  name: 'proxy',
  arguments: '--controller HOST:PORT',
  summary: 'Serves the configuration from a controller until a signal, then drains.',
  flags: PROXY_FLAGS,
  readsEnvironment: true,
  async run(args) {
    const config = readProxyConfig(args);
    if (!config.ok) throw new UsageError(config.error);
    const served = await runProxy(config.value, createLog(config.value.logLevel));
    if (!served.ok) throw new UsageError(served.error);
    return 0;
  },
};
