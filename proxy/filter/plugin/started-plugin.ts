// Starts the module that a policy names, with the limits of the policy.
import type { PluginSettings, RunningPlugin } from '../../exchange/plugins.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';

const DEFAULT_CALL_TIME_MS = 50;
const DEFAULT_TIMEOUT_MS = 5_000;
/** Bytes of a whole body, or of a part that is held. */
export const DEFAULT_BODY_SIZE = 1_048_576;

/** The settings that all kinds of modules have. */
interface Common {
  readonly module?: { readonly data: string; readonly key: string };
  readonly backends?: readonly { readonly name?: string; readonly backendRef?: { readonly cluster: string } }[];
  readonly callTime?: number;
  readonly timeout?: number;
  readonly memory?: number;
}

export type OwnSettings = Pick<PluginSettings, 'language' | 'config' | 'memory' | 'wasm'>;

/** `own`: of the kind of module, with its default for the memory. */
export function startPlugin(settings: Common, own: OwnSettings, context: PolicyFilterContext): RunningPlugin {
  const { module = { data: '', key: '' }, backends = [] } = settings;
  return context.plugins.start({
    ...own,
    policy: context.origins[0]?.policy ?? '',
    name: `${module.data.split('/').at(-1)}/${module.key}`,
    module: context.data.handle(module),
    callTime: settings.callTime ?? DEFAULT_CALL_TIME_MS,
    timeout: settings.timeout ?? DEFAULT_TIMEOUT_MS,
    memory: settings.memory ?? own.memory,
    backends: new Map(backends.map(({ name = '', backendRef }) => [name, backendRef?.cluster ?? ''])),
  });
}
