// The settings of this process with their origin, for operators.
import type { FlagOrigin } from '#lib/flags.ts';
import { DEFAULT_REDACTOR } from '#lib/redaction/redactor.ts';

/** A setting with the place that decides it. */
export type ShownSetting = FlagOrigin;

/** The settings without secrets. */
export function shownSettings(settings: readonly FlagOrigin[]): readonly ShownSetting[] {
  return settings.map((setting) => ({ ...setting, value: DEFAULT_REDACTOR.text(setting.value) }));
}
