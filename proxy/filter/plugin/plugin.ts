// The `plugin` of an ExtensionPolicy: a module of a user in TypeScript or JavaScript sees and changes requests and answers.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { Filter, FilterKind } from '../filter.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { PluginFilter } from './plugin-filter.ts';
import { DEFAULT_BODY_SIZE, startPlugin } from './started-plugin.ts';

type Settings = NonNullable<PolicySettings<'ExtensionPolicy'>['plugin']>;

const DEFAULT_MEMORY = 16 * 1_048_576;

export const plugin: FilterKind = {
  name: 'plugin',
  isExtension: true,
  ofPolicies: (policies) => {
    if (policies.settings('ExtensionPolicy').settings.plugin?.mode === 'Disabled') return null;
    return policies.filterOf('ExtensionPolicy', ['plugin'], ({ plugin: settings = {} }, context) => open(settings, context));
  },
};

function open(settings: Settings, context: PolicyFilterContext): Filter {
  const { module, config = {}, maxBodySize = DEFAULT_BODY_SIZE, onError } = settings;
  const language = /\.m?ts$/.test(module?.key ?? '') ? 'typescript' : 'javascript';
  const running = startPlugin(settings, { language, config: JSON.stringify(config), memory: DEFAULT_MEMORY, wasm: null }, context);
  return new PluginFilter(running, context, { name: 'plugin', maxBodySize, failOpen: onError === 'Open', seesCalls: false });
}
