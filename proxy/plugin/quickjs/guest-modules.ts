// The modules around a plugin in its isolate: those of guest/, without their types.
import { readdirSync, readFileSync } from 'node:fs';
import { withoutTypes } from './without-types.ts';

const FOLDER = new URL('./guest/', import.meta.url);
const PREFIX = 'weir:guest/';
const SDK = 'export const definePlugin = (plugin) => plugin;';

/** Read when the first isolate begins. */
let sources: ReadonlyMap<string, string> | null = null;

/** The source of a module; null: there is none of this name. */
export function guestModule(name: string): string | null {
  return name === '@weir/sdk' ? SDK : ((sources ??= readSources()).get(name) ?? null);
}

function readSources(): ReadonlyMap<string, string> {
  return new Map(readdirSync(FOLDER).map((name) => [`${PREFIX}${name}`, withoutTypes(readFileSync(new URL(name, FOLDER), 'utf8'))]));
}
